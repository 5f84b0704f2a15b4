package assign

import (
	"cmp"
	"math"
	"slices"

	"github.com/millrace/millrace/streams/internal/topo"
)

// Member is one member of the group: a process, or one thread of a JVM.
type Member struct {
	// ID tells members apart. Assign decides by it where nothing else does, so it
	// should be stable: the instance id where there is one.
	ID string
	// Process is shared by members with the same local state. All that is said below
	// about state is said by a member for its process.
	Process [16]byte
	// Active are the tasks it has now. One that is in Offsets as well is not running
	// yet: it is being restored.
	Active []topo.TaskID
	// Offsets say how much state it has: by task the sum, over the changelog
	// partitions, of the next offsets to restore.
	Offsets map[topo.TaskID]int64
	// Tags are the client's (KIP-708), such as its zone.
	Tags map[string]string
}

// Task is one task to assign.
type Task struct {
	ID topo.TaskID
	// Stateful tasks have changelogs; moving them costs a restore.
	Stateful bool
	// End is the sum of the end offsets of its changelog partitions, or -1: unknown.
	End int64
}

// Any as the acceptable lag lets every task move at once, whatever there is to
// restore, also while the ends of the changelogs are unknown.
const Any int64 = math.MaxInt64

// Options say how state is kept close. The zero value wants no copies and moves a
// task only where its state is complete.
type Options struct {
	// Standbys is how many copies of each stateful task to keep besides the active
	// one (num.standby.replicas).
	Standbys int
	// AcceptableLag is how many offsets a copy may be behind and still take over at
	// once (acceptable.recovery.lag). With Any, no task waits for a copy.
	AcceptableLag int64
	// MaxWarmups bounds the copies that are made only to move a task, over all of
	// the group (max.warmup.replicas).
	MaxWarmups int
	// RackTags are the keys of the tags in which the copies of a task should differ
	// (rack.aware.assignment.tags).
	RackTags []string
}

// Assignment is what one member gets, sorted by task. Standby has the warm-ups,
// too: they are kept in the same way.
type Assignment struct {
	Active, Standby []topo.TaskID
}

// Result is a whole assignment.
type Result struct {
	// Members has an entry for every member.
	Members map[string]Assignment
	// Warming is how many tasks would be elsewhere if their state were there. While
	// it is not zero, assigning again later brings them closer: a probing rebalance.
	Warming int
	// Missing is how many standbys found no process to be on.
	Missing int
}

// Assign gives every task to exactly one member. Unless state is missing, members
// differ by at most one task: over all, in stateful ones, and in each sub-topology.
// Within these bounds as many tasks as possible stay where they run; the others go
// to who is closest to their end. The result depends on neither the order of
// members nor that of tasks, and assigning again from it changes nothing.
func Assign(members []Member, tasks []Task, opt Options) Result {
	a := newAssigner(members, opt)
	if len(a.members) == 0 {
		return Result{Members: map[string]Assignment{}}
	}
	groups := bySubtopology(tasks)
	a.idealize(groups)
	for _, t := range slices.Concat(groups...) {
		a.settle(t)
	}
	a.addStandbys(groups)
	a.addWarmups()
	return a.result()
}

// assigner is one run.
type assigner struct {
	opt       Options
	members   []*member
	processes []*process
	runs      map[topo.TaskID]*member // who has a task now
	ideal     map[topo.TaskID]*member // who is to have it in the end
	owner     map[topo.TaskID]*member // who gets it now
	wanted    []Task                  // to be warmed up at their ideal owner
	missing   int
}

// member is a Member while tasks are handed out.
type member struct {
	*Member
	process         *process
	active, standby []topo.TaskID
}

// process is what members with the same local state have in common.
type process struct {
	id      [16]byte
	members []*member
	tags    map[string]string
	sums    map[topo.TaskID]int64
	copies  map[topo.TaskID]bool // active or standby, in this assignment
	standby int
}

// newAssigner puts members in order, so that the result does not depend on the
// order in which they come.
func newAssigner(in []Member, opt Options) *assigner {
	a := &assigner{
		opt: opt, runs: make(map[topo.TaskID]*member),
		ideal: make(map[topo.TaskID]*member), owner: make(map[topo.TaskID]*member),
	}
	for i := range in {
		a.members = append(a.members, &member{Member: &in[i]})
	}
	slices.SortFunc(a.members, func(x, y *member) int { return cmp.Compare(x.ID, y.ID) })
	for _, m := range a.members {
		for _, t := range m.Active {
			if a.runs[t] == nil { // a second claim is a mistake; the first counts
				a.runs[t] = m
			}
		}
		a.know(m)
	}
	return a
}

// know merges what the members of one process say about their common state.
func (a *assigner) know(m *member) {
	i := slices.IndexFunc(a.processes, func(p *process) bool { return p.id == m.Process })
	if i < 0 {
		i = len(a.processes)
		a.processes = append(a.processes, &process{
			id: m.Process, tags: m.Tags, sums: make(map[topo.TaskID]int64), copies: make(map[topo.TaskID]bool),
		})
	}
	m.process = a.processes[i]
	m.process.members = append(m.process.members, m)
	for t, sum := range m.Offsets {
		m.process.sums[t] = max(m.process.sums[t], sum)
	}
}

// bySubtopology groups tasks, stateful sub-topologies first.
func bySubtopology(tasks []Task) (groups [][]Task) {
	sorted := slices.SortedFunc(slices.Values(tasks), func(x, y Task) int {
		if x.Stateful != y.Stateful {
			if x.Stateful {
				return -1
			}
			return 1
		}
		return x.ID.Compare(y.ID)
	})
	for i, t := range sorted {
		if i == 0 || sorted[i-1].ID.Subtopology != t.ID.Subtopology {
			groups = append(groups, nil)
		}
		groups[len(groups)-1] = append(groups[len(groups)-1], t)
	}
	return groups
}

// result has an entry for each member, one without tasks too.
func (a *assigner) result() Result {
	out := Result{Members: make(map[string]Assignment, len(a.members)), Warming: len(a.wanted), Missing: a.missing}
	for _, m := range a.members {
		slices.SortFunc(m.active, topo.TaskID.Compare)
		slices.SortFunc(m.standby, topo.TaskID.Compare)
		out.Members[m.ID] = Assignment{Active: m.active, Standby: m.standby}
	}
	return out
}
