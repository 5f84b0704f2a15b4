package store_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/format"
	"github.com/millrace/millrace/store/memstore"
	"github.com/millrace/millrace/streams/record"
)

func TestSpansAndPrefixes(t *testing.T) {
	t.Parallel()
	kv := store.NewKV(engineOf(t, kvSpec), text{}, long{})
	for i, k := range []string{"a", "ab", "b", "\xff", "\xffa"} {
		require.NoError(t, kv.Put(k, int64(i)))
	}
	keys := func(entries []store.Entry[string, int64]) (out string) {
		for _, e := range entries {
			out += e.Key + " "
		}
		return out
	}
	require.Equal(t, "ab b \xff \xffa ", keys(collect(t, kv.Select(store.AtLeast("ab"), false))))
	require.Equal(t, "ab a ", keys(collect(t, kv.Select(store.AtMost("ab"), true))))
	require.Equal(t, "ab b ", keys(collect(t, kv.Select(store.Between("ab", "b"), false))))
	require.Equal(t, "a ab ", keys(collect(t, kv.Prefix([]byte("a")))))
	require.Equal(t, "\xffa \xff ", keys(collect(t, kv.ReversePrefix([]byte("\xff")))))
	require.Len(t, collect(t, kv.Prefix(nil)), 5)
}

// The retained values of one window come as they were put, and restarts do not
// overwrite them.
func TestWindowRetainsDuplicates(t *testing.T) {
	t.Parallel()
	spec := store.Spec{
		Name: "d", Kind: store.KindWindow, RetainDuplicates: true,
		WindowSize: 5 * time.Millisecond, Retention: 5 * time.Minute,
	}
	e := engineOf(t, spec)
	for round := range int64(3) { // each a restart
		w, err := store.NewWindow(e, spec, text{}, long{})
		require.NoError(t, err)
		require.NoError(t, w.Put("a", 5, round*2, 5))
		require.NoError(t, w.Put("a", 5, round*2+1, 5))
		require.NoError(t, w.Delete("a", 5), "a null means nothing")
	}
	w, err := store.NewWindow(e, spec, text{}, long{})
	require.NoError(t, err)
	var got []int64
	for _, entry := range collect(t, w.Fetch("a", 0, 10)) {
		require.Equal(t, windowed("a", 5, 10), entry.Key)
		require.EqualValues(t, 5, entry.Time)
		got = append(got, entry.Value)
	}
	require.Equal(t, []int64{0, 1, 2, 3, 4, 5}, got)
	require.Len(t, collect(t, w.BackwardFetch("a", 0, 10)), 6)
	_, _, ok, err := w.Get("a", 5)
	require.NoError(t, err)
	require.False(t, ok)
}

func TestLRUEvicts(t *testing.T) {
	t.Parallel()
	spec := store.Spec{Name: "l", Kind: store.KindLRU, MaxEntries: 2}
	e := engineOf(t, spec)
	bounded, err := store.NewLRU(e, spec)
	require.NoError(t, err)
	kv := store.NewKV(bounded, text{}, long{})
	require.NoError(t, kv.Put("a", 1))
	require.NoError(t, kv.Put("b", 2))
	_, _, err = kv.Get("a") // b is the eldest now
	require.NoError(t, err)
	require.NoError(t, kv.Put("c", 3))
	require.Equal(t, []store.Entry[string, int64]{{"a", 1}, {"c", 3}}, collect(t, kv.All()))
	require.NoError(t, kv.Delete("a"))
	require.NoError(t, kv.Put("d", 4))
	require.Len(t, collect(t, kv.All()), 2)
	require.NoError(t, bounded.DeleteRange(nil, []byte("d")))
	require.NoError(t, kv.Put("e", 5))
	require.Len(t, collect(t, kv.All()), 2)

	// What is too much after a restart goes, the smallest key first.
	require.NoError(t, e.Put([]byte("a"), make([]byte, 8)))
	again, err := store.NewLRU(e, spec)
	require.NoError(t, err)
	require.Equal(t, []store.Entry[string, int64]{{"d", 4}, {"e", 5}}, collect(t, store.NewKV(again, text{}, long{}).All()))
	_, err = store.NewLRU(e, kvSpec)
	require.ErrorContains(t, err, "not a LRU store")
}

