package node

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/cached"
	"github.com/millrace/millrace/streams/record"
	"github.com/millrace/millrace/streams/serde"
)

func options[V any](vs serde.Serde[V], budget int64) cached.Options[string, V] {
	return cached.Options[string, V]{Keys: serde.String, Values: vs, Budget: cached.NewBudget(budget)}
}

func tableCache[V any](t testing.TB, vs serde.Serde[V], budget int64) *cached.Cache[string, V] {
	spec := store.Spec{Name: "t", Kind: store.KindKeyValue, Timestamped: true}
	c, err := cached.NewTable(engineOf(t, spec), spec, options(vs, budget))
	require.NoError(t, err)
	return c
}

func windowCache(t testing.TB, w TimeWindows) *cached.Cache[string, int64] {
	spec := store.Spec{
		Name: "w", Kind: store.KindWindow, Timestamped: true,
		WindowSize: time.Duration(w.Size) * time.Millisecond, Retention: time.Duration(w.Size+w.Grace) * time.Millisecond,
	}
	c, err := cached.NewWindow(engineOf(t, spec), spec, options(serde.Int64, 1<<20))
	require.NoError(t, err)
	return c
}

func sessionCache[V any](t testing.TB, s SessionWindows, vs serde.Serde[V]) *cached.Cache[string, V] {
	spec := store.Spec{Name: "s", Kind: store.KindSession, Retention: time.Duration(s.Gap+s.Grace) * time.Millisecond}
	c, err := cached.NewSession(engineOf(t, spec), spec, options(vs, 1<<20))
	require.NoError(t, err)
	return c
}

// TestCachedOperatorsAllocateNothing between two flushes.
func TestCachedOperatorsAllocateNothing(t *testing.T) {
	env := &newBench(t).env
	w := TimeWindows{Size: 100, Advance: 50}
	add := func(_ string, v, acc int64) int64 { return acc + v }
	sum := func(acc, v int64) int64 { return acc + v }
	changes := drop[string, Change[int64]]
	for name, s := range map[string]Sink[string, int64]{
		"tableSource": CachedTableSource(env, tableCache(t, serde.Int64, 1<<20), true, changes),
		"aggregate":   CachedAggregate(env, tableCache(t, serde.Int64, 1<<20), true, zero, add, changes),
		"reduce":      CachedReduce(env, tableCache(t, serde.Int64, 1<<20), true, sum, changes),
		"windows":     CachedWindowReduce(env, windowCache(t, w), true, w, sum, drop[serde.Windowed[string], Change[int64]]),
	} {
		r := rec[int64]("key", 7, 120)
		require.NoError(t, s(r))
		require.Zero(t, testing.AllocsPerRun(100, func() { _ = s(r) }), name)
	}
}

// TestFlushSetsTheContext: during a flush the record that changed the entry is the
// current one, also for the runtime; afterwards the one before is again.
func TestFlushSetsTheContext(t *testing.T) {
	t.Parallel()
	for _, budget := range []int64{0, 1 << 20} {
		b := newBench(t)
		runtime := int64(70)
		b.env.At = func(ms int64) (before int64) {
			before, runtime = runtime, ms
			return before
		}
		var seen []string
		c := tableCache(t, serde.Int64, budget)
		s := CachedTableSource(&b.env, c, false, func(r *record.Record[string, Change[int64]]) error {
			cur := b.env.Cur
			seen = append(seen, fmt.Sprintf("%s %s/%d/%d@%d %s %d %d", r.Key, cur.Topic, cur.Partition, cur.Offset, cur.Time, r.Headers.All()[0].Value, len(cur.Headers), runtime))
			return nil
		})
		for i := range int64(2) {
			*b.env.Cur = Current{Topic: "in", Partition: 3, Offset: i, Time: 10 + i, StreamTime: 99}
			r := rec[int64]("k", i, 10+i)
			r.Headers.Add("h", fmt.Append(nil, "v", i))
			require.NoError(t, s(r))
		}
		*b.env.Cur = Current{Topic: "last", Offset: 50, StreamTime: 99}
		require.NoError(t, c.Flush())
		require.Equal(t, "k in/3/1@11 v1 1 11", seen[len(seen)-1])
		require.Equal(t, Current{Topic: "last", Offset: 50, StreamTime: 99}, *b.env.Cur)
		require.EqualValues(t, 70, runtime)
	}
}

