package store_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams/serde"
)

type (
	windowEntry  = store.WindowEntry[string, int64]
	sessionEntry = store.SessionEntry[string, int64]
)

func windowed(k string, start, end int64) serde.Windowed[string] {
	return serde.Windowed[string]{Key: k, Window: serde.Window{Start: start, End: end}}
}

func windowsOver(t *testing.T, e store.Engine) *store.Window[string, int64] {
	t.Helper()
	w, err := store.NewWindow[string, int64](e, windowSpec, text{}, long{})
	require.NoError(t, err)
	return w
}

func sessionsOver(t *testing.T, e store.Engine) *store.Session[string, int64] {
	t.Helper()
	s, err := store.NewSession[string, int64](e, sessionSpec, text{}, long{})
	require.NoError(t, err)
	return s
}

func keysIn(t *testing.T, e store.Engine) (n int) {
	t.Helper()
	require.NoError(t, e.Scan(nil, nil, false, func(_, _ []byte) bool { n++; return true }))
	return n
}

func TestWindowFetchAcrossSegments(t *testing.T) {
	t.Parallel()
	w := windowsOver(t, engineOf(t, windowSpec))
	// Keys that are prefixes of each other, and one with a zero byte.
	for _, k := range []string{"a", "a\x00", "ab"} {
		for start := int64(0); start < 300_000; start += 10_000 {
			require.NoError(t, w.Put(k, start, start/1000, start+1))
		}
	}
	got := collect(t, w.Fetch("a", 140_000, 160_000))
	require.Equal(t, []windowEntry{
		{windowed("a", 140_000, 150_000), 140, 140_001},
		{windowed("a", 150_000, 160_000), 150, 150_001},
		{windowed("a", 160_000, 170_000), 160, 160_001},
	}, got)
	require.Len(t, collect(t, w.Fetch("a\x00", math.MinInt64, math.MaxInt64)), 30)
	require.Empty(t, collect(t, w.Fetch("a", 160_001, 169_999)))
	require.Empty(t, collect(t, w.Fetch("a", 5, 4)))
	require.Len(t, collect(t, w.All()), 90)

	require.NoError(t, w.Delete("a", 150_000))
	_, _, ok, err := w.Get("a", 150_000)
	require.NoError(t, err)
	require.False(t, ok)
	require.Len(t, collect(t, w.Fetch("a", 140_000, 160_000)), 2)
}

// A window that starts at observed - retention is gone, one millisecond later it
// is still there; the same holds for puts.
func TestWindowExpiresToTheMillisecond(t *testing.T) {
	t.Parallel()
	e := engineOf(t, windowSpec)
	w := windowsOver(t, e)
	retention := windowSpec.Retention.Milliseconds()
	require.NoError(t, w.Put("k", 1000, 1, 1))
	require.NoError(t, w.Put("k", 1001, 2, 2))
	require.NoError(t, w.Put("k", 1000+retention, 3, 3))

	_, _, ok, err := w.Get("k", 1000)
	require.NoError(t, err)
	require.False(t, ok)
	_, _, ok, err = w.Get("k", 1001)
	require.NoError(t, err)
	require.True(t, ok)
	require.Len(t, collect(t, w.Fetch("k", 0, math.MaxInt64)), 2)
	require.Len(t, collect(t, w.All()), 2)

	before := keysIn(t, e)
	require.NoError(t, w.Put("late", 1000, 9, 9), "ignored, without an error")
	require.NoError(t, w.Delete("late", 1000))
	require.Equal(t, before, keysIn(t, e))
	require.NoError(t, w.Put("just in time", 1001, 9, 9))
	require.Equal(t, before+1, keysIn(t, e))
}

// Expired windows leave the engine a segment at a time.
func TestWindowDropsWholeSegments(t *testing.T) {
	t.Parallel()
	e := engineOf(t, windowSpec)
	w := windowsOver(t, e)
	for minute := int64(0); minute < 60; minute++ {
		require.NoError(t, w.Put("k", minute*60_000, minute, 0))
		require.LessOrEqual(t, keysIn(t, e), 8, "5 minutes of retention, 2.5 a segment")
	}
	require.Len(t, collect(t, w.All()), 5)
}

