package wire_test

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store/storetest/golden"
	"github.com/millrace/millrace/streams/internal/assign/wire"
	"github.com/millrace/millrace/streams/internal/topo"
)

// jvms is one case of the JVM's encoders.
type jvms struct {
	golden.Case             `json:"-"`
	Kind                    string
	Version                 int32
	LatestSupported         int32
	ProcessID               string
	UserEndPoint            *string
	TaskOffsetSums          map[string]int64
	UniqueField             byte
	ErrorCode               int32
	ClientTags              map[string]string
	CommonlySupported       int32
	PartitionsByHost        string
	StandbyPartitionsByHost string
	ErrCode                 int32
	NextRebalanceMs         *string
}

// goldenCases reads all cases of a kind: the JVM's encodings of versions 1 to 11,
// in that order, and those of a folder of more fixtures behind them.
func goldenCases(t testing.TB, kind string) (out []jvms) {
	t.Helper()
	for _, c := range golden.Cases(t, kind) {
		g := jvms{Case: c}
		c.Decode(t, &g)
		out = append(out, g)
	}
	require.GreaterOrEqual(t, len(out), int(wire.Latest))
	return out
}

// TestGoldenSubscription: the JVM's bytes mean what they should, and are written
// alike.
func TestGoldenSubscription(t *testing.T) {
	t.Parallel()
	for _, g := range goldenCases(t, "group.subscription") {
		t.Run(strconv.Itoa(int(g.Version)), func(t *testing.T) {
			t.Parallel()
			s, err := wire.DecodeSubscription(g.Bytes(t))
			require.NoError(t, err)
			require.Equal(t, g.subscription(t), s)
			again, err := s.Encode()
			require.NoError(t, err)
			if g.Version < 7 { // the JVM lists the tasks in no particular order
				back, err := wire.DecodeSubscription(again)
				require.NoError(t, err)
				require.Equal(t, s, back)
				require.Len(t, again, len(g.Bytes(t)))
				return
			}
			require.Equal(t, g.Bytes(t), again)
		})
	}
}

func (g jvms) subscription(t *testing.T) wire.Subscription {
	t.Helper()
	s := wire.Subscription{
		Version: g.Version, Latest: g.LatestSupported, ProcessID: uuid.MustParse(g.ProcessID),
		Unique: g.UniqueField, ErrorCode: g.ErrorCode, Offsets: make(map[topo.TaskID]int64),
	}
	if g.UserEndPoint != nil {
		s.Endpoint = *g.UserEndPoint
	}
	for text, sum := range g.TaskOffsetSums {
		id, err := topo.ParseTaskID(text)
		require.NoError(t, err)
		if g.Version < 7 && sum != wire.Running {
			sum = wire.Unknown // old versions list standbys without sums
		}
		s.Offsets[id] = sum
	}
	for k, v := range g.ClientTags {
		s.Tags = append(s.Tags, wire.Tag{Key: k, Value: v})
	}
	return s
}

// TestGoldenAssignment is the same for assignments. All cases are of one shape.
func TestGoldenAssignment(t *testing.T) {
	t.Parallel()
	for _, g := range goldenCases(t, "group.assignment") {
		t.Run(strconv.Itoa(int(g.Version)), func(t *testing.T) {
			t.Parallel()
			a, err := wire.DecodeAssignment(g.Bytes(t))
			require.NoError(t, err)
			require.Equal(t, g.Version, a.Version)
			require.Equal(t, g.CommonlySupported, a.Common)
			require.Equal(t, []topo.TaskID{{}, {}, {Subtopology: 1, Partition: 2}}, a.Active)
			require.Equal(t, map[topo.TaskID][]wire.Partition{{Partition: 1}: {{Topic: "in", Partition: 1}}}, a.Standby)
			require.Equal(t, hostMap(g.PartitionsByHost), a.ByHost)
			require.Equal(t, hostMap(g.StandbyPartitionsByHost), a.StandbyByHost)
			require.Equal(t, g.ErrCode, a.ErrorCode)
			require.Equal(t, g.next(t), a.NextRebalance)
			again, err := a.Encode()
			require.NoError(t, err)
			require.Equal(t, g.Bytes(t), again)
		})
	}
}

