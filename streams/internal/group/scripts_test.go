package group_test

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams/internal/assign"
	"github.com/millrace/millrace/streams/internal/assign/wire"
	"github.com/millrace/millrace/streams/internal/group"
	"github.com/millrace/millrace/streams/internal/topo"
)

// scripts is how many random lives of a group to try: go test -scripts 10000.
var scripts = flag.Uint64("scripts", 200, "random join/leave/crash scripts to try")

// logEnd is how long each changelog is.
const logEnd = 50_000

// TestScripts: members join, leave, crash, hang, restart and come back at random. At no
// generation has a task two owners, nor is one given away before its owner has let
// go of it; after each event three rebalances are enough until every task has one.
func TestScripts(t *testing.T) {
	t.Parallel()
	for seed := range *scripts {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			s := newSociety(t, rand.New(rand.NewPCG(seed, 3)))
			for range 15 {
				s.event()
				s.settle()
			}
		})
	}
}

// society is an exchange whose members have state on their disks.
type society struct {
	*exchange
	rng     *rand.Rand
	opt     assign.Options
	born    int
	away    []*settler // hanging: out of the group, without knowing it
	waiting bool       // for a probing rebalance
}

// settler is a member with a disk.
type settler struct {
	*peer
	disk    map[topo.TaskID]int64
	running map[topo.TaskID]bool
}

func newSociety(t *testing.T, rng *rand.Rand) *society {
	s := &society{exchange: newExchange(t), rng: rng, opt: assign.Options{AcceptableLag: assign.Any}}
	if rng.IntN(3) > 0 {
		s.opt = assign.Options{AcceptableLag: 10_000, MaxWarmups: 2, Standbys: rng.IntN(3)}
	}
	s.counts = map[string]int32{"in": int32(1 + rng.IntN(8)), "app-counts-repartition": int32(1 + rng.IntN(8))}
	s.enter()
	s.settle()
	return s
}

// enter lets somebody new join.
func (s *society) enter() {
	s.born++
	c := &settler{disk: make(map[topo.TaskID]int64), running: make(map[topo.TaskID]bool)}
	opt := group.Options{Assign: s.opt, EndOffsets: fixedEnds(logEnd), Offsets: func() map[topo.TaskID]int64 {
		out := maps.Clone(c.disk)
		for id := range c.running {
			out[id] = wire.Running
		}
		return out
	}}
	c.peer = s.join(fmt.Sprintf("m%03d", s.born), opt)
	if s.rng.IntN(2) == 0 {
		c.instance = &c.id
	}
	c.self = c
}

// event is what happens to a group.
func (s *society) event() {
	at := s.rng.IntN(len(s.members))
	c := s.members[at].self.(*settler)
	switch s.rng.IntN(7) {
	case 0, 1:
		if len(s.members) < 6 {
			s.enter()
		}
	case 2, 3: // leaves or crashes: the group sees no difference
		s.expel(at)
	case 4: // hangs past its session timeout
		if s.expel(at) {
			s.away = append(s.away, c)
		}
	case 5:
		s.wake()
	case 6:
		s.restart(c)
	}
}

// restart lets a static member come back as another process with the same disk. The
// broker gives it what it had, and asks nobody.
func (s *society) restart(c *settler) {
	s.t.Helper()
	if c.instance == nil {
		return
	}
	name, had := *c.instance, s.sent[c.id]
	c.stop(nil)
	i := slices.Index(s.members, c.peer)
	s.enter()
	back := s.members[len(s.members)-1]
	s.members = slices.Delete(s.members, len(s.members)-1, len(s.members))
	s.members[i] = back
	again := back.self.(*settler)
	again.instance, again.disk = &name, c.disk
	owned, err := back.ParseSyncAssignment(had)
	require.NoError(s.t, err)
	back.owned, back.joined = owned, s.generation
	again.begin(back.last())
}

// expel takes somebody out of the group, but for the last one.
func (s *society) expel(at int) bool {
	if len(s.members) == 1 {
		return false
	}
	s.members = slices.Delete(s.members, at, at+1)
	return true
}