// A store that was filled before the view was made still has its stream time, to
// the millisecond, although the last key in the order of bytes is an older window.
func TestWindowRecallsItsTime(t *testing.T) {
	t.Parallel()
	e := engineOf(t, windowSpec)
	first := windowsOver(t, e)
	require.NoError(t, first.Put("k", 0, 1, 1))
	require.NoError(t, first.Put("k", 600_000, 2, 2))
	require.NoError(t, first.Put("z", 590_000, 2, 2))

	again := windowsOver(t, e)
	_, _, ok, err := again.Get("k", 300_000)
	require.NoError(t, err)
	require.False(t, ok)
	require.NoError(t, again.Put("k", 300_000, 1, 1))
	_, _, ok, err = again.Get("k", 300_000)
	require.NoError(t, err)
	require.False(t, ok, "it had expired")
	require.Len(t, collect(t, again.Fetch("k", 0, math.MaxInt64)), 1)
}

func TestStoreWithoutRetentionKeepsNothing(t *testing.T) {
	t.Parallel()
	spec := windowSpec
	spec.Retention = 0
	e := engineOf(t, spec)
	w, err := store.NewWindow[string, int64](e, spec, text{}, long{})
	require.NoError(t, err)
	require.NoError(t, w.Put("k", 5, 1, 1))
	require.NoError(t, w.Put("k", math.MaxInt64, 1, 1))
	require.Len(t, collect(t, w.All()), 1, "only the end of time does not overflow")
}

func TestSessionFind(t *testing.T) {
	t.Parallel()
	s := sessionsOver(t, engineOf(t, sessionSpec))
	require.NoError(t, s.Put("a", 10, 20, 1))
	require.NoError(t, s.Put("a", 30, 200_000, 2)) // in the next segment
	require.NoError(t, s.Put("a", 5, 20, 3))
	require.NoError(t, s.Put("ab", 10, 20, 4))

	all := []sessionEntry{
		{windowed("a", 5, 20), 3}, {windowed("a", 10, 20), 1}, {windowed("a", 30, 200_000), 2},
	}
	require.Equal(t, all, collect(t, s.Find("a", 0, math.MaxInt64)), "by end, then start")
	require.Equal(t, all, collect(t, s.Find("a", 20, 30)), "both bounds are included")
	require.Equal(t, all[2:], collect(t, s.Find("a", 21, 30)))
	require.Equal(t, all[:1], collect(t, s.Find("a", 20, 9)))
	require.Empty(t, collect(t, s.Find("nobody", 0, math.MaxInt64)))

	require.NoError(t, s.Remove("a", 10, 20))
	_, ok, err := s.Get("a", 10, 20)
	require.NoError(t, err)
	require.False(t, ok)
	v, ok, err := s.Get("a", 5, 20)
	require.NoError(t, err)
	require.True(t, ok)
	require.EqualValues(t, 3, v)
	require.Len(t, collect(t, s.All()), 3)
}

// At end = observed - retention a session no longer merges: what Kafka Streams'
// store does at the exact boundary.
func TestSessionExpiresToTheMillisecond(t *testing.T) {
	t.Parallel()
	e := engineOf(t, sessionSpec)
	s := sessionsOver(t, e)
	retention := sessionSpec.Retention.Milliseconds()
	require.NoError(t, s.Put("k", 0, 1000, 1))
	require.NoError(t, s.Put("k", 0, 1001, 2))
	require.NoError(t, s.Put("k", 1000+retention, 1000+retention, 3))
	require.Len(t, collect(t, s.Find("k", 0, math.MaxInt64)), 2)
	_, ok, err := s.Get("k", 0, 1000)
	require.NoError(t, err)
	require.False(t, ok)

	require.NoError(t, s.Put("k", 500, 1000, 4), "without an error")
	require.Len(t, collect(t, s.Find("k", 0, math.MaxInt64)), 2, "and never seen")
	before := keysIn(t, e)
	require.NoError(t, s.Remove("k", 0, 1000))
	require.Equal(t, before-1, keysIn(t, e), "a removal needs no time")
}

