package cached_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store/cached"
	"github.com/millrace/millrace/store/memstore"
	"github.com/millrace/millrace/streams/serde"
)

const (
	wait = 10 * time.Second
	tick = 10 * time.Millisecond
)

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 7)) }

func newTable(t testing.TB, b *cached.Budget) *cached.Cache[string, int64] {
	t.Helper()
	e, err := memstore.New().Engine(tableSpec)
	require.NoError(t, err)
	c, err := cached.NewTable(e, tableSpec, cached.Options[string, int64]{Keys: serde.String, Values: serde.Int64, Budget: b})
	require.NoError(t, err)
	return c
}

// fill puts n keys and returns how many entries are left of them.
func fill(t testing.TB, c *cached.Cache[string, int64], n int) int {
	t.Helper()
	for i := range n {
		e, err := c.Cell(fmt.Sprint("key", i), none)
		require.NoError(t, err)
		require.NoError(t, c.Put(e, int64(i), 0, &cached.Context{}))
	}
	return c.Len()
}

// A cache that is alone has the whole budget, and never more.
func TestEviction(t *testing.T) {
	t.Parallel()
	b := cached.NewBudget(100_000)
	r := newTable(t, b)
	left := fill(t, r, 10_000)
	require.Less(t, left, 10_000)
	require.Greater(t, left, 200)
	require.LessOrEqual(t, r.Bytes(), b.Limit())
	require.LessOrEqual(t, b.Used(), b.Limit())
	for i := range 10_000 {
		v, _, ok, err := r.Get(fmt.Sprint("key", i), none)
		require.NoError(t, err)
		require.True(t, ok)
		require.EqualValues(t, i, v)
	}
	require.LessOrEqual(t, r.Bytes(), b.Limit(), "readers do not exceed it either")
}

// The eviction of a changed entry flushes all changes, in their order, and ends
// with the record under way as it was.
func TestEvictionFlushes(t *testing.T) {
	t.Parallel()
	r := newRig(t, tableSpec, serde.Int64, 2000)
	for i := range 20 {
		r.put(fmt.Sprintf("k%02d", i), int64(i), int64(i))
	}
	require.NotEmpty(t, r.sent)
	require.Less(t, len(r.sent), 20)
	r.flushMore()
	require.Len(t, r.sent, 20)
	for i, s := range r.sent {
		require.Equal(t, fmt.Sprintf("k%02d %d<-- @%d", i, i, i), s)
	}
}

func (r *rig[V]) flushMore() { require.NoError(r.t, r.c.Flush()) }

// What is used again stays longer than what is not.
func TestEvictionByUse(t *testing.T) {
	t.Parallel()
	r := newRig(t, tableSpec, serde.Int64, 4000)
	for i := range 100 {
		r.fold("hot", none, 0, increment)
		r.put(fmt.Sprint("cold", i), 1, 0)
	}
	r.staged = nil
	before := r.c.Len()
	require.Equal(t, "100@0", r.get("hot"))
	require.Equal(t, before, r.c.Len(), "it was still there")
}

// A budget of nothing writes through.
func TestNoBudget(t *testing.T) {
	t.Parallel()
	r := newRig(t, tableSpec, serde.Int64, 0)
	r.put("a", 1, 1)
	r.put("a", 2, 2)
	require.Equal(t, []string{"a 1<-- @1", "a 2<-1 @2"}, r.sent)
	require.Zero(t, r.c.Len())
	require.Equal(t, "2@2", r.get("a"))
}

// Every cache is sure of its part, whatever the others hold, and gets more when
// they need less.
func TestShares(t *testing.T) {
	t.Parallel()
	b := cached.NewBudget(1 << 20)
	first := newTable(t, b)
	fill(t, first, 10_000)
	require.Greater(t, b.Used(), b.Limit()*9/10)
	second := newTable(t, b)
	fill(t, second, 10_000)
	require.GreaterOrEqual(t, second.Bytes(), b.Limit()/4-300)
	require.LessOrEqual(t, b.Used(), b.Limit()*3/2)
	require.Greater(t, b.Used(), b.Limit())
	require.NoError(t, first.Trim(), "between two records")
	require.LessOrEqual(t, b.Used(), b.Limit(), "the first gave back what it had too much")
	require.GreaterOrEqual(t, first.Bytes(), b.Limit()/2-300)
	runtime.KeepAlive(second)
}

// Trimming writes what has changed, and leaves a cache alone that has no more than
// its part.
func TestTrim(t *testing.T) {
	b := cached.NewBudget(1 << 20)
	idle, busy := newTable(t, b), newTable(t, b)
	fill(t, idle, 2000)
	held := idle.Len()
	require.NoError(t, idle.Trim())
	require.Equal(t, held, idle.Len(), "nobody else needs it")
	fill(t, busy, 10_000)
	third := newTable(t, b)
	fill(t, third, 10_000)
	for _, c := range []*cached.Cache[string, int64]{idle, busy, third} {
		require.NoError(t, c.Trim())
	}
	require.LessOrEqual(t, b.Used(), b.Limit())
	v, _, ok, err := busy.Get("key0", none)
	require.NoError(t, err)
	require.True(t, ok)
	require.Zero(t, v)
	require.Zero(t, testing.AllocsPerRun(100, func() { _ = idle.Trim() }))
	runtime.KeepAlive(third)
}

// The lease of a cache ends with the cache.
func TestGarbageGivesBack(t *testing.T) {
	t.Parallel()
	b := cached.NewBudget(1 << 20)
	fill(t, newTable(t, b), 1000)
	require.Eventually(t, func() bool { runtime.GC(); return b.Used() == 0 }, wait, tick)
}

func TestBudgetFromManyGoroutines(t *testing.T) {
	t.Parallel()
	b := cached.NewBudget(1 << 20)
	var all sync.WaitGroup
	caches := make([]*cached.Cache[string, int64], 8)
	for i := range caches {
		caches[i] = newTable(t, b)
	}
	for _, c := range caches {
		all.Go(func() {
			for range 3 {
				fill(t, c, 3000)
				if err := c.Flush(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	require.LessOrEqual(t, b.Used(), b.Limit())
	runtime.KeepAlive(caches)
}