// wake lets those who hung find out that they are not members any more. They lose
// what they ran, and join again with what is on their disks.
func (s *society) wake() {
	for _, c := range s.away {
		c.owned, c.joined = nil, -1
		c.stop(nil)
		s.members = append(s.members, c.peer)
	}
	s.away = nil
}

// stop ends all tasks but those of an assignment; what they wrote stays.
func (c *settler) stop(but map[topo.TaskID][]group.Partition) {
	for id := range c.running {
		if but[id] == nil {
			delete(c.running, id)
			c.disk[id] = logEnd
		}
	}
}

// settle runs rebalances until nobody asks for one more, and probing ones until
// nobody waits for state.
func (s *society) settle() {
	s.t.Helper()
	for probes := 0; ; probes++ {
		require.LessOrEqual(s.t, probes, 12, "the group does not come to an end of moving tasks")
		for rounds := 1; s.rebalance(); rounds++ {
			require.Less(s.t, rounds, 3, "the group does not come to rest")
		}
		s.complete()
		s.restore()
		if !s.waiting {
			return
		}
	}
}

// rebalance is one, and reports whether another must follow at once.
func (s *society) rebalance() (again bool) {
	s.t.Helper()
	before := make(map[*peer]map[string][]int32)
	for _, p := range s.members {
		before[p] = p.owned
	}
	require.NoError(s.t, s.round())
	s.exclusive(before)
	s.waiting = false
	for _, p := range s.members {
		a := p.last()
		require.NoError(s.t, a.Err)
		again = again || a.RejoinNow || lost(before[p], p.owned)
		if a.NextRebalance > 0 && a.NextRebalance != wire.NoRebalance {
			require.False(s.t, s.waiting, "one member probes")
			s.waiting = true
		}
		c := p.self.(*settler)
		c.stop(a.Active)
		c.begin(a)
	}
	return again
}

// begin starts what has state to the end, and leaves the rest to restore.
func (c *settler) begin(a group.Assignment) {
	for id := range a.Active {
		if id.Subtopology == 1 && c.disk[id] == logEnd {
			c.running[id] = true
			delete(c.disk, id)
		}
	}
	for id := range a.Standby {
		if !c.running[id] {
			c.disk[id] += 0 // it has something now: nothing
		}
	}
}

// restore brings copies and tasks to the end, or most of them.
func (s *society) restore() {
	for _, p := range s.members {
		c := p.self.(*settler)
		for id := range p.last().Standby {
			c.disk[id] = logEnd - s.rng.Int64N(1000)
		}
		for id := range p.last().Active {
			if id.Subtopology == 1 && s.rng.IntN(4) > 0 {
				c.running[id] = true
				delete(c.disk, id)
			}
		}
	}
}

// lost reports whether something was taken away.
func lost(before, after map[string][]int32) bool {
	for topic, parts := range before {
		for _, n := range parts {
			if !slices.Contains(after[topic], n) {
				return true
			}
		}
	}
	return false
}

// exclusive checks that nobody got what somebody else had when it joined.
func (s *society) exclusive(before map[*peer]map[string][]int32) {
	s.t.Helper()
	owner := make(map[group.Partition]*peer)
	for p, owned := range before {
		for topic, parts := range owned {
			for _, n := range parts {
				owner[group.Partition{Topic: topic, Partition: n}] = p
			}
		}
	}
	now := make(map[group.Partition]*peer)
	for _, p := range s.members {
		for id, parts := range p.last().Active {
			require.NotContains(s.t, p.last().Standby, id, "a copy of what runs")
			for _, part := range parts {
				require.Nil(s.t, now[part], "%v has two owners", part)
				now[part] = p
				if was := owner[part]; was != nil {
					require.Equal(s.t, was.id, p.id, "%v was given away before it was released", part)
				}
			}
		}
	}
}

// complete checks that every task has an owner.
func (s *society) complete() {
	s.t.Helper()
	n := 0
	for _, p := range s.members {
		n += len(p.last().Active)
	}
	require.EqualValues(s.t, s.counts["in"]+s.counts["app-counts-repartition"], n)
}
