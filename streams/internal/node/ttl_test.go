package node

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/cached"
	"github.com/millrace/millrace/streams/record"
	"github.com/millrace/millrace/streams/serde"
)

// expiring is a table of texts whose rows live for 160 ms, in segments of 10.
type expiring struct {
	put   Sink[string, string]
	sweep func(now int64) error
	view  *store.TimestampedKV[string, string]
	flush func() error
}

func newExpiring(b *bench, caches bool) expiring {
	spec := store.Spec{Name: "t", Kind: store.KindKeyValue, Timestamped: true, TTL: 160 * time.Millisecond}
	ttl, err := store.NewTTL(engineOf(b.t, spec), spec)
	require.NoError(b.t, err)
	x := Expiry[string, string]{Store: ttl, TTL: 160, Keys: serde.String, Values: serde.String}
	view := store.NewTimestampedKV(ttl, serde.String, serde.String)
	out := expiring{view: view, flush: func() error { return nil }}
	next := func(r *record.Record[string, Change[string]]) error {
		_, _, there, err := view.Get(r.Key)
		b.out = append(b.out, fmt.Sprintf("%s %s->%s ~%d there=%v", r.Key, side(r.Value.Old, r.Value.Had), side(r.Value.New, r.Value.Has), r.Time, there))
		return err
	}
	if caches {
		x.Cache, err = cached.NewTable(ttl, spec, cached.Options[string, string]{Keys: serde.String, Values: serde.String, Budget: cached.NewBudget(1 << 20)})
		require.NoError(b.t, err)
		out.put, out.flush = CachedTableSource(&b.env, x.Cache, true, next), x.Cache.Flush
	} else {
		out.put = TableSource(&b.env, view, next)
	}
	out.sweep = Sweep(&b.env, x, next)
	return out
}

func side(v string, there bool) string {
	if !there {
		return "-"
	}
	return v
}

func TestRowsExpire(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	x := newExpiring(b, false)
	require.NoError(t, x.put(rec("a", "1", 100)))
	require.NoError(t, x.put(rec("b", "2", 200)))
	require.NoError(t, x.put(rec("a", "3", 150)))
	b.take()
	require.NoError(t, x.sweep(300))
	require.Empty(t, b.take(), "a lives on by its new time")
	require.NoError(t, x.sweep(330))
	require.Equal(t, []string{"a 3->- ~310 there=false"}, b.take(), "gone from the store before anybody hears of it")
	require.NoError(t, x.sweep(1000))
	require.Equal(t, []string{"b 2->- ~360 there=false"}, b.take())
	require.NoError(t, x.sweep(2000))
	require.Empty(t, b.take())
}

// TestRowsExpireThroughACache: the deletion is the cache's to send, at its flush.
func TestRowsExpireThroughACache(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	x := newExpiring(b, true)
	require.NoError(t, x.put(rec("a", "1", 100)))
	require.NoError(t, x.put(rec("b", "2", 100)))
	require.NoError(t, x.flush())
	b.take()
	require.NoError(t, x.put(rec("b", "3", 400)))
	require.NoError(t, x.sweep(410))
	require.Empty(t, b.take())
	require.NoError(t, x.flush())
	require.Equal(t, []string{"b 2->3 ~400 there=true", "a 1->- ~260 there=false"}, b.take(), "b has a later value in the cache")
	require.NoError(t, x.sweep(600))
	require.NoError(t, x.flush())
	require.Equal(t, []string{"b 3->- ~560 there=false"}, b.take())
}

// TestSweepsAreBounded, and go on with the next.
func TestSweepsAreBounded(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	x := newExpiring(b, false)
	const n = 2*MostExpired + 10
	for i := range n {
		require.NoError(t, x.put(rec(fmt.Sprint(i), "v", 100)))
	}
	b.take()
	var rounds []int
	for range 4 {
		require.NoError(t, x.sweep(1000))
		rounds = append(rounds, len(b.take()))
	}
	require.Equal(t, []int{MostExpired, MostExpired, 10, 0}, rounds)
}

// TestSweepsCostNothingWhereNothingIsDue.
func TestSweepsCostNothingWhereNothingIsDue(t *testing.T) {
	b := newBench(t)
	x := newExpiring(b, false)
	require.NoError(t, x.put(rec("a", "1", 100)))
	require.NoError(t, x.sweep(110))
	require.Zero(t, testing.AllocsPerRun(100, func() { _ = x.sweep(120) }))
}
