package node

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/cached"
	"github.com/millrace/millrace/streams/serde"
)

// lately is a rule that joins texts, and sends what comes too late to b, marked.
func lately(b *bench) Rule[string, string, string] {
	f := SessionRule(func() string { return "" },
		func(_, v, acc string) string { return acc + v },
		func(_, a, c string) string { return a + c })
	return WithLate(f, MapValues(&b.env, func(v string) string { return "late " + v }, collect[string, string](b)))
}

// results is a sink for windowed changes that writes down new values.
func results(b *bench) Sink[serde.Windowed[string], Change[string]] {
	return WindowedToStream(func(k serde.Windowed[string]) serde.Windowed[string] { return k }, collect[serde.Windowed[string], string](b))
}

// TestLateRecordsOfWindows: once each, behind the results of what is still open.
func TestLateRecordsOfWindows(t *testing.T) {
	t.Parallel()
	w := TimeWindows{Size: 10, Advance: 5, Grace: 2}
	for name, start := range map[string]func(*bench) Sink[string, string]{
		"plain": func(b *bench) Sink[string, string] {
			return Windows(&b.env, windowStore(t, w, serde.String), w, lately(b), results(b))
		},
		"on close": func(b *bench) Sink[string, string] {
			closed := int64(-1)
			return WindowsOnClose(&b.env, windowStore(t, w, serde.String), w, Closed{At: &closed}, lately(b), drop[serde.Windowed[string], Change[string]])
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			s := start(b)
			require.NoError(t, s(rec("k", "a", 17)))
			b.take()
			require.NoError(t, s(rec("k", "b", 10)))
			out := b.take()
			require.Equal(t, "k=late b~10", out[len(out)-1], "one of its two windows was closed")
			require.Len(t, b.skipped, 1)
			require.NoError(t, s(rec("k", "c", 2)))
			require.Equal(t, []string{"k=late c~2"}, b.take(), "its only window is closed")
			require.Len(t, b.skipped, 2, "counted by windows")
		})
	}
}

func TestLateRecordsOfSlidingWindows(t *testing.T) {
	t.Parallel()
	b, w := newBench(t), SlidingWindows{Difference: 10, Grace: 5}
	st := windowStore(t, TimeWindows{Size: 10, Grace: 100}, serde.String)
	s := Sliding(&b.env, st, w, lately(b), results(b))
	require.NoError(t, s(rec("k", "a", 50)))
	b.take()
	require.NoError(t, s(rec("k", "b", 20)))
	require.Equal(t, []string{"k=late b~20"}, b.take())
	require.NoError(t, s(rec("k", "c", 44)))
	out := b.take()
	require.Equal(t, "k=late c~44", out[len(out)-1], "the window that ends at it is closed, those with a are not")
	require.Greater(t, len(out), 1)
}

func TestLateRecordsOfSessions(t *testing.T) {
	t.Parallel()
	w := SessionWindows{Gap: 10, Grace: 5}
	for name, start := range map[string]func(*bench) Sink[string, string]{
		"plain": func(b *bench) Sink[string, string] {
			return SessionsOf(&b.env, sessionStore(t, w, serde.String), w, lately(b), results(b))
		},
		"cached": func(b *bench) Sink[string, string] {
			spec := store.Spec{Name: "s", Kind: store.KindSession, Retention: time.Second}
			c, err := cached.NewSession(engineOf(t, spec), spec, cached.Options[string, string]{Keys: serde.String, Values: serde.String, Budget: cached.NewBudget(1 << 20)})
			require.NoError(t, err)
			return CachedSessions(&b.env, c, false, w, lately(b), results(b))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			s := start(b)
			require.NoError(t, s(rec("k", "a", 100)))
			b.take()
			require.NoError(t, s(rec("k", "b", 84)))
			require.Equal(t, []string{"k=late b~84"}, b.take())
			require.NoError(t, s(rec("k", "c", 90)))
			require.NotContains(t, b.take(), "k=late c~90", "it extends the open session")
			require.Equal(t, []string{SkipLate}, b.skipped)
		})
	}
}

// TestLateRecordsOfAJoin: they are joined with what is there, and go the other way,
// too.
func TestLateRecordsOfAJoin(t *testing.T) {
	t.Parallel()
	b, w := newBench(t), JoinWindow{Before: 5, After: 5, Grace: 10}
	spec := store.Spec{Name: "l", Kind: store.KindWindow, RetainDuplicates: true, WindowSize: 10 * time.Millisecond, Retention: 20 * time.Millisecond}
	st, err := store.NewWindow(engineOf(t, spec), spec, serde.String, serde.String)
	require.NoError(t, err)
	late := MapValues(&b.env, func(v string) string { return "late " + v }, collect[string, string](b))
	s := JoinKept(&b.env, st, JoinLate(st, w, late, collect[string, string](b)))
	for _, at := range []int64{100, 81, 80, 120, 100} {
		require.NoError(t, s(rec("k", "v", at)))
	}
	require.Equal(t, []string{"k=v~100", "k=v~81", "k=v~80", "k=late v~80", "k=v~120", "k=v~100", "k=late v~100"}, b.take())
	keyless := rec("", "x", 1)
	keyless.NoKey = true
	require.NoError(t, s(keyless))
	require.Equal(t, []string{"-=x~1"}, b.take(), "there is nothing to keep")
}

// TestLateAllocatesNothing: nor does it cost those that are in time.
func TestLateAllocatesNothing(t *testing.T) {
	b, w := newBench(t), TimeWindows{Size: 100, Advance: 100}
	b.env.Skip = func(string) {}
	f := WithLate(ReduceRule[string](func(a, v int64) int64 { return a + v }), drop[string, int64])
	s := Windows(&b.env, windowStore(t, w, serde.Int64), w, f, drop[serde.Windowed[string], Change[int64]])
	require.NoError(t, s(rec[int64]("k", 1, 500)))
	for _, at := range []int64{500, 10} {
		r := rec[int64]("k", 1, at)
		require.Zero(t, testing.AllocsPerRun(100, func() { _ = s(r) }))
	}
}

// TestSlidingWindowReachedTwice: the third record's own window is also the one behind
// the second. Kafka Streams sends it twice, or once with a record cache.
func TestSlidingWindowReachedTwice(t *testing.T) {
	t.Parallel()
	for once, want := range map[bool][]string{
		false: {"k@101/111=c~111", "k@101/111=c~111"},
		true:  {"k@101/111=c~111"},
	} {
		b, w := newBench(t), SlidingWindows{Difference: 10, Grace: 50, Once: once}
		st := windowStore(t, TimeWindows{Size: 10, Grace: 100}, serde.String)
		s := Sliding(&b.env, st, w, lately(b), results(b))
		require.NoError(t, s(rec("k", "a", 95)))
		require.NoError(t, s(rec("k", "b", 100)))
		b.take()
		require.NoError(t, s(rec("k", "c", 111)))
		require.Equal(t, want, b.take())
	}
}
