package node

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/cached"
	"github.com/millrace/millrace/store/memstore"
	"github.com/millrace/millrace/streams/record"
	"github.com/millrace/millrace/streams/serde"
)

func drop[K, V any](*record.Record[K, V]) error { return nil }

// TestNoAllocations: no operator costs a record an allocation, if values are
// plain. Not parallel, because others would be counted.
func TestNoAllocations(t *testing.T) {
	b := newBench(t)
	env := &b.env
	env.Skip = func(string) {}
	emit := func(_, _, _ []byte, _ int64, _ *record.Headers) error { return nil }
	get := func(string) (int64, int64, bool, error) { return 1, 0, true, nil }
	next, pair := drop[string, int64], []int64{1, 2}
	w := TimeWindows{Size: 100, Advance: 50}
	add := func(_ string, v, acc int64) int64 { return acc + v }
	sum := func(acc, v int64) int64 { return acc + v }
	for name, s := range map[string]Sink[string, int64]{
		"fan":           Fan([]Sink[string, int64]{next, next}),
		"filter":        Filter(func(_ string, v int64) bool { return v > 0 }, false, next),
		"peek":          Peek(env, func(record.Record[string, int64]) {}, next),
		"forEach":       ForEach(env, func(string, int64) {}),
		"dropNullKeys":  DropNullKeys(env, next),
		"mapValues":     MapValues(env, func(v int64) int64 { return v + 1 }, next),
		"map":           Map(env, func(k string, v int64) (string, int64) { return k, v }, next),
		"selectKey":     SelectKey(env, func(k string, _ int64) string { return k[:1] }, next),
		"flatMap":       FlatMap(env, func(k string, v int64, yield func(string, int64)) { yield(k, v); yield(k, v) }, next),
		"flatMapValues": FlatMapValues(env, func(int64) []int64 { return pair }, next),
		"join":          JoinTable(env, get, true, func(_ string, l int64, r record.Opt[int64]) int64 { return l + r.V }, next),
		"sink":          Out(env, serde.String, serde.Int64, emit),
		"tableSource":   TableSource(env, tableStore(t, serde.Int64), TableToStream(next)),
		"tableFilter":   TableSource(env, nil, filterTable(env, func(string, int64) bool { return true }, false, false, drop[string, Change[int64]])),
		"tableMap":      TableSource(env, nil, mapTable(env, func(v int64) int64 { return v }, drop[string, Change[int64]])),
		"aggregate":     Aggregate(env, tableStore(t, serde.Int64), zero, add, drop[string, Change[int64]]),
		"reduce":        Reduce(env, tableStore(t, serde.Int64), sum, drop[string, Change[int64]]),
		"windows":       WindowReduce(env, windowStore(t, w, serde.Int64), w, sum, drop[serde.Windowed[string], Change[int64]]),
	} {
		r := rec[int64]("key", 7, 120)
		require.NoError(t, s(r)) // buffers grow once
		require.Zero(t, testing.AllocsPerRun(100, func() { _ = s(r) }), name)
	}
}

// TestSessionsAllocateNothing: neither the scan for the sessions that a record
// touches, nor what follows, with a cache and without.
func TestSessionsAllocateNothing(t *testing.T) {
	b := newBench(t)
	w := SessionWindows{Gap: 10, Grace: 1000}
	sum := func(acc, v int64) int64 { return acc + v }
	next := drop[serde.Windowed[string], Change[int64]]
	spec := store.Spec{Name: "s", Kind: store.KindSession, Retention: time.Hour}
	e, err := memstore.New().Engine(spec)
	require.NoError(t, err)
	c, err := cached.NewSession(e, spec, cached.Options[string, int64]{Keys: serde.String, Values: serde.Int64, Budget: cached.NewBudget(1 << 20)})
	require.NoError(t, err)
	for name, s := range map[string]Sink[string, int64]{
		"store": SessionReduce(&b.env, sessionStore(t, w, serde.Int64), w, sum, next),
		"cache": CachedSessionReduce(&b.env, c, false, w, sum, next),
	} {
		r := rec[int64]("key", 7, 120)
		require.NoError(t, s(r))
		require.Zero(t, testing.AllocsPerRun(100, func() { _ = s(r) }), name)
	}
}

// TestSourceAllocatesNothing with serdes that can borrow.
func TestSourceAllocatesNothing(t *testing.T) {
	b := newBench(t)
	in := Source(&b.env, serde.String, serde.String, false, drop[string, string])
	k, v := []byte("key"), []byte("value")
	require.Zero(t, testing.AllocsPerRun(100, func() { _ = in(k, v) }))
}

// BenchmarkRecordPath is a record's way through filter, mapValues and to, bytes
// to bytes.
func BenchmarkRecordPath(b *testing.B) {
	env := &newBench(b).env
	emit := func(_, _, _ []byte, _ int64, _ *record.Headers) error { return nil }
	out := Out(env, serde.String, serde.Int64, emit)
	length := MapValues(env, func(v string) int64 { return int64(len(v)) }, out)
	in := Source(env, serde.String, serde.String, false, Filter(func(_, v string) bool { return v != "" }, false, length))
	k, v := []byte("u-123"), []byte("login")
	b.ReportAllocs()
	for b.Loop() {
		if err := in(k, v); err != nil {
			b.Fatal(err)
		}
	}
}
