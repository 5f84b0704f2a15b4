package assign

import "math"

// What it is worth to give a task to a member. A step is more than all tasks together
// gain below it, up to 4096 tasks; more tasks only make the choice less strict.
const (
	worthState   int64 = 1 << 8  // at most, for the part of the state that is there
	worthReady   int64 = 1 << 20 // it could run there at once
	worthWorking int64 = 1 << 32 // it runs there
	must         int64 = 1 << 46 // even shares
)

// idealize says who is to have each task in the end, as if state moved in no time.
// Members get shares that are even in each sub-topology, in all stateful tasks, in
// all others, and in all together. That is always possible: exact fractions would
// be a solution, and a flow through pipes of whole sizes that has a solution has a
// whole one. Of all even solutions it is one that stops the fewest tasks; of those
// one that has the fewest tasks wait for state; of those one that restores least.
//
//	start -> task -> share -> its kind -> member -> end
//	             `-> rest -'
//
// From a task there is a pipe of its own to each share where something speaks for
// it, and one to all the shares of its sub-topology where nothing does.
func (a *assigner) idealize(groups [][]Task) {
	n := network{assigner: a, groups: groups, flow: newFlow(2 + len(groups) + len(a.members)*(len(groups)+3)), most: a.mostState(groups)}
	for g, tasks := range groups {
		n.share(g)
		for _, t := range tasks {
			n.offer(g, t)
		}
	}
	n.level()
	n.fill(start, end)
	for i, t := range n.tasks {
		a.ideal[t.ID] = n.taker(i)
	}
}

// network is the flow in the making.
type network struct {
	*assigner
	*flow
	groups [][]Task
	tasks  []Task
	doors  []int // nodes of tasks
	most   int64 // the largest state of one task
}

// The nodes of the network, but for those of the tasks, which come behind.
const start, end = 0, 1

func (n *network) rest(g int) int        { return 2 + g }
func (n *network) member(m int) int      { return 2 + len(n.groups) + m*(len(n.groups)+3) }
func (n *network) kind(m, class int) int { return n.member(m) + class }
func (n *network) cell(m, g int) int     { return n.member(m) + 3 + g }

// class is that of a group's kind: 1 for stateful ones, 2 for the others.
func (n *network) class(g int) int {
	if n.groups[g][0].Stateful {
		return 1
	}
	return 2
}

// share lays the pipes of a group, but for its tasks.
func (n *network) share(g int) {
	all := len(n.groups[g])
	for m := range n.members {
		n.connect(n.rest(g), n.cell(m, g), all, 0)
		n.even(n.cell(m, g), n.kind(m, n.class(g)), all)
	}
}

// even lets through a member's share of so many tasks: the whole part, which it
// must have, and one more if there is a rest.
func (n *network) even(from, to, all int) {
	n.connect(from, to, all/len(n.members), -must)
	n.connect(from, to, min(1, all%len(n.members)), 0)
}

// level keeps the sums even.
func (n *network) level() {
	var all [3]int
	for g, tasks := range n.groups {
		all[0] += len(tasks)
		all[n.class(g)] += len(tasks)
	}
	for m := range n.members {
		n.even(n.kind(m, 1), n.member(m), all[1])
		n.even(n.kind(m, 2), n.member(m), all[2])
		n.even(n.member(m), end, all[0])
	}
}

// offer lays the pipes of one task.
func (n *network) offer(g int, t Task) {
	node := n.node()
	n.tasks, n.doors = append(n.tasks, t), append(n.doors, node)
	n.connect(start, node, 1, 0)
	for m := range n.members {
		if worth := n.worth(n.members[m], t, n.most); worth > 0 {
			n.connect(node, n.cell(m, g), 1, -worth)
		}
	}
	n.connect(node, n.rest(g), 1, 0)
}

// taker is the member whose share a task went into: by its own pipe, or through the
// rest, where one task is like another. It takes the unit out, so that the next task
// takes another one.
func (n *network) taker(i int) *member {
	at := n.follow(n.doors[i])
	if at < 2+len(n.groups) {
		at = n.follow(at)
	}
	return n.members[(at-2-len(n.groups))/(len(n.groups)+3)]
}

// follow goes where a unit goes.
func (n *network) follow(node int) int {
	for e := n.nodes[node].first; e >= 0; e = n.edges[e].next {
		if e%2 == 0 && n.used(e) > 0 {
			n.undo(e)
			return n.edges[e].to
		}
	}
	return start // never: every task has a way
}

// worth is how much speaks for giving a task to a member.
func (a *assigner) worth(m *member, t Task, most int64) int64 {
	switch {
	case a.running(m, t):
		return worthWorking
	case !t.Stateful || !a.near(m, t):
		return 0
	case a.caughtUp(m, t):
		return worthReady + a.worthOfState(m, t, most)
	}
	return a.worthOfState(m, t, most)
}

// worthOfState grows with what need not be restored. A task that is being restored
// counts as half done at least, as what is under way should not be stopped for
// little.
func (a *assigner) worthOfState(m *member, t Task, most int64) int64 {
	has := a.has(m, t)
	if a.runs[t.ID] == m {
		has += a.lag(m, t) / 2
	}
	return 1 + int64(float64(worthState-1)*float64(has)/float64(max(most, has, 1)))
}

// has is the part of a task's state that need not be restored.
func (a *assigner) has(m *member, t Task) int64 {
	if t.End < 0 {
		return m.process.sums[t.ID]
	}
	return t.End - a.lag(m, t)
}

// mostState is the size of the largest task.
func (a *assigner) mostState(groups [][]Task) (most int64) {
	for _, tasks := range groups {
		for _, t := range tasks {
			most = max(most, t.End)
			for _, p := range a.processes {
				if t.End < 0 {
					most = max(most, p.sums[t.ID])
				}
			}
		}
	}
	return min(most, math.MaxInt64/2)
}