func TestListKeepsWhatIsAdded(t *testing.T) {
	t.Parallel()
	spec := store.Spec{Name: "l", Kind: store.KindList}
	e := engineOf(t, spec)
	l, err := store.NewList(e, spec, text{}, text{})
	require.NoError(t, err)
	for _, v := range []string{"1", "", "3"} {
		require.NoError(t, l.Add("k", v))
	}
	require.NoError(t, l.Add("z", "4"))
	require.Equal(t, []string{"1", "", "3"}, collect(t, l.Get("k")))
	require.Len(t, collect(t, l.All()), 4)
	for range l.All() {
		break // leaving early must not end in an error
	}
	require.NoError(t, l.Delete("k"))
	require.Empty(t, collect(t, l.Get("k")))

	require.NoError(t, e.Put([]byte("bad"), []byte("\x01\x00\x00\x00\x02")))
	require.ErrorIs(t, lastError(l.Get("bad")), store.ErrCorrupt)
	require.ErrorIs(t, lastError(l.All()), store.ErrCorrupt)
	require.NoError(t, e.Put([]byte("bad"), []byte("x")))
	require.ErrorIs(t, l.Add("bad", "v"), store.ErrCorrupt)
}

type pending = store.Buffered[string, int64]

func buffersOver(t *testing.T, e store.Engine) *store.Buffer[string, int64] {
	t.Helper()
	b, err := store.NewBuffer(e, store.Spec{Name: "b", Kind: store.KindBuffer}, text{}, long{})
	require.NoError(t, err)
	return b
}

// An update keeps the time and the prior value; nothing is written before a flush.
func TestBufferKeepsTheFirstTime(t *testing.T) {
	t.Parallel()
	e := engineOf(t, store.Spec{Name: "b", Kind: store.KindBuffer})
	b := buffersOver(t, e)
	require.NoError(t, b.Put(pending{Key: "k", Old: record.Some[int64](1), New: record.Some[int64](2), Time: 10}))
	require.NoError(t, b.Put(pending{Key: "k", Old: record.Some[int64](2), New: record.Some[int64](3), Time: 20}))
	require.NoError(t, b.Put(pending{Key: "j", New: record.Some[int64](9), Time: 10}))
	require.Zero(t, keysIn(t, e))
	require.NoError(t, b.Flush())
	require.Equal(t, 2, keysIn(t, e))

	b = buffersOver(t, e) // a restart
	prior, held, err := b.Prior("k")
	require.NoError(t, err)
	require.True(t, held)
	require.Equal(t, record.Some[int64](1), prior)
	var got []pending
	require.NoError(t, b.Evict(func() bool { return true }, func(p pending) error { got = append(got, p); return nil }))
	require.Equal(t, []pending{
		{Key: "j", New: record.Some[int64](9), Time: 10},
		{Key: "k", Old: record.Some[int64](2), New: record.Some[int64](3), Time: 10},
	}, got)
	oldest, err := b.MinTime()
	require.NoError(t, err)
	require.EqualValues(t, math.MaxInt64, oldest)
	require.NoError(t, b.Flush())
	require.Zero(t, keysIn(t, e))
}

// What could not be emitted stays.
func TestBuffersKeepWhatFails(t *testing.T) {
	t.Parallel()
	full := errors.New("full")
	b := buffersOver(t, engineOf(t, store.Spec{Name: "b", Kind: store.KindBuffer}))
	require.NoError(t, b.Put(pending{Key: "k", Time: 10}))
	require.ErrorIs(t, b.Evict(func() bool { return true }, func(pending) error { return full }), full)
	n, err := b.Len()
	require.NoError(t, err)
	require.Equal(t, 1, n)

	g := graceOver(t, engineOf(t, graceSpec()))
	ok, err := g.Put(delayedAt("k", 5))
	require.NoError(t, err)
	require.True(t, ok)
	_, err = g.Put(delayedAt("l", 1005))
	require.NoError(t, err)
	require.ErrorIs(t, g.Release(func(store.Delayed[string, int64]) error { return full }), full)
	n, err = g.Len()
	require.NoError(t, err)
	require.Equal(t, 2, n)
}

func graceSpec() store.Spec {
	return store.Spec{Name: "g", Kind: store.KindGraceBuffer, Retention: time.Second}
}