// hostMap reads "{h1:8080=[in-0]}".
func hostMap(text string) map[wire.Host][]wire.Partition {
	host, parts, ok := strings.Cut(strings.Trim(text, "{}"), "=")
	if !ok {
		return nil
	}
	name, port, _ := strings.Cut(host, ":")
	topic, n, _ := strings.Cut(strings.Trim(parts, "[]"), "-")
	p, _ := strconv.Atoi(port)
	i, _ := strconv.Atoi(n)
	return map[wire.Host][]wire.Partition{{Name: name, Port: int32(p)}: {{Topic: topic, Partition: int32(i)}}}
}

func (g jvms) next(t *testing.T) int64 {
	t.Helper()
	if g.NextRebalanceMs == nil {
		return wire.NoRebalance
	}
	ms, err := strconv.ParseInt(*g.NextRebalanceMs, 10, 64)
	require.NoError(t, err)
	return ms
}

// TestSpecExamples are the two byte strings that the protocol's description spells
// out: a second of two threads with a tag, and an empty assignment.
func TestSpecExamples(t *testing.T) {
	t.Parallel()
	s := wire.Subscription{
		Version: 11, Latest: 11, ProcessID: uuid.MustParse("7ab26926-df82-4daf-88fe-a3de46a291bb"),
		Endpoint: "h1:8080", Unique: 2, Tags: []wire.Tag{{Key: "zone", Value: "z1"}},
	}
	data, err := s.Encode()
	require.NoError(t, err)
	require.Equal(t, "0000000b0000000b7ab26926df824daf88fea3de46a291bb0000000768313a383038300000000002"+
		"0000000000000001000000047a6f6e65000000027a31", hex.EncodeToString(data))

	a := wire.Assignment{Version: 11, Common: 11, NextRebalance: wire.NoRebalance}
	data, err = a.Encode()
	require.NoError(t, err)
	require.Equal(t, "0000000b0000000b0000000000000000000000000000000000000000000000007fffffffffffffff", hex.EncodeToString(data))
}

// TestFutureVersion: only the two versions are read, so that the leader can answer.
func TestFutureVersion(t *testing.T) {
	t.Parallel()
	s, err := wire.DecodeSubscription([]byte{0, 0, 0, 12, 0, 0, 0, 13, 0xff})
	require.NoError(t, err)
	require.EqualValues(t, 12, s.Version)
	require.EqualValues(t, 13, s.Latest)
	_, err = wire.DecodeAssignment([]byte{0, 0, 0, 12, 0, 0, 0, 13})
	require.ErrorIs(t, err, wire.ErrMalformed)
	require.ErrorContains(t, err, "version 12")
	_, err = (&wire.Subscription{Version: 12}).Encode()
	require.ErrorContains(t, err, "12")
	_, err = (&wire.Assignment{}).Encode()
	require.ErrorContains(t, err, "version 0")
}

// TestEveryTruncationIsRefused: a prefix of good bytes is malformed, or a version
// that ends there.
func TestEveryTruncationIsRefused(t *testing.T) {
	t.Parallel()
	sub := goldenCases(t, "group.subscription")[10].Bytes(t)
	asg := goldenCases(t, "group.assignment")[10].Bytes(t)
	for i := range sub {
		_, err := wire.DecodeSubscription(sub[:i])
		require.ErrorIs(t, err, wire.ErrMalformed, "%d bytes", i)
	}
	for i := range asg {
		_, err := wire.DecodeAssignment(asg[:i])
		require.ErrorIs(t, err, wire.ErrMalformed, "%d bytes", i)
	}
}

