package keyenc_test

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store/keyenc"
)

// golden is one case of Kafka Streams' own encoders.
type golden struct {
	Kind   string `json:"kind"`
	Key    string `json:"key"`
	Start  int64  `json:"start"`
	End    int64  `json:"end"`
	Seqnum int32  `json:"seqnum"`
	Hex    string `json:"hex"`
}

// The bytes of Kafka Streams 4.3.1's WindowKeySchema and SessionKeySchema.
func TestChangelogKeysAreKafkaStreams(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/store-keys.json")
	require.NoError(t, err)
	var cases []golden
	require.NoError(t, json.Unmarshal(text, &cases))
	require.Len(t, cases, 12)
	for _, c := range cases {
		want, err := hex.DecodeString(c.Hex)
		require.NoError(t, err)
		if c.Kind == "store.window.key" {
			require.Equal(t, want, keyenc.AppendLogWindow(nil, []byte(c.Key), c.Start, c.Seqnum))
			key, start, seq, err := keyenc.SplitLogWindow(want)
			require.NoError(t, err)
			require.Equal(t, golden{c.Kind, string(key), start, 0, seq, c.Hex}, c)
			continue
		}
		require.Equal(t, want, keyenc.AppendLogSession(nil, []byte(c.Key), c.Start, c.End))
		key, start, end, err := keyenc.SplitLogSession(want)
		require.NoError(t, err)
		require.Equal(t, golden{c.Kind, string(key), start, end, 0, c.Hex}, c)
	}
}

// The local layout is on disks: it must not change without a new format version.
func TestLocalKeysAreFixed(t *testing.T) {
	t.Parallel()
	window := keyenc.AppendWindow(nil, 3, []byte("a\x00b"), 180_000, 7)
	require.Equal(t, "8000000000000003"+"6100ff620001"+"800000000002bf20"+"00000007", hex.EncodeToString(window))
	session := keyenc.AppendSession(nil, -1, []byte(""), -5, -1)
	require.Equal(t, "7fffffffffffffff"+"0001"+"7fffffffffffffff"+"7ffffffffffffffb", hex.EncodeToString(session))
}

func TestSegment(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ t, interval, want int64 }{
		{0, 60, 0}, {59, 60, 0}, {60, 60, 1}, {-1, 60, -1}, {-60, 60, -1}, {-61, 60, -2},
		{math.MaxInt64, 1, math.MaxInt64}, {math.MinInt64, 1, math.MinInt64},
	} {
		require.Equal(t, c.want, keyenc.Segment(c.t, c.interval), "%d by %d", c.t, c.interval)
	}
}

func TestMalformedKeys(t *testing.T) {
	t.Parallel()
	window := keyenc.AppendWindow(nil, 1, []byte("k"), 2, 3)
	for _, b := range [][]byte{nil, window[:7], window[:9], window[:len(window)-1], append(slices.Clone(window), 0)} {
		_, _, err := keyenc.SplitWindow(nil, b)
		require.ErrorIs(t, err, keyenc.ErrMalformed)
	}
	_, _, err := keyenc.SplitSession(nil, window)
	require.ErrorIs(t, err, keyenc.ErrMalformed)
	_, _, err = keyenc.AppendUnescaped(nil, []byte{'a', 0, 2})
	require.ErrorIs(t, err, keyenc.ErrMalformed)
	_, _, _, err = keyenc.SplitLogWindow(make([]byte, 11))
	require.ErrorIs(t, err, keyenc.ErrMalformed)
	_, _, _, err = keyenc.SplitLogSession(make([]byte, 15))
	require.ErrorIs(t, err, keyenc.ErrMalformed)
}

func TestNothingAllocates(t *testing.T) {
	key, buf, plain := []byte("some\x00key"), make([]byte, 0, 100), make([]byte, 0, 100)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		buf = keyenc.AppendWindow(buf[:0], 1, key, 2, 3)
		plain, _, _ = keyenc.SplitWindow(plain[:0], buf)
		buf = keyenc.AppendLogSession(buf[:0], plain, 4, 5)
	}))
}

func FuzzInt64Order(f *testing.F) {
	f.Add(int64(0), int64(-1))
	f.Add(int64(math.MinInt64), int64(math.MaxInt64))
	f.Fuzz(func(t *testing.T, a, b int64) {
		x, y := keyenc.AppendInt64(nil, a), keyenc.AppendInt64(nil, b)
		require.Equal(t, a, keyenc.Int64(x))
		require.Equal(t, cmp.Compare(a, b), bytes.Compare(x, y))
	})
}

func FuzzEscapedOrder(f *testing.F) {
	for _, s := range []string{"", "a", "a\x00", "a\x00\x01", "a\x01", "\x00\xff", "\xff"} {
		f.Add([]byte(s), []byte("a\x00"))
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		x, y := keyenc.AppendEscaped(nil, a), keyenc.AppendEscaped(nil, b)
		require.Equal(t, bytes.Compare(a, b), bytes.Compare(x, y), "order")
		require.Equal(t, bytes.Equal(a, b), bytes.HasPrefix(x, y), "prefix-free")
		back, rest, err := keyenc.AppendUnescaped(nil, append(x, "rest"...))
		require.NoError(t, err)
		require.True(t, bytes.Equal(a, back))
		require.Equal(t, "rest", string(rest))
	})
}

func FuzzLocalKeys(f *testing.F) {
	f.Add([]byte("k"), int64(1), int64(2), int32(3))
	f.Add([]byte("\x00\x01\xff"), int64(-1), int64(math.MinInt64), int32(-1))
	f.Fuzz(func(t *testing.T, key []byte, a, b int64, seq int32) {
		local := keyenc.AppendWindow(nil, a, key, b, seq)
		plain, w, err := keyenc.SplitWindow(nil, local)
		require.NoError(t, err)
		require.True(t, bytes.Equal(key, plain))
		require.Equal(t, keyenc.Window{Segment: a, Start: b, Seq: seq}, w)
		require.True(t, bytes.HasPrefix(local, keyenc.KeyPrefix(nil, a, key)))
		require.Negative(t, bytes.Compare(local, keyenc.KeyPrefixEnd(nil, a, key)))

		plain, s, err := keyenc.SplitSession(nil, keyenc.AppendSession(nil, a, key, b, int64(seq)))
		require.NoError(t, err)
		require.True(t, bytes.Equal(key, plain))
		require.Equal(t, keyenc.Session{Segment: a, Start: b, End: int64(seq)}, s)
	})
}

// Whatever lies on a disk or in a topic, taking it apart ends in an answer, and
// what is accepted is put together again as it was.
func FuzzForeignBytes(f *testing.F) {
	f.Add([]byte("12345678\x00\x01123456789012"))
	f.Add([]byte("12345678a\x00\x011234567890123456"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if key, w, err := keyenc.SplitWindow(nil, b); err == nil {
			require.Equal(t, b, keyenc.AppendWindow(nil, w.Segment, key, w.Start, w.Seq))
		}
		if key, s, err := keyenc.SplitSession(nil, b); err == nil {
			require.Equal(t, b, keyenc.AppendSession(nil, s.Segment, key, s.Start, s.End))
		}
		if key, start, seq, err := keyenc.SplitLogWindow(b); err == nil {
			require.Equal(t, b, keyenc.AppendLogWindow(nil, key, start, seq))
		}
		if key, start, end, err := keyenc.SplitLogSession(b); err == nil {
			require.Equal(t, b, keyenc.AppendLogSession(nil, key, start, end))
		}
	})
}
