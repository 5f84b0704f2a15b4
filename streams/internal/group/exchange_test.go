package group_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams/internal/assign"
	"github.com/millrace/millrace/streams/internal/group"
	"github.com/millrace/millrace/streams/internal/topo"
)

// plan is a word count: in -> repartition -> counts.
func plan() *topo.Plan {
	return &topo.Plan{ApplicationID: "app", Subtopologies: []topo.Subtopology{
		{ID: 0, Sources: []topo.Source{{Topic: "in"}}, Sinks: []string{"app-counts-repartition"}},
		{
			ID: 1, Sources: []topo.Source{{Topic: "app-counts-repartition"}},
			Stores: []topo.Store{{Spec: store.Spec{Name: "counts", Kind: store.KindKeyValue}, Changelog: "app-counts-changelog"}},
		},
	}}
}

func counts() map[string]int32 { return map[string]int32{"in": 4, "app-counts-repartition": 4} }

// exchange is a group without a broker: it carries metadata to the leader and the
// answers back, round by round.
type exchange struct {
	t          *testing.T
	members    []*peer
	generation int32
	counts     map[string]int32
	sent       map[string][]byte // the last answers
}

// peer is one member of it.
type peer struct {
	*group.Balancer
	id       string
	instance *string
	owned    map[string][]int32
	joined   int32 // generation of owned
	told     []group.Assignment
	metadata func([]byte) []byte // changes what it sends
	self     any                 // who it is, for tests that add to it
}

func (p *peer) last() group.Assignment { return p.told[len(p.told)-1] }

func newExchange(t *testing.T) *exchange {
	return &exchange{t: t, counts: counts(), sent: make(map[string][]byte)}
}

// join adds a member.
func (x *exchange) join(id string, opt group.Options) *peer {
	p := &peer{id: id, joined: -1}
	if opt.Plan == nil {
		opt.Plan = plan()
	}
	if opt.Assign.MaxWarmups == 0 {
		opt.Assign.AcceptableLag = assign.Any
	}
	opt.ProcessID = uuid.NewSHA1(uuid.Nil, []byte(id))
	opt.OnAssignment = func(a group.Assignment) { p.told = append(p.told, a) }
	p.Balancer = group.New(opt)
	x.members = append(x.members, p)
	return p
}

// round is one rebalance. The first member leads.
func (x *exchange) round() error {
	x.t.Helper()
	x.generation++
	balancer, _, err := x.members[0].MemberBalancer(x.metadata())
	if err != nil {
		return err
	}
	answers, err := balancer.(kgo.GroupMemberBalancerOrError).BalanceOrError(x.counts)
	if err != nil {
		return err
	}
	x.deliver(answers.IntoSyncAssignment())
	return nil
}

func (x *exchange) deliver(answers []kmsg.SyncGroupRequestGroupAssignment) {
	x.t.Helper()
	require.Len(x.t, answers, len(x.members), "everybody gets an answer")
	for _, a := range answers {
		x.sent[a.MemberID] = a.MemberAssignment
		for _, p := range x.members {
			if p.id == a.MemberID && p.metadata == nil {
				owned, err := p.ParseSyncAssignment(a.MemberAssignment)
				require.NoError(x.t, err)
				p.owned, p.joined = owned, x.generation
			}
		}
	}
}

// partitions counts what a member owns.
func (p *peer) partitions() (n int) {
	for _, parts := range p.owned {
		n += len(parts)
	}
	return n
}

func task(sub, part int32) topo.TaskID { return topo.TaskID{Subtopology: sub, Partition: part} }

func fixedEnds(n int64) func(context.Context, []topo.TaskID) (map[topo.TaskID]int64, error) {
	return func(_ context.Context, tasks []topo.TaskID) (map[topo.TaskID]int64, error) {
		out := make(map[topo.TaskID]int64)
		for _, id := range tasks {
			out[id] = n
		}
		return out, nil
	}
}

// noEnds is a broker that does not answer.
func noEnds(context.Context, []topo.TaskID) (map[topo.TaskID]int64, error) {
	return nil, errors.New("no broker")
}