// TestHostileCounts: an announced count costs nothing until its elements are there.
func TestHostileCounts(t *testing.T) {
	t.Parallel()
	head := binary.BigEndian.AppendUint32(nil, 11)
	head = binary.BigEndian.AppendUint32(head, 11)
	for _, count := range []uint32{math.MaxInt32, math.MaxUint32, 1 << 20} {
		data := binary.BigEndian.AppendUint32(append([]byte(nil), head...), count)
		_, err := wire.DecodeAssignment(data)
		require.ErrorIs(t, err, wire.ErrMalformed)
		data = append(append(append([]byte(nil), head...), make([]byte, 20)...), binary.BigEndian.AppendUint32(nil, count)...)
		_, err = wire.DecodeSubscription(data)
		require.ErrorIs(t, err, wire.ErrMalformed)
	}
	_, err := wire.DecodeSubscription(make([]byte, wire.MaxSize+1))
	require.ErrorContains(t, err, "allowed")
	_, err = (&wire.Subscription{Version: 11, Endpoint: strings.Repeat("x", wire.MaxSize)}).Encode()
	require.ErrorContains(t, err, "limit")
	long := wire.Assignment{Version: 11, Standby: map[topo.TaskID][]wire.Partition{{}: {{Topic: strings.Repeat("x", 1<<16)}}}}
	_, err = long.Encode()
	require.ErrorContains(t, err, "does not fit")
}

// TestEnvelope: what a member sends and gets, around the user data. The bytes are
// those of a JVM member and its assignment.
func TestEnvelope(t *testing.T) {
	t.Parallel()
	m := wire.Metadata{
		Topics: []string{"a", "b"}, Owned: map[string][]int32{"b": {2, 1}, "a": {0}}, Generation: 7, UserData: []byte{9},
	}
	data := m.Encode()
	require.Equal(t, "0003"+"00000002"+"000161"+"000162"+"00000001"+"09"+
		"00000002"+"000161"+"00000001"+"00000000"+"000162"+"00000002"+"00000001"+"00000002"+"00000007"+"ffff", hex.EncodeToString(data))
	back, err := wire.DecodeMetadata(data)
	require.NoError(t, err)
	m.Owned["b"] = []int32{1, 2}
	require.Equal(t, m, back)

	parts := []wire.Partition{{Topic: "a", Partition: 0}, {Topic: "b", Partition: 1}, {Topic: "b", Partition: 2}}
	data = wire.EncodeAssigned(parts, []byte{9})
	require.Equal(t, "0003"+"00000002"+"000161"+"00000001"+"00000000"+"000162"+"00000002"+"00000001"+"00000002"+"00000001"+"09", hex.EncodeToString(data))
	got, user, err := wire.DecodeAssigned(data)
	require.NoError(t, err)
	require.Equal(t, parts, got)
	require.Equal(t, []byte{9}, user)
}

// TestEnvelopeOfOthers: empty, malformed and oversized ones.
func TestEnvelopeOfOthers(t *testing.T) {
	t.Parallel()
	parts, user, err := wire.DecodeAssigned(nil)
	require.NoError(t, err)
	require.Empty(t, parts)
	require.Empty(t, user)
	for _, bad := range [][]byte{{0}, {0, 3, 0xff}, make([]byte, 3*wire.MaxSize)} {
		_, err = wire.DecodeMetadata(bad)
		require.ErrorIs(t, err, wire.ErrMalformed)
		_, _, err = wire.DecodeAssigned(bad)
		require.ErrorIs(t, err, wire.ErrMalformed)
	}
	old, err := wire.DecodeMetadata([]byte{0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}) // version 0, null user data
	require.NoError(t, err)
	require.EqualValues(t, -1, old.Generation)
}

func TestNamedTopologiesAreIgnored(t *testing.T) {
	t.Parallel()
	s := wire.Subscription{Version: 10, Latest: 11, Offsets: map[topo.TaskID]int64{{}: 5}}
	data, err := s.Encode()
	require.NoError(t, err)
	// The name's length is the last -1 before unique field and error code.
	at := len(data) - 5 - 2
	named := append(append(append([]byte(nil), data[:at]...), 0, 2, 'n', 't'), data[at+2:]...)
	back, err := wire.DecodeSubscription(named)
	require.NoError(t, err)
	require.Equal(t, s.Offsets, back.Offsets)
}
