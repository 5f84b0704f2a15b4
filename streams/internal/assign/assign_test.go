package assign_test

import (
	"fmt"
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

// anywhere assigns as if state moved in no time.
func anywhere(members []assign.Member, tasks []assign.Task) map[string]assign.Assignment {
	return assign.Assign(members, tasks, assign.Options{AcceptableLag: assign.Any}).Members
}

// TestNobody and nothing.
func TestNobody(t *testing.T) {
	t.Parallel()
	require.Empty(t, assign.Assign(nil, tasks(0, 3, true), assign.Options{}).Members)
	require.Equal(t, map[string]assign.Assignment{"a": {}}, assign.Assign([]assign.Member{member("a")}, nil, assign.Options{}).Members)
}

// TestSpread: two sub-topologies of two tasks over three members: nobody has three.
func TestSpread(t *testing.T) {
	t.Parallel()
	got := anywhere([]assign.Member{member("a"), member("b"), member("c")}, append(tasks(0, 2, true), tasks(1, 2, false)...))
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
	got := anywhere([]assign.Member{
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
	before := anywhere([]assign.Member{member("a"), member("b")}, all)
	for _, away := range []string{"a", "b"} {
		var members []assign.Member
		for id, has := range before {
			m := member(id)
			if id != away {
				m.Active = has.Active
			}
			members = append(members, m)
		}
		require.Equal(t, before, anywhere(members, all), "without %s", away)
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
	require.Equal(t, []topo.TaskID{task(0, 0)}, anywhere(members, tasks(0, 1, true))["near"].Active)

	thread := assign.Member{ID: "a-thread", Process: near.Process}
	got := anywhere([]assign.Member{far, thread, near}, tasks(0, 1, true))
	require.Equal(t, []topo.TaskID{task(0, 0)}, got["a-thread"].Active)

	unknown := []assign.Task{{ID: task(0, 0), Stateful: true, End: -1}}
	require.Equal(t, []topo.TaskID{task(0, 0)}, anywhere([]assign.Member{far, near}, unknown)["near"].Active)
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
	got := assign.Assign(members, tasks, assign.Options{AcceptableLag: 10_000}).Members
	fmt.Println(got["pod-0"].Active, got["pod-1"].Active)
	// Output: [0_1] [0_0]
}
