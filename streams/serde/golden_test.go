package serde_test

import (
	"encoding/json"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store/storetest/golden"
	"github.com/millrace/millrace/streams/serde"
)

// kafkas is one case out of Kafka's own encoders.
type kafkas struct {
	golden.Case
	Value      json.RawMessage
	Key        string
	Start, End int64
	Hash       int32
	Of1        int32 `json:"partition_of_1"`
	Of3        int32 `json:"partition_of_3"`
	Of7        int32 `json:"partition_of_7"`
	Of16       int32 `json:"partition_of_16"`
	Of100      int32 `json:"partition_of_100"`
}

// value reads the JSON datum; numbers may be quoted, to survive JSON's floats.
func value[T any](t *testing.T, g kafkas) (v T) {
	raw := g.Value
	if s, err := strconv.Unquote(string(raw)); err == nil {
		switch any(v).(type) {
		case int64, float32, float64:
			raw = []byte(s)
		}
	}
	require.NoError(t, json.Unmarshal(raw, &v))
	return v
}

// TestGoldenSerdes: what Kafka's serializers write is what ours write, and is read
// back.
func TestGoldenSerdes(t *testing.T) {
	t.Parallel()
	for _, c := range golden.Cases(t,
		"serde.string", "serde.int", "serde.long", "serde.short", "serde.double", "serde.float", "serde.boolean",
		"serde.uuid", "serde.list.string", "serde.list.int", "murmur2", "windowed.time.key", "windowed.session.key",
	) {
		g := kafkas{Case: c}
		c.Decode(t, &g)
		checkGolden(t, g)
	}
}

func checkGolden(t *testing.T, g kafkas) {
	want := g.Bytes(t)
	switch g.Kind {
	case "serde.string":
		same(t, serde.String, value[string](t, g), want)
	case "serde.int":
		same(t, serde.Int32, value[int32](t, g), want)
	case "serde.long":
		same(t, serde.Int64, value[int64](t, g), want)
	case "serde.short":
		same(t, serde.Int16, value[int16](t, g), want)
	case "serde.double":
		same(t, serde.Float64, value[float64](t, g), want)
	case "serde.float":
		same(t, serde.Float32, value[float32](t, g), want)
	case "serde.boolean":
		same(t, serde.Bool, value[bool](t, g), want)
	case "serde.uuid":
		same(t, serde.UUID, value[uuid.UUID](t, g), want)
	case "serde.list.string":
		same(t, serde.List(serde.String), value[[]*string](t, g), want)
	case "serde.list.int":
		same(t, serde.FixedList(serde.Int32, 4), value[[]*int32](t, g), want)
	case "murmur2":
		require.Equal(t, g.Hash, serde.Murmur2(want))
		for n, p := range map[int32]int32{1: g.Of1, 3: g.Of3, 7: g.Of7, 16: g.Of16, 100: g.Of100} {
			require.Equal(t, p, serde.Partition(want, n))
		}
	case "windowed.time.key":
		size := time.Duration(g.End-g.Start) * time.Millisecond
		sameWindowed(t, serde.WindowedTime(serde.String, size), g)
	case "windowed.session.key":
		sameWindowed(t, serde.WindowedSession(serde.String), g)
	default:
		t.Fatalf("no check for %s", g.Kind)
	}
}

func sameWindowed(t *testing.T, s serde.Serde[serde.Windowed[string]], g kafkas) {
	w := serde.Windowed[string]{Key: g.Key, Window: serde.Window{Start: g.Start, End: g.End}}
	same(t, s, w, g.Bytes(t))
	require.Equal(t, g.Key, string(s.(serde.InnerKey).InnerKey(g.Bytes(t))))
}

// same checks both ways, appending to bytes that are there.
func same[T any](t *testing.T, s serde.Serde[T], v T, want []byte) {
	t.Helper()
	got, err := s.Append([]byte("x"), v)
	require.NoError(t, err)
	require.Equal(t, append([]byte("x"), want...), got)
	back, err := s.Decode(want)
	require.NoError(t, err)
	require.Equal(t, v, back)
}
