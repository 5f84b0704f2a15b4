package cached_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store/cached"
)

// counter does what an aggregate that counts does, through functions that the
// compiler cannot see into.
type counter struct {
	c    *cached.Cache[string, int64]
	add  func(string, int64) int64
	ctx  cached.Context
	keys []string
}

func newCounter(t testing.TB, keys int) *counter {
	t.Helper()
	c := &counter{c: newTable(t, cached.NewBudget(1<<30)), add: func(_ string, n int64) int64 { return n + 1 }}
	for i := range keys {
		c.keys = append(c.keys, fmt.Sprintf("user-%06d", i))
	}
	for _, k := range c.keys {
		require.NoError(t, c.count(k))
	}
	return c
}

//go:noinline
func (c *counter) count(k string) error {
	e, err := c.c.Load(k, none)
	if err != nil {
		return err
	}
	n, ts, _, err := c.c.Take(e)
	if err != nil {
		return err
	}
	c.ctx.Offset++
	return c.c.Put(e, c.add(k, n), max(ts, c.ctx.Time), &c.ctx)
}

// The steady state of the cached path makes no garbage: counting, reading, and
// flushing.
func TestNothingAllocates(t *testing.T) {
	c := newCounter(t, 100)
	c.c.Own(quiet{}, true)
	i := 0
	next := func() string { i++; return c.keys[i%len(c.keys)] }
	require.Zero(t, testing.AllocsPerRun(1000, func() { _ = c.count(next()) }), "count")
	require.Zero(t, testing.AllocsPerRun(1000, func() { _, _, _, _ = c.c.Get(next(), none) }), "get")
	require.NoError(t, c.c.Flush())
	i = 0
	flushes := testing.AllocsPerRun(200, func() {
		for range 50 {
			_ = c.count(next())
		}
		_ = c.c.Flush()
	})
	// The memory engine below keeps a copy of each value; the cache adds nothing.
	require.LessOrEqual(t, flushes, 50.0, "flush")
}

type quiet struct{}

func (quiet) Enter(*cached.Context)                       {}
func (quiet) Forward(*cached.Update[string, int64]) error { return nil }

// BenchmarkCount is the count pattern, get and put, on keys that are all cached.
func BenchmarkCount(b *testing.B) {
	for _, n := range []int{1_000, 100_000} {
		c := newCounter(b, n)
		order := newRand(1).Perm(n)
		b.Run(fmt.Sprintf("keys=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if err := c.count(c.keys[order[i]]); err != nil {
					b.Fatal(err)
				}
				if i++; i == n {
					i = 0
				}
			}
		})
	}
}

// BenchmarkFlush is what a key costs at a commit, memory engine and changelog
// included.
func BenchmarkFlush(b *testing.B) {
	const n = 10_000
	for _, olds := range []bool{false, true} {
		b.Run(fmt.Sprintf("olds=%t", olds), func(b *testing.B) {
			c := newCounter(b, n)
			c.c.Own(quiet{}, olds)
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				for _, i := range newRand(1).Perm(n) {
					_ = c.count(c.keys[i])
				}
				b.StartTimer()
				if err := c.c.Flush(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/key")
		})
	}
}
