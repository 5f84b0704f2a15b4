package assign_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams/internal/assign"
	"github.com/millrace/millrace/streams/internal/topo"
)

// sums says how much a member has of sub-topology 0, by partition.
func sums(of ...int64) map[topo.TaskID]int64 {
	out := make(map[topo.TaskID]int64)
	for i, sum := range of {
		out[task(0, int32(i))] = sum
	}
	return out
}

// big makes a sub-topology with long changelogs.
func big(n int32) []assign.Task {
	out := tasks(0, n, true)
	for i := range out {
		out[i].End = 1_000_000
	}
	return out
}

func ids(partitions ...int32) (out []topo.TaskID) {
	for _, p := range partitions {
		out = append(out, task(0, p))
	}
	return out
}

var kip441 = assign.Options{AcceptableLag: 10_000, MaxWarmups: 2}

// TestWarmUpBeforeAMove: a newcomer gets copies of what it is to have, two at a
// time, and takes over what it has caught up with.
func TestWarmUpBeforeAMove(t *testing.T) {
	t.Parallel()
	old, fresh := member("a", ids(0, 1, 2, 3, 4, 5)...), member("b")
	got := assign.Assign([]assign.Member{old, fresh}, big(6), kip441)
	require.Equal(t, assign.Assignment{Active: ids(0, 1, 2, 3, 4, 5)}, got.Members["a"])
	require.Equal(t, assign.Assignment{Standby: ids(3, 4)}, got.Members["b"])
	require.Equal(t, 3, got.Warming)

	fresh.Offsets = map[topo.TaskID]int64{task(0, 3): 995_000, task(0, 4): 500_000}
	got = assign.Assign([]assign.Member{old, fresh}, big(6), kip441)
	require.Equal(t, assign.Assignment{Active: ids(3), Standby: ids(4, 5)}, got.Members["b"], "one has caught up, one goes on, one begins")
	require.Equal(t, ids(0, 1, 2, 4, 5), got.Members["a"].Active)
	require.Equal(t, 2, got.Warming)
}

// TestSmallStateMovesAtOnce: a lag that is acceptable needs no copy.
func TestSmallStateMovesAtOnce(t *testing.T) {
	t.Parallel()
	got := assign.Assign([]assign.Member{member("a", ids(0, 1)...), member("b")}, tasks(0, 2, true), kip441)
	require.Equal(t, assign.Assignment{Active: ids(1)}, got.Members["b"])
	require.Zero(t, got.Warming)
}

// TestFailover: the tasks of a member that is gone run where their standbys are, at
// once, even if that is uneven.
func TestFailover(t *testing.T) {
	t.Parallel()
	b, c := member("b", ids(2)...), member("c", ids(3)...)
	b.Offsets = sums(1_000_000, 999_000)
	got := assign.Assign([]assign.Member{b, c}, big(4), kip441)
	require.Equal(t, ids(0, 1, 2), got.Members["b"].Active)
	require.Equal(t, assign.Assignment{Active: ids(3), Standby: ids(1)}, got.Members["c"])
}

// TestRestoringIsNotRunning: who began to restore a task gives it to somebody who has
// its state, but does not stop for somebody who is hardly further.
func TestRestoringIsNotRunning(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		other int64
		moves bool
	}{"complete": {1_000_000, true}, "much further": {800_000, true}, "a little further": {500_000, false}} {
		restoring, other := member("a", ids(0)...), member("b")
		restoring.Offsets, other.Offsets = sums(400_000), sums(test.other)
		got := assign.Assign([]assign.Member{restoring, other}, big(1), kip441)
		require.Equal(t, test.moves, len(got.Members["b"].Active) == 1, name)
	}
}

// TestNobodyHasState: the first start of a group of equals is even from the start.
func TestNobodyHasState(t *testing.T) {
	t.Parallel()
	got := assign.Assign([]assign.Member{member("a"), member("b")}, big(4), kip441)
	require.Len(t, got.Members["a"].Active, 2)
	require.Len(t, got.Members["b"].Active, 2)
	require.Zero(t, got.Warming)
}

// TestUnknownEnds: nothing that runs moves, and nothing is warmed up in vain.
func TestUnknownEnds(t *testing.T) {
	t.Parallel()
	all := big(4)
	for i := range all {
		all[i].End = -1
	}
	half, fresh := member("a", ids(0, 1)...), member("b")
	fresh.Offsets = sums(0, 0, 70, 70)
	got := assign.Assign([]assign.Member{half, fresh}, all, kip441)
	require.Equal(t, ids(0, 1), got.Members["a"].Active)
	require.Equal(t, ids(2, 3), got.Members["b"].Active)

	got = assign.Assign([]assign.Member{member("a", ids(0, 1, 2, 3)...), member("b")}, all, kip441)
	require.Equal(t, ids(0, 1, 2, 3), got.Members["a"].Active)
	require.Equal(t, 2, got.Warming)
	any := assign.Options{AcceptableLag: assign.Any}
	got = assign.Assign([]assign.Member{member("a", ids(0, 1, 2, 3)...), member("b")}, all, any)
	require.Equal(t, ids(2, 3), got.Members["b"].Active)
}

