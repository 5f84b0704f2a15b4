package group_test

import (
	"context"
	"encoding/hex"
	"errors"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams/internal/assign/wire"
	"github.com/millrace/millrace/streams/internal/group"
	"github.com/millrace/millrace/streams/internal/topo"
)

// TestCooperative: tasks that move are first taken, then given; until then their
// new owner is asked to come again.
func TestCooperative(t *testing.T) {
	t.Parallel()
	x := newExchange(t)
	a := x.join("a", group.Options{})
	require.NoError(t, x.round())
	require.Equal(t, 8, a.partitions())
	require.False(t, a.last().RejoinNow)

	b := x.join("b", group.Options{})
	require.NoError(t, x.round())
	require.Equal(t, 4, a.partitions(), "the leader gives up half")
	require.Zero(t, b.partitions(), "which is not free yet")
	require.True(t, b.last().RejoinNow)
	require.False(t, a.last().RejoinNow)

	require.NoError(t, x.round())
	require.Equal(t, 4, a.partitions())
	require.Equal(t, 4, b.partitions())
	require.False(t, b.last().RejoinNow)
	for id := range a.last().Active {
		require.NotContains(t, b.last().Active, id)
	}

	before := a.owned
	require.NoError(t, x.round())
	require.Equal(t, before, a.owned, "nothing moves without a reason")

	x.members = []*peer{b}
	require.NoError(t, x.round())
	require.Equal(t, 8, b.partitions())
}

// TestActiveTasksHaveTheirPartitions, sorted, also a task with two topics.
func TestActiveTasksHaveTheirPartitions(t *testing.T) {
	t.Parallel()
	p := plan()
	p.Subtopologies[0].Sources = []topo.Source{{Topic: "also"}, {Topic: "in"}}
	x := newExchange(t)
	x.counts["also"] = 2
	a := x.join("a", group.Options{Plan: p})
	balancer, topics, err := a.MemberBalancer(nil)
	require.NoError(t, err)
	require.NotNil(t, balancer)
	require.Len(t, topics, 3)
	require.NoError(t, x.round())
	require.Equal(t, []group.Partition{{Topic: "also", Partition: 1}, {Topic: "in", Partition: 1}}, a.last().Active[task(0, 1)])
	require.Equal(t, []group.Partition{{Topic: "in", Partition: 3}}, a.last().Active[task(0, 3)])
	require.Len(t, a.last().Active, 8)
}

// TestOffsetsDecide: without an owner a stateful task goes where its state is.
func TestOffsetsDecide(t *testing.T) {
	t.Parallel()
	x := newExchange(t)
	x.join("a", group.Options{EndOffsets: fixedEnds(100)})
	b := x.join("b", group.Options{Offsets: func() map[topo.TaskID]int64 {
		return map[topo.TaskID]int64{task(1, 0): 90, task(1, 3): 100}
	}})
	require.NoError(t, x.round())
	require.Contains(t, b.last().Active, task(1, 0))
	require.Contains(t, b.last().Active, task(1, 3))
}

// TestRunningDecides: a member that was out of the group for a while does not
// displace the one that took over; the later generation is right. Its partitions
// are not given away before it has let go of them.
func TestRunningDecides(t *testing.T) {
	t.Parallel()
	x := newExchange(t)
	zombie := x.join("a", group.Options{})
	owner := x.join("b", group.Options{})
	all := []int32{0, 1, 2, 3}
	zombie.owned, zombie.joined = map[string][]int32{"in": all}, 3
	owner.owned, owner.joined = map[string][]int32{"in": {0, 1}, "app-counts-repartition": {0, 1}}, 5
	require.NoError(t, x.round())
	require.NotContains(t, owner.last().Active, task(0, 0), "the zombie still has it")
	require.True(t, owner.last().RejoinNow)
	require.NoError(t, x.round())
	require.Contains(t, owner.last().Active, task(0, 0))
	require.Contains(t, owner.last().Active, task(0, 1))
}

// TestCountsAreAsked: a failure makes the group try again; a missing topic ends it.
func TestCountsAreAsked(t *testing.T) {
	t.Parallel()
	failed := errors.New("no broker")
	for name, test := range map[string]struct {
		counts map[string]int32
		err    error
		code   int32
	}{
		"known":   {counts(), nil, wire.OK},
		"missing": {map[string]int32{"in": 4}, nil, wire.IncompleteSources},
		"failed":  {nil, failed, wire.OK},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newExchange(t)
			x.counts = map[string]int32{"in": 0}
			a := x.join("a", group.Options{Counts: func(context.Context) (map[string]int32, error) { return test.counts, test.err }})
			require.ErrorIs(t, x.round(), test.err)
			if test.err == nil {
				require.Equal(t, test.code, a.last().ErrorCode)
			}
		})
	}
	x := newExchange(t)
	x.counts = nil
	x.join("a", group.Options{})
	require.ErrorContains(t, x.round(), "not known to this client yet")
}

