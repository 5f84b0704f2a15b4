package assign_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams/internal/assign"
	"github.com/millrace/millrace/streams/internal/topo"
)

func task(sub, part int32) topo.TaskID { return topo.TaskID{Subtopology: sub, Partition: part} }

// tasks makes a sub-topology's.
func tasks(sub, n int32, stateful bool) (out []assign.Task) {
	for i := range n {
		out = append(out, assign.Task{ID: task(sub, i), Stateful: stateful, End: 1000})
	}
	return out
}

func member(id string, active ...topo.TaskID) assign.Member {
	m := assign.Member{ID: id, Active: active}
	copy(m.Process[:], id)
	return m
}

// TestNobody and nothing.
func TestNobody(t *testing.T) {
	t.Parallel()
	require.Empty(t, assign.Assign(nil, tasks(0, 3, true)))
	require.Equal(t, map[string]assign.Assignment{"a": {}}, assign.Assign([]assign.Member{member("a")}, nil))
}

// TestSpread: two sub-topologies of two tasks over three members: nobody has three.
func TestSpread(t *testing.T) {
	t.Parallel()
	got := assign.Assign([]assign.Member{member("a"), member("b"), member("c")}, append(tasks(0, 2, true), tasks(1, 2, false)...))
	require.Equal(t, map[string]assign.Assignment{
		"a": {Active: []topo.TaskID{task(0, 0), task(1, 0)}},
		"b": {Active: []topo.TaskID{task(0, 1)}},
		"c": {Active: []topo.TaskID{task(1, 1)}},
	}, got)
}

// TestJoinMovesLittle: a third member takes a third; nothing moves between the others.
func TestJoinMovesLittle(t *testing.T) {
	t.Parallel()
	all := tasks(0, 9, true)
	got := assign.Assign([]assign.Member{
		member("a", task(0, 0), task(0, 1), task(0, 2), task(0, 3), task(0, 4)),
		member("b", task(0, 5), task(0, 6), task(0, 7), task(0, 8)),
		member("c"),
	}, all)
	require.Equal(t, []topo.TaskID{task(0, 0), task(0, 1), task(0, 2)}, got["a"].Active)
	require.Equal(t, []topo.TaskID{task(0, 5), task(0, 6), task(0, 7)}, got["b"].Active)
	require.Equal(t, []topo.TaskID{task(0, 3), task(0, 4), task(0, 8)}, got["c"].Active)
}

// TestReturnDisplacesNobody: a member that was away gets its own tasks back, by its
// state where it has some, and by being the one without tasks where it has none.
func TestReturnDisplacesNobody(t *testing.T) {
	t.Parallel()
	all := append(tasks(0, 3, true), tasks(1, 3, false)...)
	before := assign.Assign([]assign.Member{member("a"), member("b")}, all)
	for _, away := range []string{"a", "b"} {
		var members []assign.Member
		for id, has := range before {
			m := member(id)
			if id != away {
				m.Active = has.Active
			}
			members = append(members, m)
		}
		require.Equal(t, before, assign.Assign(members, all), "without %s", away)
	}
}

// TestStateDecides: a task without owner goes where most of its state is; members
// of one process share it; who claims more than there is has none.
func TestStateDecides(t *testing.T) {
	t.Parallel()
	near, far, liar := member("near"), member("far"), member("liar")
	near.Offsets = map[topo.TaskID]int64{task(0, 0): 900}
	far.Offsets = map[topo.TaskID]int64{task(0, 0): 100}
	liar.Offsets = map[topo.TaskID]int64{task(0, 0): 1001}
	members := []assign.Member{far, liar, near}
	require.Equal(t, []topo.TaskID{task(0, 0)}, assign.Assign(members, tasks(0, 1, true))["near"].Active)

	thread := assign.Member{ID: "a-thread", Process: near.Process}
	got := assign.Assign([]assign.Member{far, thread, near}, tasks(0, 1, true))
	require.Equal(t, []topo.TaskID{task(0, 0)}, got["a-thread"].Active)

	unknown := []assign.Task{{ID: task(0, 0), Stateful: true, End: -1}}
	require.Equal(t, []topo.TaskID{task(0, 0)}, assign.Assign([]assign.Member{far, near}, unknown)["near"].Active)
}