var errDown = errors.New("down")

// TestCachedFaults: errors from the store, from serdes and from downstream end the
// record or the flush.
func TestCachedFaults(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	c := tableCache(t, serde.Int64, 1<<20)
	s := CachedTableSource(&b.env, c, false, func(*record.Record[string, Change[int64]]) error { return errDown })
	require.NoError(t, s(rec[int64]("k", 1, 1)))
	require.ErrorIs(t, c.Flush(), errDown)

	write := func(v string) *cached.Cache[string, int64] {
		spec := store.Spec{Name: "t", Kind: store.KindKeyValue, Timestamped: true}
		e := engineOf(t, spec)
		require.NoError(t, store.NewTimestampedKV(e, serde.String, serde.String).Put("k", v, 1))
		c, err := cached.NewTable(e, spec, options(serde.Int64, 1<<20))
		require.NoError(t, err)
		return c
	}
	fold := CachedReduce(&b.env, write("bad"), false, func(a, v int64) int64 { return a + v }, drop[string, Change[int64]])
	require.ErrorContains(t, fold(rec[int64]("k", 1, 1)), "decode a stored value")

	null := rec[int64]("k", 0, 1)
	null.NoKey = true
	for _, s := range []Sink[string, int64]{
		s, fold,
		CachedSessionReduce(&b.env, sessionCache(t, SessionWindows{}, serde.Int64), false, SessionWindows{}, nil, drop[serde.Windowed[string], Change[int64]]),
	} {
		require.NoError(t, s(null))
	}
	require.Equal(t, []string{SkipNullKey, SkipNullKey, SkipNullKey}, b.skipped)
}

// TestCachedSessions: late records change nothing, though merging may change what
// it is given; nulls that an aggregator returns delete.
func TestCachedSessions(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := SessionWindows{Gap: 10, Grace: 5}
	c := sessionCache(t, w, texts)
	join := func(_ string, v, acc *string) *string {
		if *v == "x" {
			return nil
		}
		*acc += *v
		return acc
	}
	merge := func(_ string, a, b *string) *string {
		*a += *b
		*b = "spoilt"
		return a
	}
	s := CachedSessionAggregate(&b.env, c, true, w, func() *string { return new(string) }, join, merge,
		func(r *record.Record[serde.Windowed[string], Change[*string]]) error {
			b.out = append(b.out, fmt.Sprintf("%s=%s~%d", show(r.Key, false), text(r.Value.New), r.Time))
			return nil
		})
	send := func(v string, ms int64) { t.Helper(); require.NoError(t, s(rec("k", ptr(v), ms))) }
	send("a", 100)
	send("b", 105)
	send("c", 50)
	require.Equal(t, []string{SkipLate}, b.skipped)
	require.NoError(t, c.Flush())
	require.Equal(t, []string{"k@100/105=ab~105"}, b.take())
	send("d", 103)
	send("x", 107)
	require.NoError(t, c.Flush())
	require.Equal(t, []string{"k@100/105=null~105"}, b.take(), "[100,107] was never seen")
}

// TestSharedTest: which results of a reduce others may have.
func TestSharedTest(t *testing.T) {
	t.Parallel()
	require.Nil(t, sharedTest[int64]())
	require.Nil(t, sharedTest[string]())
	a, b := ptr(1), ptr(1)
	require.True(t, sharedTest[*int]()(a, a))
	require.False(t, sharedTest[*int]()(a, b))
	require.True(t, sharedTest[[]int]()(nil, nil), "slices cannot be told apart")
}
