package group_test

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams/internal/assign"
	"github.com/millrace/millrace/streams/internal/assign/wire"
	"github.com/millrace/millrace/streams/internal/group"
	"github.com/millrace/millrace/streams/internal/topo"
)

// has says that a member has some of the state of tasks of sub-topology 1.
func has(sums map[int32]int64) func() map[topo.TaskID]int64 {
	return func() map[topo.TaskID]int64 {
		out := make(map[topo.TaskID]int64)
		for n, sum := range sums {
			out[task(1, n)] = sum
		}
		return out
	}
}

// TestProbing: while a task waits for its state the leader, and nobody else, is told
// when to assign again; when all are where they should be, nobody is.
func TestProbing(t *testing.T) {
	t.Parallel()
	x := newExchange(t)
	opt := group.Options{
		Assign: assign.Options{AcceptableLag: 10, MaxWarmups: 1}, EndOffsets: fixedEnds(1000), ProbingInterval: time.Hour,
	}
	a := x.join("a", opt)
	require.NoError(t, x.round())
	require.Equal(t, wire.NoRebalance, a.last().NextRebalance)

	sums := map[int32]int64{}
	opt.Offsets = has(sums)
	b := x.join("b", opt)
	require.NoError(t, x.round())
	require.Len(t, b.last().Standby, 1, "one at a time")
	require.WithinDuration(t, time.Now().Add(time.Hour), time.UnixMilli(a.last().NextRebalance), time.Minute)
	require.NoError(t, x.round())
	require.Equal(t, wire.NoRebalance, b.last().NextRebalance)
	require.False(t, a.last().RejoinNow)

	for range 2 {
		for id := range b.last().Standby {
			sums[id.Partition] = 995
		}
		require.NoError(t, x.round())
		require.NoError(t, x.round())
	}
	require.Equal(t, wire.NoRebalance, a.last().NextRebalance)
	require.Len(t, a.last().Active, 4)
	require.Len(t, b.last().Active, 4)
}

// TestUnknownEndsAreAskedAgain: tasks stay, and the leader comes again.
func TestUnknownEndsAreAskedAgain(t *testing.T) {
	t.Parallel()
	x := newExchange(t)
	opt := group.Options{Assign: assign.Options{AcceptableLag: 10, MaxWarmups: 1}, EndOffsets: noEnds, ProbingInterval: time.Minute}
	a := x.join("a", opt)
	require.NoError(t, x.round())
	x.join("b", opt)
	require.NoError(t, x.round())
	require.Contains(t, a.last().Active, task(1, 3))
	require.Less(t, a.last().NextRebalance, time.Now().Add(2*time.Minute).UnixMilli())
}

// TestCopyWhileWaiting: who is to take a task over from a member that runs it keeps
// its copy until the other has let go.
func TestCopyWhileWaiting(t *testing.T) {
	t.Parallel()
	x := newExchange(t)
	opt := group.Options{Assign: assign.Options{AcceptableLag: 10, MaxWarmups: 2}, EndOffsets: fixedEnds(1000)}
	x.join("a", opt)
	require.NoError(t, x.round())
	opt.Offsets = has(map[int32]int64{2: 1000, 3: 1000})
	b := x.join("b", opt)
	require.NoError(t, x.round())
	require.True(t, b.last().RejoinNow)
	require.Equal(t, []group.Partition{{Topic: "app-counts-repartition", Partition: 3}}, b.last().Standby[task(1, 3)])
	require.NoError(t, x.round())
	require.Contains(t, b.last().Active, task(1, 3))
	require.Empty(t, b.last().Standby)
}

// TestStandbysAcrossZones: the leader reads the tags of all members, and everybody
// learns where the copies are.
func TestStandbysAcrossZones(t *testing.T) {
	t.Parallel()
	x := newExchange(t)
	opt := group.Options{Assign: assign.Options{AcceptableLag: assign.Any, MaxWarmups: 1, Standbys: 1, RackTags: []string{"zone"}}}
	zones := map[string]string{"a": "z1", "b": "z1", "c": "z2"}
	for _, id := range []string{"a", "b", "c"} {
		opt.Tags, opt.Endpoint = map[string]string{"zone": zones[id], "other": "x"}, id+":80"
		x.join(id, opt)
	}
	require.NoError(t, x.round())
	for _, p := range x.members {
		for id := range p.last().Standby {
			for _, q := range x.members {
				if _, runs := q.last().Active[id]; runs {
					require.NotEqual(t, zones[q.id], zones[p.id], "the copy of %s", id)
				}
			}
		}
	}
	copies := 0
	for _, parts := range x.members[0].last().StandbyByHost {
		copies += len(parts)
	}
	require.Equal(t, 4, copies)
}

