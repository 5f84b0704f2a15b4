package node

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams/record"
	"github.com/millrace/millrace/streams/serde"
)

// TestSplitNulls: what V cannot show goes to the branch without a predicate only.
func TestSplitNulls(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	none := Split(&b.env, []Branch[string, int64]{{Pred: func(string, int64) bool { return true }, Next: collect[string, int64](b)}})
	r := rec[int64]("k", 0, 1)
	r.Null = true
	require.NoError(t, none(r))
	require.Equal(t, []string{SkipNullValue}, b.skipped)
	rest := Split(&b.env, []Branch[string, int64]{{Next: collect[string, int64](b)}})
	require.NoError(t, rest(r))
	require.Equal(t, []string{"k=-~1"}, b.take())
}

// TestFlowAllocatesNothing: nor do the operators of a stream's flow.
func TestFlowAllocatesNothing(t *testing.T) {
	b := newBench(t)
	next := drop[string, int64]
	f := NewForwarder(&b.env, next, map[string]Sink[string, int64]{"c": next})
	pair := []int64{1, 2}
	for name, s := range map[string]Sink[string, int64]{
		"split":       Split(&b.env, []Branch[string, int64]{{Pred: func(string, int64) bool { return false }, Next: next}, {Next: next}}),
		"mapNullable": MapNullable(&b.env, func(v int64, _ bool) int64 { return v }, next),
		"flatMap":     FlatMapValuesKeyed(&b.env, func(string, int64) []int64 { return pair }, next),
		"process":     Process[string, int64](ProcessorFunc[string, int64](func(r record.Record[string, int64]) error { return f.Forward(r) })),
		"processTo":   Process[string, int64](ProcessorFunc[string, int64](func(r record.Record[string, int64]) error { return f.ForwardTo("c", r) })),
	} {
		r := rec[int64]("key", 7, 120)
		require.NoError(t, s(r))
		require.Zero(t, testing.AllocsPerRun(100, func() { _ = s(r) }), name)
	}
	require.ErrorContains(t, f.ForwardTo("x", record.Record[string, int64]{}), `no operator "x"`)
	require.ErrorIs(t, f.Forward(record.Record[string, int64]{Time: -1}), errForwardTime)
}

// TestSliding: the window that ends at a record, and the one just behind the record
// before.
func TestSliding(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := SlidingWindows{Difference: 10, Grace: 5}
	st := windowStore(t, TimeWindows{Size: 10, Grace: 100}, serde.String)
	s := Sliding(&b.env, st, w, ReduceRule[string](func(a, v string) string { return a + v }),
		WindowedToStream(func(k serde.Windowed[string]) serde.Windowed[string] { return k }, collect[serde.Windowed[string], string](b)))
	require.NoError(t, s(rec("k", "a", 20)))
	require.Equal(t, []string{"k@10/20=a~20"}, b.take())
	require.NoError(t, s(rec("k", "b", 25)))
	require.Equal(t, []string{"k@21/31=b~25", "k@15/25=ab~25"}, b.take())
	require.NoError(t, s(rec("k", "c", 90)))
	b.take()
	require.NoError(t, s(rec("k", "d", 30)))
	require.Equal(t, []string{SkipLate}, b.skipped)
}
