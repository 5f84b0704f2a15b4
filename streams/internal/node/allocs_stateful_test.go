package node

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams/record"
	"github.com/millrace/millrace/streams/serde"
)

// TestStatefulOperatorsAllocateNothing beyond what a new row costs the engine: here
// records meet rows that there are. Not parallel, because others would be counted.
func TestStatefulOperatorsAllocateNothing(t *testing.T) {
	b := newBench(t)
	env := &b.env
	env.Skip = func(string) {}
	next, windows := drop[string, int64], drop[serde.Windowed[string], Change[int64]]
	w, sum := JoinWindow{Before: 10, After: 10, Grace: 50}, func(acc, v int64) int64 { return acc + v }
	kept := joinWindows(t, w, serde.Int64)
	require.NoError(t, kept.Put("key", 118, 1, 118))
	require.NoError(t, kept.Put("key", 125, 2, 125))
	join := func(_ string, l int64, r record.Opt[int64]) int64 { return l + r.V }
	plus := func(_ string, l, r int64) int64 { return l + r }
	fold := AggregateRule(func() int64 { return 0 }, func(_ string, v, acc int64) int64 { return acc + v })
	tumbling := TimeWindows{Size: 100, Advance: 100}
	buffer, err := store.NewBuffer(engineOf(t, store.Spec{Name: "b", Kind: store.KindBuffer}), store.Spec{Name: "b", Kind: store.KindBuffer}, serde.String, serde.Int64)
	require.NoError(t, err)
	held := Suppress(env, buffer, Bounds{Wait: 1000, Records: -1, Bytes: -1}, func(_ string, ms int64) int64 { return ms }, false, drop[string, Change[int64]])
	same := func(_ string, v record.Opt[int64]) (record.Opt[int64], error) { return v, nil }
	for name, s := range map[string]Sink[string, int64]{
		"streamJoin": StreamJoin(env, JoinSide[string, int64, int64, int64]{Other: kept, Window: w, Clock: NewJoinClock(), Join: join}, next),
		"selfJoin":   SelfJoin(env, kept, w, plus, next),
		"sliding": Sliding(env, windowStore(t, TimeWindows{Size: 10, Grace: 100}, serde.Int64), SlidingWindows{Difference: 10, Grace: 5},
			ReduceRule[string](sum), windows),
		"cogroup":         Fold(env, tableStore(t, serde.Int64), fold, drop[string, Change[int64]]),
		"cogroup windows": Windows(env, windowStore(t, tumbling, serde.Int64), tumbling, fold, windows),
		"transform":       TableSource(env, nil, TransformRows(env, same, Keep[string, int64]{Olds: true}, drop[string, Change[int64]])),
	} {
		r := rec[int64]("key", 7, 120)
		require.NoError(t, s(r))
		assert.Zero(t, testing.AllocsPerRun(100, func() { _ = s(r) }), name)
	}
	r, s := rec[int64]("key", 7, 120), TableSource(env, nil, held)
	require.NoError(t, s(r))
	require.LessOrEqual(t, testing.AllocsPerRun(100, func() { _ = s(r) }), 1.0, "suppress keeps a copy of what it holds")
}

// TestAChainOfAllStatelessOperatorsAllocatesNothing, from bytes to bytes.
func TestAChainOfAllStatelessOperatorsAllocatesNothing(t *testing.T) {
	b := newBench(t)
	env := &b.env
	pair := []int64{1, 2}
	emit := func(_, _, _ []byte, _ int64, _ *record.Headers) error { return nil }
	to := Address{Topic: "z", Count: func() (int32, error) { return 3, nil }, Set: func(int32) {}}
	first := func(_ record.Record[string, int64], n int32) int32 { return n - 1 }
	both := []int32{0, 1}
	s := Multicast(to, func(record.Record[string, int64], int32) []int32 { return both }, Partition(to, first, Out(env, serde.String, serde.Int64, emit)))
	s = DropNullKeys(env, s)
	s = Split(env, []Branch[string, int64]{{Pred: func(_ string, v int64) bool { return v > 0 }, Next: s}})
	s = FlatMapValues(env, func(int64) []int64 { return pair }, s)
	s = FlatMapValuesKeyed(env, func(string, int64) []int64 { return pair }, s)
	s = FlatMap(env, func(k string, v int64, yield func(string, int64)) { yield(k, v) }, s)
	s = Map(env, func(k string, v int64) (string, int64) { return k, v + 1 }, s)
	s = SelectKey(env, func(k string, _ int64) string { return k[:1] }, s)
	s = MapNullable(env, func(v int64, _ bool) int64 { return v }, s)
	s = MapValuesKeyed(env, func(_ string, v int64) int64 { return v }, s)
	s = MapValues(env, func(v int64) int64 { return v + 1 }, s)
	s = Peek(env, func(record.Record[string, int64]) {}, s)
	s = Filter(func(string, int64) bool { return true }, false, s)
	s = Fan([]Sink[string, int64]{s, ForEach(env, func(string, int64) {})})
	in := Source(env, serde.String, serde.Int64, false, s)
	k, v := []byte("key"), []byte{0, 0, 0, 0, 0, 0, 0, 7}
	require.NoError(t, in(k, v))
	require.Zero(t, testing.AllocsPerRun(100, func() { _ = in(k, v) }))
}
