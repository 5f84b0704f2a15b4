package storetest

import (
	"flag"
	"math"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/storetest/viewtest"
)

const (
	programs = 8
	steps    = 1500
	// With many seeds each program is shorter.
	manySteps = 300
)

// Run runs the whole suite; each test gets a machine of its own, and they run in
// parallel. newMachine must clean up through t. If the test has a flag "seeds", it
// says how many random programs are run: of the engine alone, and as many in all of
// the typed views over it.
func Run(t *testing.T, newMachine func(t *testing.T) Machine) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, *rig){
		"ReadsSeeStagedWrites": readsSeeStagedWrites,
		"ScanBounds":           scanBounds,
		"ScansNest":            scansNest,
		"StoresAreSeparate":    storesAreSeparate,
		"PositionsMerge":       positionsMerge,
		"EnginesAreOne":        enginesAreOne,
		"ApplyIsAlone":         applyIsAlone,
		"ClosedIsAnError":      closedIsAnError,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newRig(t, newMachine(t)))
		})
	}
	n, long := load()
	first := uint64(time.Now().UnixNano())
	t.Run("Random", func(t *testing.T) {
		t.Parallel()
		for i := range uint64(n) {
			RunSeed(t, newMachine(t), first+i, long)
		}
	})
	t.Run("Views", func(t *testing.T) {
		t.Parallel()
		of := func(t *testing.T) viewtest.Machine {
			m := newMachine(t)
			return viewtest.Machine{Open: m.Open, Keeps: m.Crash != nil}
		}
		viewtest.Run(t, of, first, max(1, n/viewtest.Kinds()), manySteps)
	})
}

// load is how many programs are run, and how long each is.
func load() (n, long int) {
	if f := flag.Lookup("seeds"); f != nil {
		if n, err := strconv.Atoi(f.Value.String()); err == nil && n > 0 {
			return n, manySteps
		}
	}
	return programs, steps
}

func put(t *testing.T, e store.Engine, keys ...string) {
	t.Helper()
	for _, k := range keys {
		require.NoError(t, e.Put([]byte(k), []byte("v"+k)))
	}
}

func pairs(keys ...string) []pair {
	out := []pair{}
	for _, k := range keys {
		out = append(out, pair{k, "v" + k})
	}
	return out
}

func readsSeeStagedWrites(t *testing.T, r *rig) {
	e := r.engines[0]
	put(t, e, "committed", "replaced", "removed")
	require.Positive(t, r.db.StagedBytes())
	require.NoError(t, r.db.Commit(nil))

	require.NoError(t, e.Put([]byte("replaced"), nil))
	require.NoError(t, e.Delete([]byte("removed")))
	put(t, e, "staged")
	want := []pair{{"committed", "vcommitted"}, {"replaced", ""}, {"staged", "vstaged"}}
	require.Equal(t, want, scan(t, e, nil, nil, false, math.MaxInt))
	value, ok, err := e.Get([]byte("replaced"))
	require.NoError(t, err)
	require.True(t, ok, "an empty value is a value")
	require.Empty(t, value)

	r.db.Rollback()
	require.Equal(t, pairs("committed", "removed", "replaced"), scan(t, e, nil, nil, false, math.MaxInt))
}

func scanBounds(t *testing.T, r *rig) {
	e := r.engines[1]
	put(t, e, "a", "b")
	require.NoError(t, r.db.Commit(nil))
	put(t, e, "", "c", "\xff\xff")
	require.Equal(t, pairs("", "a", "b", "c", "\xff\xff"), scan(t, e, nil, nil, false, math.MaxInt))
	require.Equal(t, pairs("c", "b"), scan(t, e, []byte("b"), []byte("d"), true, math.MaxInt))
	require.Equal(t, pairs("b"), scan(t, e, []byte("b"), []byte("c"), false, math.MaxInt), "hi is excluded")
	require.Equal(t, pairs("\xff\xff"), scan(t, e, nil, nil, true, 1), "it stops when told")
	require.Empty(t, scan(t, e, []byte("b"), []byte("b"), false, math.MaxInt))
	require.Empty(t, scan(t, e, []byte("c"), []byte("a"), false, math.MaxInt))
	require.NoError(t, e.DeleteRange([]byte("a"), []byte("c")))
	require.Equal(t, pairs("", "c", "\xff\xff"), scan(t, e, nil, nil, false, math.MaxInt))
}