// capture is a group of two JVM members, as its broker described it.
type capture struct {
	Config  string
	Members []struct{ MemberID, MemberMetadata, MemberAssignment string }
}

func readCapture(t *testing.T, name string) (c capture) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &c))
	return c
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	data, err := hex.DecodeString(text)
	require.NoError(t, err)
	return data
}

// counting is the topology of the captures.
func counting(app string) *topo.Plan {
	return &topo.Plan{ApplicationID: app, Subtopologies: []topo.Subtopology{
		{ID: 0, Sources: []topo.Source{{Topic: app + "-in1"}}},
		{
			ID: 1, Sources: []topo.Source{{Topic: app + "-counts-repartition"}},
			Stores: []topo.Store{{Spec: store.Spec{Name: "counts"}, Changelog: app + "-counts-changelog"}},
		},
	}}
}

// TestLeadsJVMs: for the members that a JVM leader had, this leader finds the same
// assignment: their tasks stay, and so do the copies.
func TestLeadsJVMs(t *testing.T) {
	t.Parallel()
	c := readCapture(t, "jvm-group-standby.json")
	b := group.New(group.Options{
		Plan: counting("gr-standby"), EndOffsets: fixedEnds(6),
		Assign: assign.Options{AcceptableLag: 10_000, MaxWarmups: 2, Standbys: 1},
	})
	answers := lead(t, b, c)
	for _, m := range c.Members {
		want, wantParts := decode(t, unhex(t, m.MemberAssignment))
		got, gotParts := decode(t, answers[m.MemberID])
		require.Equal(t, wantParts, gotParts)
		require.Equal(t, want, got)
	}
}

// TestWarmsUpJVMs: a member that joins a JVM with all the state gets copies, as from
// a JVM leader, and no stateful task yet.
func TestWarmsUpJVMs(t *testing.T) {
	t.Parallel()
	c := readCapture(t, "jvm-group-warmup.json")
	plan := counting("gr-warmup")
	b := group.New(group.Options{
		Plan: plan, EndOffsets: fixedEnds(6), ProbingInterval: time.Minute,
		Assign: assign.Options{MaxWarmups: 2},
	})
	copies, withheld := 0, 0
	for _, data := range lead(t, b, c) {
		got, parts := decode(t, data)
		copies += len(got.Standby)
		for _, p := range parts {
			if strings.HasSuffix(p.Topic, "repartition") {
				withheld++
			}
		}
	}
	require.Equal(t, 2, copies)
	require.Equal(t, 4, withheld, "stateful tasks stay")
}

// lead lets a balancer assign to the members of a capture.
func lead(t *testing.T, b *group.Balancer, c capture) map[string][]byte {
	t.Helper()
	var members []kmsg.JoinGroupResponseMember
	for _, m := range c.Members {
		members = append(members, kmsg.JoinGroupResponseMember{MemberID: m.MemberID, ProtocolMetadata: unhex(t, m.MemberMetadata)})
	}
	balancer, topics, err := b.MemberBalancer(members)
	require.NoError(t, err)
	counts := make(map[string]int32)
	for topic := range topics {
		counts[topic] = 4
	}
	answers, err := balancer.(kgo.GroupMemberBalancerOrError).BalanceOrError(counts)
	require.NoError(t, err)
	out := make(map[string][]byte)
	for _, a := range answers.IntoSyncAssignment() {
		out[a.MemberID] = a.MemberAssignment
	}
	return out
}

func decode(t *testing.T, data []byte) (wire.Assignment, []group.Partition) {
	t.Helper()
	parts, user, err := wire.DecodeAssigned(data)
	require.NoError(t, err)
	a, err := wire.DecodeAssignment(user)
	require.NoError(t, err)
	for _, hosts := range []map[group.Host][]group.Partition{a.ByHost, a.StandbyByHost} {
		for _, parts := range hosts {
			slices.SortFunc(parts, group.Partition.Compare)
		}
	}
	return a, parts
}

// TestTagsAreTold in the order of their keys, so that equal members send equal bytes.
func TestTagsAreTold(t *testing.T) {
	t.Parallel()
	b := group.New(group.Options{Plan: plan(), ProcessID: uuid.Nil, Tags: map[string]string{"zone": "z1", "cluster": "k"}})
	m, err := wire.DecodeMetadata(b.JoinGroupMetadata(nil, nil, -1))
	require.NoError(t, err)
	s, err := wire.DecodeSubscription(m.UserData)
	require.NoError(t, err)
	require.Equal(t, []wire.Tag{{Key: "cluster", Value: "k"}, {Key: "zone", Value: "z1"}}, s.Tags)
}
