package serde_test

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams/serde"
)

// golden is one case out of Kafka's own encoders.
type golden struct {
	Kind       string
	Value      json.RawMessage
	Key        string
	Start, End int64
	Hash       int32
	Of3        int32 `json:"partition_of_3"`
	Of100      int32 `json:"partition_of_100"`
	Hex        string
}

func (g golden) bytes(t *testing.T) []byte {
	b, err := hex.DecodeString(g.Hex)
	require.NoError(t, err)
	return b
}

// value reads the JSON datum; numbers may be quoted, to survive JSON's floats.
func value[T any](t *testing.T, g golden) (v T) {
	raw := g.Value
	if s, err := strconv.Unquote(string(raw)); err == nil {
		switch any(v).(type) {
		case int64, float64:
			raw = []byte(s)
		}
	}
	require.NoError(t, json.Unmarshal(raw, &v))
	return v
}

// TestKafkaBytes: what Kafka's serializers write is what ours write, and is read
// back.
func TestKafkaBytes(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/kafka.json")
	require.NoError(t, err)
	var cases []golden
	require.NoError(t, json.Unmarshal(text, &cases))
	require.NotEmpty(t, cases)
	seen := map[string]int{}
	for _, g := range cases {
		seen[g.Kind]++
		checkGolden(t, g)
	}
	require.Len(t, seen, 9)
}

func checkGolden(t *testing.T, g golden) {
	switch g.Kind {
	case "serde.string":
		same(t, serde.String, value[string](t, g), g.bytes(t))
	case "serde.int":
		same(t, serde.Int32, value[int32](t, g), g.bytes(t))
	case "serde.long":
		same(t, serde.Int64, value[int64](t, g), g.bytes(t))
	case "serde.double":
		same(t, serde.Float64, value[float64](t, g), g.bytes(t))
	case "serde.boolean":
		same(t, serde.Bool, value[bool](t, g), g.bytes(t))
	case "serde.uuid":
		same(t, serde.UUID, value[uuid.UUID](t, g), g.bytes(t))
	case "murmur2":
		require.Equal(t, g.Hash, serde.Murmur2(g.bytes(t)))
		require.Equal(t, g.Of3, serde.Partition(g.bytes(t), 3))
		require.Equal(t, g.Of100, serde.Partition(g.bytes(t), 100))
	case "windowed.time.key":
		size := time.Duration(g.End-g.Start) * time.Millisecond
		sameWindowed(t, serde.WindowedTime(serde.String, size), g)
	case "windowed.session.key":
		sameWindowed(t, serde.WindowedSession(serde.String), g)
	default:
		t.Fatalf("no check for %s", g.Kind)
	}
}

func sameWindowed(t *testing.T, s serde.Serde[serde.Windowed[string]], g golden) {
	w := serde.Windowed[string]{Key: g.Key, Window: serde.Window{Start: g.Start, End: g.End}}
	same(t, s, w, g.bytes(t))
	require.Equal(t, g.Key, string(s.(serde.InnerKey).InnerKey(g.bytes(t))))
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
