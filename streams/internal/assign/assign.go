package assign

import (
	"cmp"
	"slices"

	"github.com/millrace/millrace/streams/internal/topo"
)

// Member is one member of the group: a process, or one thread of a JVM.
type Member struct {
	// ID tells members apart. Assign decides by it where nothing else does, so it
	// should be stable: the instance id where there is one.
	ID string
	// Process is shared by members with the same local state.
	Process [16]byte
	// Active are the tasks it runs now.
	Active []topo.TaskID
	// Offsets say how much state it has: by task the sum, over the changelog
	// partitions, of the next offsets to restore.
	Offsets map[topo.TaskID]int64
}

// Task is one task to assign.
type Task struct {
	ID topo.TaskID
	// Stateful tasks have changelogs; moving them costs a restore.
	Stateful bool
	// End is the sum of the end offsets of its changelog partitions, or -1: unknown.
	End int64
}

// Assignment is what one member gets, sorted by task.
type Assignment struct {
	Active, Standby []topo.TaskID
}

// Assign gives every task to exactly one member. Members differ by at most one
// task, over all and within each sub-topology; within these bounds tasks stay
// where they run, then go to who has most of their state. The result depends on
// neither the order of members nor that of tasks, and assigning again from it
// changes nothing. It has an entry for every member.
func Assign(members []Member, tasks []Task) map[string]Assignment {
	a := newAssigner(members)
	if len(a.members) == 0 {
		return map[string]Assignment{}
	}
	for _, group := range bySubtopology(tasks) {
		a.place(group)
	}
	return a.result()
}

// assigner is one run.
type assigner struct {
	members []*member
	runs    map[topo.TaskID]*member
	state   map[[16]byte]map[topo.TaskID]int64 // by process
}

// member is a Member while tasks are handed out.
type member struct {
	*Member
	got   []topo.TaskID
	quota int // tasks of the current sub-topology it may still get
}

// newAssigner puts members in order, so that the result does not depend on the
// order in which they come.
func newAssigner(in []Member) *assigner {
	a := &assigner{runs: make(map[topo.TaskID]*member), state: make(map[[16]byte]map[topo.TaskID]int64)}
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
	if a.state[m.Process] == nil {
		a.state[m.Process] = make(map[topo.TaskID]int64)
	}
	for t, sum := range m.Offsets {
		a.state[m.Process][t] = max(a.state[m.Process][t], sum)
	}
}

// bySubtopology groups tasks, stateful sub-topologies first: they have the freer
// choice, as moving them costs most.
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

// place hands out the tasks of one sub-topology: first to those who run them,
// then the others to who is closest to their end.
func (a *assigner) place(tasks []Task) {
	a.setQuotas(tasks)
	var homeless []Task
	for _, t := range tasks {
		if m := a.runs[t.ID]; m == nil || !m.take(t.ID) {
			homeless = append(homeless, t)
		}
	}
	for _, t := range homeless {
		a.closest(t).take(t.ID)
	}
}

// setQuotas divides the sub-topology's tasks evenly. The remainder goes to those
// with the fewest tasks in all, which keeps the whole even; among them to those
// who would otherwise have to give one up, then to those with the state of tasks
// that nobody runs, then to those who run the fewest: a member that comes back
// gets its share and displaces nobody.
func (a *assigner) setQuotas(tasks []Task) {
	each, rest := len(tasks)/len(a.members), len(tasks)%len(a.members)
	running, waiting := make(map[*member]int), make(map[*member]int)
	for _, t := range tasks {
		if m := a.runs[t.ID]; m != nil {
			running[m]++
		} else if m := a.nearest(t); m != nil {
			waiting[m]++
		}
	}
	keen := func(m *member) int {
		if running[m] > each {
			return 0
		}
		return 1
	}
	order := slices.SortedStableFunc(slices.Values(a.members), func(x, y *member) int {
		return cmp.Or(
			cmp.Compare(len(x.got), len(y.got)),
			cmp.Compare(keen(x), keen(y)),
			cmp.Compare(waiting[y], waiting[x]),
			cmp.Compare(len(x.Active), len(y.Active)))
	})
	for i, m := range order {
		m.quota = each
		if i < rest {
			m.quota++
		}
	}
}

// take is false if the member has enough.
func (m *member) take(t topo.TaskID) bool {
	if m.quota == 0 {
		return false
	}
	m.quota--
	m.got = append(m.got, t)
	return true
}

// closest is the member with room that has most of the state, then the one with
// most room. Quotas sum up to the tasks, so there is one.
func (a *assigner) closest(t Task) *member {
	var best *member
	for _, m := range a.members {
		if m.quota == 0 {
			continue
		}
		if best == nil || cmp.Or(cmp.Compare(a.has(best, t), a.has(m, t)), cmp.Compare(best.quota, m.quota)) < 0 {
			best = m
		}
	}
	return best
}

// nearest is the member with most of a task's state, or nil: nobody has any.
func (a *assigner) nearest(t Task) (best *member) {
	var most int64
	for _, m := range a.members {
		if n := a.has(m, t); n > most {
			best, most = m, n
		}
	}
	return best
}

// has is how much of a task's state a member has. Who claims more than there is
// has something else.
func (a *assigner) has(m *member, t Task) int64 {
	sum := a.state[m.Process][t.ID]
	if !t.Stateful || t.End >= 0 && sum > t.End {
		return 0
	}
	return sum
}

// result has an entry for each member, one without tasks too.
func (a *assigner) result() map[string]Assignment {
	out := make(map[string]Assignment, len(a.members))
	for _, m := range a.members {
		slices.SortFunc(m.got, topo.TaskID.Compare)
		out[m.ID] = Assignment{Active: m.got}
	}
	return out
}
