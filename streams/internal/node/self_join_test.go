package node

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams/record"
	"github.com/millrace/millrace/streams/serde"
)

// joinWindows is a store of one side of a join.
func joinWindows[V any](t testing.TB, w JoinWindow, vs serde.Serde[V]) *store.Window[string, V] {
	spec := store.Spec{Name: "j", Kind: store.KindWindow, RetainDuplicates: true,
		WindowSize: time.Duration(w.Before+w.After) * time.Millisecond,
		Retention:  time.Duration(w.Before+w.After+w.Grace) * time.Millisecond}
	st, err := store.NewWindow(engineOf(t, spec), spec, serde.String, vs)
	require.NoError(t, err)
	return st
}

// bothSides feeds a stream to both sides of a join with two stores, as it is without
// optimization.
func bothSides(b *bench, w JoinWindow) Sink[string, string] {
	left, right := joinWindows(b.t, w, serde.String), joinWindows(b.t, w, serde.String)
	clock, out := NewJoinClock(), collect[string, string](b)
	join := func(_ string, l string, r record.Opt[string]) string { return l + "+" + r.V }
	back := func(_ string, r string, l record.Opt[string]) string { return l.V + "+" + r }
	this := StreamJoin(&b.env, JoinSide[string, string, string, string]{Other: right, Window: w, Clock: clock, Join: join}, out)
	other := StreamJoin(&b.env, JoinSide[string, string, string, string]{Other: left, Window: w.Swap(), Clock: clock, Join: back}, out)
	return Fan([]Sink[string, string]{JoinKept(&b.env, left, this), JoinKept(&b.env, right, other)})
}

// oneStore is the same, optimized.
func oneStore(b *bench, w JoinWindow) Sink[string, string] {
	st := joinWindows(b.t, w, serde.String)
	f := func(_, l, r string) string { return l + "+" + r }
	return JoinKept(&b.env, st, SelfJoin(&b.env, st, w, f, collect[string, string](b)))
}

// TestSelfJoinGivesWhatTwoStoresGive, in the same order.
func TestSelfJoinGivesWhatTwoStoresGive(t *testing.T) {
	t.Parallel()
	records := []struct {
		key, value string
		time       int64
	}{
		{"a", "1", 100}, {"a", "2", 105}, {"b", "3", 105}, {"a", "4", 103}, {"a", "5", 105}, {"b", "6", 99}, {"a", "7", 120}, {"a", "8", 112},
	}
	for _, w := range []JoinWindow{{10, 10, 50}, {0, 10, 50}, {10, 0, 50}, {20, 5, 50}} {
		two, one := newBench(t), newBench(t)
		with, without := bothSides(two, w), oneStore(one, w)
		for _, r := range records {
			require.NoError(t, with(rec(r.key, r.value, r.time)))
			require.NoError(t, without(rec(r.key, r.value, r.time)))
			require.Equal(t, two.take(), one.take(), "%v: %v", w, r)
		}
	}
}

func TestSelfJoinSkips(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := oneStore(b, JoinWindow{10, 10, 0})
	none, gone := rec("", "v", 1), rec("k", "", 2)
	none.NoKey, gone.Null = true, true
	require.NoError(t, s(none))
	require.NoError(t, s(gone))
	require.Empty(t, b.take())
	require.Equal(t, []string{SkipNullKey, SkipNullValue}, b.skipped)

	require.NoError(t, s(rec("k", "new", 100)))
	b.take()
	require.NoError(t, s(rec("k", "old", 80)))
	require.Empty(t, b.take(), "too late for the store, even to meet itself")
}