// TestShutdown: if one member asks for it, all are told.
func TestShutdown(t *testing.T) {
	t.Parallel()
	x := newExchange(t)
	a := x.join("a", group.Options{})
	b := x.join("b", group.Options{})
	a.owned, a.joined = map[string][]int32{"in": {0}}, 1
	b.metadata = func(data []byte) []byte {
		return recode(t, data, func(s *wire.Subscription) { s.ErrorCode = wire.ShutdownApplication })
	}
	require.NoError(t, x.round())
	require.Equal(t, wire.ShutdownApplication, a.last().ErrorCode)
	require.ErrorIs(t, a.last().Err, group.ErrRefused)
	require.Zero(t, a.partitions(), "tasks are closed in good order")
}

// recode changes the user data of a member.
func recode(t *testing.T, data []byte, change func(*wire.Subscription)) []byte {
	t.Helper()
	m, err := wire.DecodeMetadata(data)
	require.NoError(t, err)
	s, err := wire.DecodeSubscription(m.UserData)
	require.NoError(t, err)
	change(&s)
	m.UserData, err = s.Encode()
	require.NoError(t, err)
	return m.Encode()
}

// TestVersionProbing: the group speaks the version of its oldest member, and the
// newest again when that one is gone; a member from the future gets nothing yet.
func TestVersionProbing(t *testing.T) {
	t.Parallel()
	x := newExchange(t)
	a := x.join("a", group.Options{})
	old := x.join("b", group.Options{})
	old.metadata = func(data []byte) []byte {
		return recode(t, data, func(s *wire.Subscription) { s.Version, s.Latest = 10, 10 })
	}
	require.NoError(t, x.round())
	require.True(t, a.last().RejoinNow, "with the lower version")
	require.Equal(t, int32(10), version(t, a))
	require.NoError(t, x.round())
	require.Equal(t, 4, a.partitions())

	x.members = x.members[:1]
	require.NoError(t, x.round())
	require.True(t, a.last().RejoinNow, "with the latest version again")
	require.Equal(t, wire.Latest, version(t, a))

	future := x.join("c", group.Options{})
	future.metadata = func([]byte) []byte {
		m := wire.Metadata{UserData: []byte{0, 0, 0, 12, 0, 0, 0, 12, 1, 2, 3}}
		return m.Encode()
	}
	require.NoError(t, x.round())
	require.Equal(t, 8, a.partitions())
}

// version is that of the next join.
func version(t *testing.T, p *peer) int32 {
	t.Helper()
	m, err := wire.DecodeMetadata(p.JoinGroupMetadata(nil, nil, -1))
	require.NoError(t, err)
	s, err := wire.DecodeSubscription(m.UserData)
	require.NoError(t, err)
	return s.Version
}

// TestJoinMetadata: what a member says, and that it says something new each time.
func TestJoinMetadata(t *testing.T) {
	t.Parallel()
	x := newExchange(t)
	a := x.join("a", group.Options{Endpoint: "h:1", Offsets: func() map[topo.TaskID]int64 {
		return map[topo.TaskID]int64{task(1, 2): wire.Running, task(1, 3): 7}
	}})
	first := a.JoinGroupMetadata([]string{"in"}, map[string][]int32{"in": {2}}, 9)
	m, err := wire.DecodeMetadata(first)
	require.NoError(t, err)
	require.Equal(t, []string{"app-counts-repartition", "in"}, m.Topics, "all, whatever the client has seen")
	require.Equal(t, map[string][]int32{"in": {2}}, m.Owned)
	require.EqualValues(t, 9, m.Generation)
	s, err := wire.DecodeSubscription(m.UserData)
	require.NoError(t, err)
	require.Equal(t, "h:1", s.Endpoint)
	require.Equal(t, map[topo.TaskID]int64{task(1, 2): wire.Running, task(1, 3): 7}, s.Offsets)
	require.NotEqual(t, first, a.JoinGroupMetadata([]string{"in"}, map[string][]int32{"in": {2}}, 9))
	require.Equal(t, group.Protocol, a.ProtocolName())
	require.True(t, a.IsCooperative())
}

// TestHosts: all members learn who has what; one that the leader does not know yet
// comes again.
func TestHosts(t *testing.T) {
	t.Parallel()
	x := newExchange(t)
	a := x.join("a", group.Options{Endpoint: "h1:8080"})
	b := x.join("b", group.Options{})
	c := x.join("c", group.Options{Endpoint: "no port"})
	require.NoError(t, x.round())
	h1 := group.Host{Name: "h1", Port: 8080}
	require.Len(t, a.last().ByHost, 1, "an endpoint that is none is left out")
	require.Len(t, a.last().ByHost[h1], a.partitions())
	require.True(t, slices.IsSortedFunc(a.last().ByHost[h1], group.Partition.Compare))
	require.Equal(t, a.last().ByHost, b.last().ByHost)
	require.Equal(t, a.last().ByHost, c.last().ByHost)
	require.False(t, a.last().RejoinNow)
}

