package node

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams/record"
	"github.com/millrace/millrace/streams/serde"
)

// tally is an aggregate that aliases: aggregators change it in place.
type tally map[string]int

func newTally() tally { return tally{} }

func addTally(_ string, v string, acc tally) tally { acc[v]++; return acc }

// TestOldValuesAreApart: an aggregator that changes its argument in place
// changes neither the old value nor what was sent before.
func TestOldValuesAreApart(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var changes []Change[tally]
	keep := func(r *record.Record[string, Change[tally]]) error { changes = append(changes, r.Value); return nil }
	s := Aggregate(&b.env, tableStore(t, serde.JSON[tally]()), newTally, addTally, keep)
	for i := range int64(3) {
		require.NoError(t, s(rec("k", "x", i)))
	}
	require.Equal(t, []Change[tally]{
		{New: tally{"x": 1}, Old: tally{}, Has: true, Had: true},
		{New: tally{"x": 2}, Old: tally{"x": 1}, Has: true, Had: true},
		{New: tally{"x": 3}, Old: tally{"x": 2}, Has: true, Had: true},
	}, changes)
}

// TestSessionsLeaveOldValuesAlone: the same, where merging changes in place.
func TestSessionsLeaveOldValuesAlone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var changes []Change[tally]
	keep := func(r *record.Record[serde.Windowed[string], Change[tally]]) error {
		changes = append(changes, r.Value)
		return nil
	}
	into := func(_ string, a, b tally) tally {
		for k, n := range a {
			b[k] += n
		}
		return b
	}
	w := SessionWindows{Gap: 10, Grace: 100}
	s := SessionAggregate(&b.env, sessionStore(t, w, serde.JSON[tally]()), w, newTally, addTally, into, keep)
	for _, ts := range []int64{0, 20, 10} {
		require.NoError(t, s(rec("k", "x", ts)))
	}
	require.Equal(t, []Change[tally]{
		{New: tally{"x": 1}, Has: true},
		{New: tally{"x": 1}, Has: true},
		{Old: tally{"x": 1}, Had: true},
		{Old: tally{"x": 1}, Had: true},
		{New: tally{"x": 3}, Has: true},
	}, changes)
}

// TestFirstChangeOfAReduceHasNoOldValue, that of an aggregate has init's.
func TestFirstChangeOfAReduceHasNoOldValue(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var had []bool
	keep := func(r *record.Record[string, Change[int64]]) error { had = append(had, r.Value.Had); return nil }
	sum := func(acc, v int64) int64 { return acc + v }
	reduce := Reduce(&b.env, tableStore(t, serde.Int64), sum, keep)
	require.NoError(t, reduce(rec[int64]("k", 1, 1)))
	require.NoError(t, reduce(rec[int64]("k", 1, 2)))
	add := func(_ string, v, acc int64) int64 { return acc + v }
	require.NoError(t, Aggregate(&b.env, tableStore(t, serde.Int64), zero, add, keep)(rec[int64]("k", 1, 1)))
	require.Equal(t, []bool{false, true, true}, had)
}

// TestHeadersOfResults: aggregates carry those of the record, sessions none.
func TestHeadersOfResults(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := rec("k", ptr("v"), 1)
	r.Headers.Add("trace", []byte("1"))
	w, s := TimeWindows{Size: 10, Advance: 10}, SessionWindows{Gap: 10}
	require.NoError(t, Reduce(&b.env, tableStore(t, texts), joined, toStream[*string](b))(r))
	require.NoError(t, WindowReduce(&b.env, windowStore(t, w, texts), w, joined, windowsOut[*string](b))(r))
	require.NoError(t, SessionReduce(&b.env, sessionStore(t, s, texts), s, joined, windowsOut[*string](b))(r))
	require.Equal(t, []int{1, 1, 0}, b.headers)
}

// TestWindowsSkipNullsThatCannotBeShown, and say so.
func TestWindowsSkipNullsThatCannotBeShown(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w, s := TimeWindows{Size: 10, Advance: 10}, SessionWindows{Gap: 10}
	last := func(_, v string) string { return v }
	require.NoError(t, WindowReduce(&b.env, windowStore(t, w, serde.String), w, last, windowsOut[string](b))(deleted("k", 1)))
	require.NoError(t, SessionReduce(&b.env, sessionStore(t, s, serde.String), s, last, windowsOut[string](b))(deleted("k", 1)))
	require.Equal(t, []string{SkipNullValue, SkipNullValue}, b.skipped)
	require.Empty(t, b.take())
}

// TestWindowsAtTheEndOfTime neither wrap around nor loop forever.
func TestWindowsAtTheEndOfTime(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := TimeWindows{Size: 100, Advance: 50}
	last := func(_, v string) string { return v }
	s := WindowReduce(&b.env, windowStore(t, w, serde.String), w, last, windowsOut[string](b))
	require.NoError(t, s(rec("k", "v", math.MaxInt64-1)))
	require.NoError(t, s(rec("k", "v", 0)))
	require.Equal(t, []string{SkipLate}, b.skipped)
}

func TestAliases(t *testing.T) {
	t.Parallel()
	type flat struct {
		A int
		B [2]string
	}
	type deep struct{ L [1][]int }
	require.False(t, aggregateRule(func() (v flat) { return }, func(_, _ string, a flat) flat { return a }).alias)
	require.True(t, aggregateRule(func() (v deep) { return }, func(_, _ string, a deep) deep { return a }).alias)
	require.True(t, reduceRule[string](joined).alias)
	require.True(t, reduceRule[string](func(a, _ any) any { return a }).alias)
}