func scansNest(t *testing.T, r *rig) {
	e := r.engines[0]
	put(t, e, "a", "b")
	seen := ""
	require.NoError(t, e.Scan(nil, nil, false, func(outer, _ []byte) bool {
		o := string(outer)
		for _, inner := range scan(t, e, nil, nil, true, math.MaxInt) {
			_, ok, err := e.Get([]byte(inner.key))
			require.NoError(t, err)
			require.True(t, ok)
			seen += o + inner.key + " "
		}
		return true
	}))
	require.Equal(t, "ab aa bb ba ", seen)
}

func storesAreSeparate(t *testing.T, r *rig) {
	for i, e := range r.engines {
		put(t, e, "k", string(rune('a'+i)))
	}
	require.NoError(t, r.engines[1].DeleteRange(nil, []byte("\xff")))
	require.NoError(t, r.db.Commit(nil))
	require.Equal(t, pairs("a", "k"), scan(t, r.engines[0], nil, nil, false, math.MaxInt))
	require.Empty(t, scan(t, r.engines[1], nil, nil, true, math.MaxInt))
	require.Equal(t, pairs("k", "c"), scan(t, r.engines[2], nil, nil, true, math.MaxInt))
}

func positionsMerge(t *testing.T, r *rig) {
	require.Empty(t, r.db.Position())
	require.NoError(t, r.db.Commit(store.Position{"a": 1, "b": 2}))
	require.NoError(t, r.db.Commit(store.Position{"b": 3}))
	require.NoError(t, r.db.Commit(nil))
	got := r.db.Position()
	require.Equal(t, store.Position{"a": 1, "b": 3}, got)
	got["a"] = 9
	require.EqualValues(t, 1, r.db.Position()["a"], "it is a copy")
	if r.Crash != nil {
		r.reopen()
		require.Equal(t, store.Position{"a": 1, "b": 3}, r.db.Position())
	}
}

func enginesAreOne(t *testing.T, r *rig) {
	again, err := r.db.Engine(specs()[0])
	require.NoError(t, err)
	require.Same(t, r.engines[0], again)
	other := specs()[0]
	other.Timestamped = true
	_, err = r.db.Engine(other)
	require.ErrorIs(t, err, store.ErrLayout)
	require.ErrorContains(t, err, other.Name)
	_, err = r.db.Engine(store.Spec{Name: "no kind"})
	require.Error(t, err)
}

func applyIsAlone(t *testing.T, r *rig) {
	muts := []store.Mutation{{Key: []byte("k"), Value: []byte("vk")}, {Key: []byte("x")}}
	require.NoError(t, r.db.Apply("plain", muts, store.Position{"t": 5}))
	require.Equal(t, pairs("k"), scan(t, r.engines[0], nil, nil, false, math.MaxInt))
	require.Equal(t, store.Position{"t": 5}, r.db.Position())
	r.db.Rollback()
	require.Len(t, scan(t, r.engines[0], nil, nil, false, math.MaxInt), 1, "it was not staged")

	require.ErrorContains(t, r.db.Apply("nobody", muts, nil), "nobody")
	put(t, r.engines[1], "staged")
	require.Error(t, r.db.Apply("plain", muts, nil), "staged writes are in the way")
}

func closedIsAnError(t *testing.T, r *rig) {
	put(t, r.engines[0], "k")
	require.NoError(t, r.db.Commit(nil))
	require.NoError(t, r.db.Close())
	require.NoError(t, r.db.Close(), "closing is idempotent")
	e := r.engines[0]
	_, _, err := e.Get([]byte("k"))
	require.ErrorIs(t, err, store.ErrClosed)
	require.ErrorIs(t, e.Put([]byte("k"), nil), store.ErrClosed)
	require.ErrorIs(t, e.Delete([]byte("k")), store.ErrClosed)
	require.ErrorIs(t, e.DeleteRange(nil, []byte("k")), store.ErrClosed)
	require.ErrorIs(t, e.Scan(nil, nil, false, func(_, _ []byte) bool { return true }), store.ErrClosed)
	require.ErrorIs(t, r.db.Commit(nil), store.ErrClosed)
	require.ErrorIs(t, r.db.Apply("plain", nil, nil), store.ErrClosed)
	_, err = r.db.Engine(specs()[0])
	require.ErrorIs(t, err, store.ErrClosed)
	r.db.Rollback()
	require.Zero(t, r.db.StagedBytes())
	require.GreaterOrEqual(t, r.db.Size(), int64(0))
}