func graceOver(t *testing.T, e store.Engine) *store.GraceBuffer[string, int64] {
	t.Helper()
	g, err := store.NewGraceBuffer(e, graceSpec(), text{}, long{})
	require.NoError(t, err)
	return g
}

func delayedAt(key string, ts int64) store.Delayed[string, int64] {
	return store.Delayed[string, int64]{Key: key, Value: ts, Context: format.Context{Time: ts}}
}

func TestGraceBufferHoldsBack(t *testing.T) {
	t.Parallel()
	e := engineOf(t, graceSpec())
	g := graceOver(t, e)
	for _, d := range []store.Delayed[string, int64]{delayedAt("b", 5), delayedAt("a", 5), delayedAt("z", 1004)} {
		ok, err := g.Put(d)
		require.NoError(t, err)
		require.True(t, ok)
	}
	release := func() (out []store.Delayed[string, int64]) {
		require.NoError(t, g.Release(func(d store.Delayed[string, int64]) error { out = append(out, d); return nil }))
		return out
	}
	require.Empty(t, release(), "one millisecond is missing")
	ok, err := g.Put(delayedAt("z", 1005))
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, []store.Delayed[string, int64]{delayedAt("a", 5), delayedAt("b", 5)}, release())
	ok, err = g.Put(delayedAt("late", 4))
	require.NoError(t, err)
	require.False(t, ok, "to be joined at once")
	_, err = g.Put(delayedAt("k", -1))
	require.ErrorContains(t, err, "before the epoch")

	g = graceOver(t, e) // a restart
	n, err := g.Len()
	require.NoError(t, err)
	require.Equal(t, 2, n)
	require.NoError(t, e.Put([]byte("bad"), nil))
	_, err = graceOver(t, e).Len()
	require.ErrorIs(t, err, store.ErrCorrupt)
}

// Read-only views read a snapshot while the store goes on.
func TestReadOnlyViews(t *testing.T) {
	t.Parallel()
	db := memstore.New()
	we, err := db.Engine(windowSpec)
	require.NoError(t, err)
	w, err := store.NewWindow(we, windowSpec, text{}, long{})
	require.NoError(t, err)
	require.NoError(t, w.Put("k", 0, 1, 5))
	se, err := db.Engine(sessionSpec)
	require.NoError(t, err)
	s, err := store.NewSession(se, sessionSpec, text{}, long{})
	require.NoError(t, err)
	require.NoError(t, s.Put("k", 0, 9, 1))
	require.NoError(t, db.Commit(nil))
	require.NoError(t, w.Put("k", 400_000, 2, 5))

	snap, err := db.Snapshot()
	require.NoError(t, err)
	wr, err := snap.Reader(windowSpec.Name)
	require.NoError(t, err)
	view, err := store.NewReadOnlyWindow(wr, windowSpec, text{}, long{})
	require.NoError(t, err)
	require.Len(t, collect(t, view.All()), 1)
	ms, ok, err := view.StreamTime()
	require.NoError(t, err)
	require.True(t, ok)
	require.Zero(t, ms)
	sr, err := snap.Reader(sessionSpec.Name)
	require.NoError(t, err)
	sessions, err := store.NewReadOnlySession(sr, sessionSpec, text{}, long{})
	require.NoError(t, err)
	require.Len(t, collect(t, sessions.BackwardAll()), 1)
	require.Len(t, collect(t, sessions.Fetch("k")), 1)
	require.Len(t, collect(t, sessions.BackwardFetch("k")), 1)
	require.NoError(t, snap.Close())
}

func TestSpecFaultsOfNewKinds(t *testing.T) {
	t.Parallel()
	for text, spec := range map[string]store.Spec{
		"no history":             {Name: "x", Kind: store.KindKeyValue, History: 1},
		"retain duplicates":      {Name: "x", Kind: store.KindSession, RetainDuplicates: true},
		"MaxEntries":             {Name: "x", Kind: store.KindLRU},
		"have no timestamps":     {Name: "x", Kind: store.KindVersioned, Timestamped: true},
		"list store has no rete": {Name: "x", Kind: store.KindList, Retention: 1},
	} {
		require.ErrorContains(t, spec.Validate(), text)
	}
	require.Equal(t, "Kind(0)", store.Kind(0).String())
}