// TestProperties: groups that members join and leave at random. Always: each task
// once, even, the same whatever the order, and stable at once. A join moves no
// task between members that were there, beyond what evenness asks for.
func TestProperties(t *testing.T) {
	t.Parallel()
	for seed := range uint64(400) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			newWorld(seed).live(t)
		})
	}
}

// world is a group over time.
type world struct {
	rng     *rand.Rand
	tasks   []assign.Task
	members map[string][]topo.TaskID
	subs    int
}

func newWorld(seed uint64) *world {
	w := &world{rng: rand.New(rand.NewPCG(seed, 7)), members: map[string][]topo.TaskID{"m0": nil}}
	w.subs = 1 + w.rng.IntN(6)
	for sub := range w.subs {
		w.tasks = append(w.tasks, tasks(int32(sub), int32(1+w.rng.IntN(12)), w.rng.IntN(2) == 0)...)
	}
	return w
}

func (w *world) live(t *testing.T) {
	for round := range 12 {
		joined := w.change(round)
		got := w.assign()
		w.check(t, got)
		require.Equal(t, got, w.assign(), "order must not matter")
		moved := w.moved(got)
		w.adopt(got)
		require.Equal(t, got, w.assign(), "an assignment must be stable")
		if joined {
			// The newcomer's share, and a rest for each sub-topology at most.
			require.LessOrEqual(t, moved, len(w.tasks)/len(w.members)+1+w.subs)
		}
	}
}

// change lets somebody join or go, and reports a join.
func (w *world) change(round int) bool {
	names := slices.Sorted(maps.Keys(w.members))
	if len(names) > 1 && w.rng.IntN(3) == 0 {
		delete(w.members, names[w.rng.IntN(len(names))])
		return false
	}
	w.members[fmt.Sprintf("m%d", round+1)] = nil
	return true
}

func (w *world) assign() map[string]assign.Assignment {
	var members []assign.Member
	for id, active := range w.members {
		members = append(members, member(id, active...))
	}
	w.rng.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	all := slices.Clone(w.tasks)
	w.rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return assign.Assign(members, all)
}

func (w *world) check(t *testing.T, got map[string]assign.Assignment) {
	t.Helper()
	seen := make(map[topo.TaskID]bool)
	loads := map[int32]map[string]int{-1: {}}
	for id := range w.members {
		a, ok := got[id]
		require.True(t, ok, "%s has no entry", id)
		require.True(t, slices.IsSortedFunc(a.Active, topo.TaskID.Compare))
		loads[-1][id] = len(a.Active)
		for _, x := range a.Active {
			require.False(t, seen[x], "task %s twice", x)
			seen[x] = true
			if loads[x.Subtopology] == nil {
				loads[x.Subtopology] = make(map[string]int)
			}
			loads[x.Subtopology][id]++
		}
	}
	require.Len(t, seen, len(w.tasks))
	for sub, load := range loads {
		least, most := len(w.tasks), 0
		for id := range w.members {
			least, most = min(least, load[id]), max(most, load[id])
		}
		require.LessOrEqual(t, most-least, 1, "sub-topology %d (-1 = all): %v", sub, load)
	}
}

// moved counts tasks that an owner lost while it is still there.
func (w *world) moved(got map[string]assign.Assignment) (n int) {
	for id, active := range w.members {
		for _, x := range active {
			if !slices.Contains(got[id].Active, x) {
				n++
			}
		}
	}
	return n
}

func (w *world) adopt(got map[string]assign.Assignment) {
	for id := range w.members {
		w.members[id] = got[id].Active
	}
}

func Example() {
	tasks := []assign.Task{
		{ID: topo.TaskID{Partition: 0}, Stateful: true},
		{ID: topo.TaskID{Partition: 1}, Stateful: true},
	}
	members := []assign.Member{
		{ID: "pod-0", Active: []topo.TaskID{{Partition: 1}}},
		{ID: "pod-1"},
	}
	got := assign.Assign(members, tasks)
	fmt.Println(got["pod-0"].Active, got["pod-1"].Active)
	// Output: [0_1] [0_0]
}