// TestStandbysStay: a copy is kept where it is, not moved to even things out.
func TestStandbysStay(t *testing.T) {
	t.Parallel()
	opt := assign.Options{AcceptableLag: 10_000, MaxWarmups: 2, Standbys: 1}
	a, b, c := member("a", ids(0)...), member("b", ids(1)...), member("c", ids(2)...)
	b.Offsets, c.Offsets, a.Offsets = sums(990_000), map[topo.TaskID]int64{task(0, 1): 900_000}, map[topo.TaskID]int64{task(0, 2): 10}
	got := assign.Assign([]assign.Member{a, b, c}, big(3), opt)
	require.Equal(t, ids(2), got.Members["a"].Standby)
	require.Equal(t, ids(0), got.Members["b"].Standby)
	require.Equal(t, ids(1), got.Members["c"].Standby)

	alone := assign.Assign([]assign.Member{a}, big(3), opt)
	require.Equal(t, 3, alone.Missing)
	require.Empty(t, alone.Members["a"].Standby)
}

// TestThreadsShareState: a thread takes over from another without a copy, and the copy
// of what one thread runs is never at the other.
func TestThreadsShareState(t *testing.T) {
	t.Parallel()
	one, two := member("jvm", ids(0, 1)...), member("jvm")
	one.ID, two.ID = "jvm-1", "jvm-2"
	got := assign.Assign([]assign.Member{one, two}, big(2), assign.Options{AcceptableLag: 10_000, MaxWarmups: 2, Standbys: 1})
	require.Equal(t, assign.Assignment{Active: ids(0)}, got.Members["jvm-1"])
	require.Equal(t, assign.Assignment{Active: ids(1)}, got.Members["jvm-2"])
	require.Equal(t, 2, got.Missing)
}

// TestAKeptCopyStaysWithItsThread: the thread that has it, or runs it now.
func TestAKeptCopyStaysWithItsThread(t *testing.T) {
	t.Parallel()
	opt := assign.Options{AcceptableLag: 10_000, MaxWarmups: 2, Standbys: 1}
	one, two, other := member("jvm", ids(0)...), member("jvm", ids(1)...), member("other", ids(2)...)
	one.ID, two.ID = "jvm-1", "jvm-2"
	two.Offsets = map[topo.TaskID]int64{task(0, 2): 1_000_000}
	got := assign.Assign([]assign.Member{one, two, other}, big(3), opt)
	require.Equal(t, assign.Assignment{Active: ids(1), Standby: ids(2)}, got.Members["jvm-2"])
}

// TestRacks: a copy goes to another zone, a second one to the third; of two tags one
// that differs is better than none; who has no tag is nobody's other rack.
func TestRacks(t *testing.T) {
	t.Parallel()
	at := func(id, zone, cluster string) assign.Member {
		m := member(id)
		m.Tags = map[string]string{"zone": zone, "cluster": cluster}
		return m
	}
	opt := assign.Options{AcceptableLag: assign.Any, Standbys: 2, RackTags: []string{"zone", "cluster"}}
	owner := at("a", "z1", "k1")
	owner.Active = ids(0)
	idle := []assign.Member{at("b", "z1", "k1"), at("c", "z2", "k1"), at("d", "z3", "k2"), member("e")}
	got := assign.Assign(append(idle, owner), big(1), opt)
	require.Equal(t, ids(0), got.Members["d"].Standby, "differs in both")
	require.Equal(t, ids(0), got.Members["c"].Standby, "differs in one")
}

// ExampleAssign_warmup is a newcomer in a group whose state is large.
func ExampleAssign_warmup() {
	id := topo.TaskID{Partition: 0}
	large := []assign.Task{{ID: id, Stateful: true, End: 5_000_000}, {ID: topo.TaskID{Partition: 1}, Stateful: true, End: 5_000_000}}
	members := []assign.Member{
		{ID: "pod-0", Process: [16]byte{1}, Active: []topo.TaskID{id, {Partition: 1}}},
		{ID: "pod-1", Process: [16]byte{2}},
	}
	got := assign.Assign(members, large, assign.Options{AcceptableLag: 10_000, MaxWarmups: 2})
	fmt.Println(got.Members["pod-0"], got.Members["pod-1"], got.Warming)
	// Output: {[0_0 0_1] []} {[] [0_1]} 1
}