// TestWrongAssignments are reported with their cause, and nothing is taken from them.
func TestWrongAssignments(t *testing.T) {
	t.Parallel()
	in0 := []group.Partition{{Topic: "in"}}
	for name, test := range map[string]struct {
		parts []group.Partition
		wire  wire.Assignment
		want  string
	}{
		"too short":      {in0, wire.Assignment{Version: 11, Common: 11}, "0 task entries for 1 partitions"},
		"other topology": {in0, wire.Assignment{Version: 11, Common: 11, Active: []topo.TaskID{task(1, 0)}}, "all members must run the same topology"},
		"other number":   {in0, wire.Assignment{Version: 11, Common: 11, Active: []topo.TaskID{task(0, 1)}}, "in/0 to task 0_1"},
		"unknown topic":  {[]group.Partition{{Topic: "x"}}, wire.Assignment{Version: 11, Common: 11, Active: []topo.TaskID{task(0, 0)}}, "x/0"},
		"common":         {in0, wire.Assignment{Version: 11, Common: 12, Active: []topo.TaskID{task(0, 0)}}, "version 12"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newExchange(t).join("a", group.Options{})
			data, err := test.wire.Encode()
			require.NoError(t, err)
			_, err = p.ParseSyncAssignment(wire.EncodeAssigned(test.parts, data))
			require.ErrorContains(t, err, test.want)
			require.ErrorContains(t, p.last().Err, test.want)
		})
	}
	p := newExchange(t).join("a", group.Options{})
	_, err := p.ParseSyncAssignment([]byte("??"))
	require.ErrorIs(t, err, wire.ErrMalformed)
	owned, err := p.ParseSyncAssignment(nil)
	require.NoError(t, err)
	require.Empty(t, owned)
	x := newExchange(t)
	x.join("a", group.Options{}).metadata = func([]byte) []byte { return []byte{1} }
	require.ErrorContains(t, x.round(), "member a")
}

// TestJVMAssignment is what a JVM leader sent to a member of a group of two, with
// warm-ups and endpoints.
func TestJVMAssignment(t *testing.T) {
	t.Parallel()
	p := newExchange(t).join("a", group.Options{Plan: &topo.Plan{ApplicationID: "gr-warmup", Subtopologies: []topo.Subtopology{
		{ID: 0, Sources: []topo.Source{{Topic: "gr-warmup-in1"}}},
		{ID: 1, Sources: []topo.Source{{Topic: "gr-warmup-counts-repartition"}}},
	}}})
	data, err := hex.DecodeString(jvmAssignment)
	require.NoError(t, err)
	owned, err := p.ParseSyncAssignment(data)
	require.NoError(t, err)
	require.Equal(t, map[string][]int32{"gr-warmup-in1": {0, 1, 2, 3}}, owned)
	require.Equal(t, map[topo.TaskID][]group.Partition{
		task(1, 1): {{Topic: "gr-warmup-counts-repartition", Partition: 1}},
		task(1, 3): {{Topic: "gr-warmup-counts-repartition", Partition: 3}},
	}, p.last().Standby)
	require.Len(t, p.last().ByHost[group.Host{Name: "hosta", Port: 1111}], 4)
	require.Equal(t, wire.NoRebalance, p.last().NextRebalance)
	require.False(t, p.last().RejoinNow)
}

// jvmAssignment was captured from Kafka Streams 4.3.1.
const jvmAssignment = "" +
	"000300000001000d67722d7761726d75702d696e3100000004000000000000000100000002000000030000017d0000000b00" +
	"00000b0000000400000000000000000000000000000000000000010000000000000000000000020000000000000000000000" +
	"03000000000000000200000001000000030000000000000001001c67722d7761726d75702d636f756e74732d726570617274" +
	"6974696f6e0000000300000001000000010000000000000001001c67722d7761726d75702d636f756e74732d726570617274" +
	"6974696f6e000000010000000200000000001c67722d7761726d75702d636f756e74732d7265706172746974696f6e000000" +
	"01000d67722d7761726d75702d696e31000000020005686f7374610000045700000004000000000000000300000000000000" +
	"01000000000000000200000000000000000005686f737462000008ae00000004000000010000000300000001000000020000" +
	"0001000000010000000100000000000000020005686f73746100000457000000000005686f737462000008ae000000020000" +
	"0000000000030000000000000001000000007fffffffffffffff"
