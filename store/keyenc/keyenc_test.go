package keyenc_test

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store/keyenc"
)

// The local layout is on disks: it must not change without a new format version.
func TestLocalKeysAreFixed(t *testing.T) {
	t.Parallel()
	window := keyenc.AppendWindow(nil, 3, []byte("a\x00b"), 180_000, 7)
	require.Equal(t, "8000000000000003"+"6100ff620001"+"800000000002bf20"+"00000007", hex.EncodeToString(window))
	session := keyenc.AppendSession(nil, -1, []byte(""), -5, -1)
	require.Equal(t, "7fffffffffffffff"+"0001"+"7fffffffffffffff"+"7ffffffffffffffb", hex.EncodeToString(session))
	version := keyenc.AppendVersion(nil, []byte("a\x00"), 180_000)
	require.Equal(t, "6100ff0001"+"800000000002bf20", hex.EncodeToString(version))
	index := keyenc.AppendVersionIndex(nil, 180_000, []byte("a\x00"))
	require.Equal(t, "0000"+"800000000002bf20"+"6100", hex.EncodeToString(index))
	require.Equal(t, "01"+"6100", hex.EncodeToString(keyenc.AppendLive(nil, []byte("a\x00"))))
	require.Equal(t, "00"+"8000000000000003"+"6100", hex.EncodeToString(keyenc.AppendExpiry(nil, 3, []byte("a\x00"))))
}

// The index of a store with a TTL lies in front of the entries, and is told from them.
func TestTTLKeys(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"", "\x00", "a", "\xff"} {
		live, expiry := keyenc.AppendLive(nil, []byte(key)), keyenc.AppendExpiry(nil, math.MaxInt64, []byte(key))
		require.Negative(t, bytes.Compare(expiry, live))
		require.Negative(t, bytes.Compare(live, keyenc.LiveEnd()))
		require.True(t, keyenc.IsExpiry(expiry))
		require.False(t, keyenc.IsExpiry(live))
		back, err := keyenc.SplitLive(live)
		require.NoError(t, err)
		require.Equal(t, key, string(back))
		segment, back, err := keyenc.SplitExpiry(expiry)
		require.NoError(t, err)
		require.Equal(t, key, string(back))
		require.EqualValues(t, math.MaxInt64, segment)
		_, err = keyenc.SplitLive(expiry)
		require.ErrorIs(t, err, keyenc.ErrMalformed)
		_, _, err = keyenc.SplitExpiry(live)
		require.ErrorIs(t, err, keyenc.ErrMalformed)
	}
	_, _, err := keyenc.SplitExpiry([]byte{0, 1})
	require.ErrorIs(t, err, keyenc.ErrMalformed)
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

// The index of a versioned store lies in front of every version, whatever the key.
func TestVersionKeys(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"", "\x00", "\x00\x00", "a", "\xff\xff"} {
		row := keyenc.AppendVersion(nil, []byte(key), -7)
		require.False(t, keyenc.IsVersionIndex(row))
		require.Positive(t, bytes.Compare(row, keyenc.VersionIndexEnd()))
		require.Negative(t, bytes.Compare(row, keyenc.AppendVersionsEnd(nil, []byte(key))))
		require.EqualValues(t, -7, keyenc.VersionTime(row))
		got, ts, err := keyenc.SplitVersion(nil, row)
		require.NoError(t, err)
		require.Equal(t, key, string(got))
		require.EqualValues(t, -7, ts)

		entry := keyenc.AppendVersionIndex(nil, -7, []byte(key))
		require.True(t, keyenc.IsVersionIndex(entry))
		require.Negative(t, bytes.Compare(entry, keyenc.VersionIndexEnd()))
		ts, got, err = keyenc.SplitVersionIndex(entry)
		require.NoError(t, err)
		require.Equal(t, key, string(got))
		require.EqualValues(t, -7, ts)
	}
	_, _, err := keyenc.SplitVersion(nil, []byte("a\x00\x01short"))
	require.ErrorIs(t, err, keyenc.ErrMalformed)
	_, _, err = keyenc.SplitVersionIndex([]byte("\x00\x00short"))
	require.ErrorIs(t, err, keyenc.ErrMalformed)
	require.Zero(t, keyenc.VersionTime(nil))
}

func TestGraceKeys(t *testing.T) {
	t.Parallel()
	key := keyenc.AppendGrace(nil, 1000, []byte("k"), 3)
	require.Equal(t, "00"+"00000000000003e8"+"6b"+"00000003", hex.EncodeToString(key))
	require.True(t, bytes.HasPrefix(key, keyenc.GracePrefix(nil, 1000)))
	ts, plain, seq, err := keyenc.SplitGrace(key)
	require.NoError(t, err)
	require.Equal(t, []any{int64(1000), "k", int32(3)}, []any{ts, string(plain), seq})
	for _, bad := range [][]byte{nil, key[:12], append([]byte{1}, key[1:]...)} {
		_, _, _, err := keyenc.SplitGrace(bad)
		require.ErrorIs(t, err, keyenc.ErrMalformed)
	}
}

func TestSubscriptionKeys(t *testing.T) {
	t.Parallel()
	for _, bad := range [][]byte{nil, {0, 0, 0}, {0, 0, 0, 1}, {255, 255, 255, 255, 1}} {
		_, _, err := keyenc.SplitSubscription(bad)
		require.ErrorIs(t, err, keyenc.ErrMalformed)
	}
}

func TestPrefixEnd(t *testing.T) {
	t.Parallel()
	for prefix, want := range map[string]string{"a": "b", "a\xff": "b", "\x00": "\x01", "a\x00": "a\x01"} {
		end, ok := keyenc.PrefixEnd([]byte("x"), []byte(prefix))
		require.True(t, ok)
		require.Equal(t, "x"+want, string(end))
	}
	for _, prefix := range []string{"", "\xff", "\xff\xff"} {
		_, ok := keyenc.PrefixEnd(nil, []byte(prefix))
		require.False(t, ok)
	}
}

func TestWindowSeq(t *testing.T) {
	t.Parallel()
	seq, err := keyenc.WindowSeq(keyenc.AppendWindow(nil, 0, []byte("k"), 5, 42))
	require.NoError(t, err)
	require.EqualValues(t, 42, seq)
	_, err = keyenc.WindowSeq([]byte("short"))
	require.ErrorIs(t, err, keyenc.ErrMalformed)
}

// TestPrefixLen finds where the key ends, whatever it is made of.
func TestPrefixLen(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"", "k", "\x00", "a\x00b", "\x00\x01", "\xff\x00\x01\x00", "a longer key"} {
		prefix := keyenc.KeyPrefix(nil, 7, []byte(key))
		for _, rest := range []string{"", "\x00", "\x00\x01\x00\x01", "suffix"} {
			n, ok := keyenc.PrefixLen(append(prefix[:len(prefix):len(prefix)], rest...))
			require.True(t, ok)
			require.Equal(t, len(prefix), n, "%q %q", key, rest)
		}
		for n := range len(prefix) {
			_, ok := keyenc.PrefixLen(prefix[:n])
			require.False(t, ok, "%q cut to %d", key, n)
		}
	}
}