func TestForeignKeysAreCorruption(t *testing.T) {
	t.Parallel()
	e := engineOf(t, windowSpec)
	require.NoError(t, e.Put([]byte("no window key"), nil))
	w := windowsOver(t, e)
	_, _, _, err := w.Get("k", 1)
	require.ErrorIs(t, err, store.ErrCorrupt)
	require.ErrorIs(t, w.Put("k", 1, 1, 1), store.ErrCorrupt)
	require.ErrorIs(t, w.Delete("k", 1), store.ErrCorrupt)
	require.ErrorIs(t, lastError(w.Fetch("k", 1, 1)), store.ErrCorrupt)
	require.ErrorIs(t, lastError(w.All()), store.ErrCorrupt)

	e = engineOf(t, sessionSpec)
	require.NoError(t, e.Put([]byte("no session key"), nil))
	s := sessionsOver(t, e)
	require.ErrorIs(t, s.Put("k", 1, 1, 1), store.ErrCorrupt)
	require.ErrorIs(t, lastError(s.Find("k", 1, 1)), store.ErrCorrupt)
	require.ErrorIs(t, lastError(s.All()), store.ErrCorrupt)
	_, _, err = s.Get("k", 1, 1)
	require.ErrorIs(t, err, store.ErrCorrupt)
}

var errDisk = errors.New("disk on fire")

// burning fails every call that matters.
type burning struct{ store.Engine }

func (burning) Get([]byte) ([]byte, bool, error)                               { return nil, false, errDisk }
func (burning) DeleteRange(_, _ []byte) error                                  { return errDisk }
func (burning) Scan(_, _ []byte, _ bool, _ func(key, value []byte) bool) error { return errDisk }

func TestEngineFaultsComeThrough(t *testing.T) {
	t.Parallel()
	w := windowsOver(t, burning{})
	require.ErrorIs(t, w.Put("k", 1, 1, 1), errDisk)
	require.ErrorIs(t, lastError(w.All()), errDisk)
	require.ErrorIs(t, lastError(w.Fetch("k", 0, 1)), errDisk)
	kv := store.NewKV[string, int64](burning{}, text{}, long{})
	_, _, err := kv.Get("k")
	require.ErrorIs(t, err, errDisk)
	require.ErrorIs(t, lastError(kv.All()), errDisk)
}

// A random program on sessions, against a plain map.
func TestSessionsAgainstModel(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	s := sessionsOver(t, engineOf(t, sessionSpec))
	model := map[serde.Windowed[string]]int64{}
	retention, observed := sessionSpec.Retention.Milliseconds(), int64(0)
	for i := range int64(2000) {
		start := rng.Int64N(100_000) + i*1000 - 50_000
		end := start + rng.Int64N(200_000)
		k := string(rune('a' + rng.IntN(3)))
		observed = max(observed, end)
		require.NoError(t, s.Put(k, start, end, i))
		model[windowed(k, start, end)] = i

		earliest, latest := start-rng.Int64N(100_000), end+rng.Int64N(100_000)
		want := map[serde.Windowed[string]]int64{}
		for w, v := range model {
			if w.Window.End <= observed-retention {
				delete(model, w)
			} else if w.Key == k && w.Window.End >= earliest && w.Window.Start <= latest {
				want[w] = v
			}
		}
		got := map[serde.Windowed[string]]int64{}
		last := serde.Window{Start: math.MinInt64, End: math.MinInt64}
		for e, err := range s.Find(k, earliest, latest) {
			require.NoError(t, err)
			w := e.Key.Window
			require.True(t, w.End > last.End || w.End == last.End && w.Start > last.Start, "order")
			got[e.Key], last = e.Value, w
		}
		require.Equal(t, want, got)
	}
}

// A deletion from a store that retains duplicates removes nothing. What it does to
// the time differs between Kafka Streams' stores, and joins show it.
func TestDeleteFromDuplicatesMovesTheTimeInMemoryOnly(t *testing.T) {
	t.Parallel()
	for inMemory, want := range map[bool]int{false: 1, true: 0} {
		spec := windowSpec
		spec.RetainDuplicates, spec.InMemory = true, inMemory
		w, err := store.NewWindow[string, int64](engineOf(t, spec), spec, text{}, long{})
		require.NoError(t, err)
		require.NoError(t, w.Put("a", 5, 1, 5))
		later := 5 + spec.Retention.Milliseconds()
		require.NoError(t, w.Delete("b", later))
		require.Len(t, collect(t, w.Fetch("a", 0, 10)), want, "in memory: %t", inMemory)
		require.NoError(t, w.Put("b", later, 2, later))
		require.Empty(t, collect(t, w.Fetch("a", 0, 10)), "a put moves it in both")
	}
}
