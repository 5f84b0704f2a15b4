package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/memstore"
	"github.com/millrace/millrace/streams/serde"
)

// TestWindowEachIsFetch, in both directions, across segments and stopped half way, and
// costs no allocation.
func TestWindowEachIsFetch(t *testing.T) {
	spec := store.Spec{Name: "w", Kind: store.KindWindow, WindowSize: time.Second, Retention: 3 * time.Minute}
	e, err := memstore.New().Engine(spec)
	require.NoError(t, err)
	w, err := store.NewWindow(e, spec, serde.String, serde.Int64)
	require.NoError(t, err)
	for i := range int64(9) {
		require.NoError(t, w.Put("k", i*20_000, i, i*20_000))
		require.NoError(t, w.Put("other", i*20_000, -1, i*20_000))
	}
	for _, reverse := range []bool{false, true} {
		fetch := w.Fetch
		if reverse {
			fetch = w.BackwardFetch
		}
		for _, bounds := range [][2]int64{{0, 170_000}, {40_000, 100_000}, {-5, 3}, {200_000, 300_000}} {
			var want, got []int64
			for e, err := range fetch("k", bounds[0], bounds[1]) {
				require.NoError(t, err)
				want = append(want, e.Value, e.Key.Window.Start, e.Key.Window.End, e.Time)
			}
			require.NoError(t, w.Each("k", bounds[0], bounds[1], reverse, func(e store.WindowEntry[string, int64]) bool {
				got = append(got, e.Value, e.Key.Window.Start, e.Key.Window.End, e.Time)
				return true
			}))
			require.Equal(t, want, got)
		}
	}
	seen := 0
	visit := func(store.WindowEntry[string, int64]) bool { seen++; return seen < 2 }
	require.NoError(t, w.Each("k", 0, 170_000, false, visit))
	require.Equal(t, 2, seen, "it stops when it is told to")
	all := func(store.WindowEntry[string, int64]) bool { return true }
	require.Zero(t, testing.AllocsPerRun(100, func() { _ = w.Each("k", 0, 170_000, false, all) }))
}
