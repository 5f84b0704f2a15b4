package node

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/format"
	"github.com/millrace/millrace/streams/record"
	"github.com/millrace/millrace/streams/serde"
)

// beside makes both sides of a join of two tables.
func beside(b *bench, need Sides, olds bool) (left, right Sink[string, string]) {
	l, r := tableStore(b.t, serde.String), tableStore(b.t, serde.String)
	f := func(_ string, l, r record.Opt[string]) string { return l.V + "+" + r.V }
	back := func(k string, r, l record.Opt[string]) string { return f(k, l, r) }
	out := toStream[string](b)
	return TableSource(&b.env, l, TableJoin(&b.env, r.Get, need, olds, f, out)),
		TableSource(&b.env, r, TableJoin(&b.env, l.Get, need.Swap(), olds, back, out))
}

func TestTableJoinsOfAllKinds(t *testing.T) {
	t.Parallel()
	gone := rec("k", "", 9)
	gone.Null = true
	for _, c := range []struct {
		need Sides
		want []string
	}{
		{Sides{true, true}, []string{"k=1+2~5", "k=-~9"}},
		{Sides{Left: true}, []string{"k=1+~5", "k=1+2~5", "k=-~9"}},
		{Sides{}, []string{"k=1+~5", "k=1+2~5", "k=+2~9", "k=-~9"}},
	} {
		b := newBench(t)
		left, right := beside(b, c.need, true)
		require.NoError(t, left(rec("k", "1", 5)))
		require.NoError(t, right(rec("k", "2", 3)))
		require.NoError(t, left(gone))
		require.NoError(t, right(gone))
		require.Equal(t, c.want, b.take())
	}
}

func TestStaleChangesAreNotJoined(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	get := func(string) (string, int64, bool, error) { return "r", 1, true, nil }
	f := func(_ string, l, r record.Opt[string]) string { return l.V + r.V }
	s := TableJoin(&b.env, get, Sides{true, true}, false, f, toStream[string](b))
	require.NoError(t, s(&record.Record[string, Change[string]]{Key: "k", Value: Change[string]{New: "l", Has: true, Stale: true}}))
	require.Empty(t, b.out)
	require.Equal(t, []string{SkipStale}, b.skipped)
}

func TestJoinedLookup(t *testing.T) {
	t.Parallel()
	row := func(v string, at int64, ok bool) Lookup[string, string] {
		return func(string) (string, int64, bool, error) { return v, at, ok, nil }
	}
	f := func(_ string, l, r record.Opt[string]) string { return l.V + "+" + r.V }
	v, at, ok, err := Joined(row("l", 3, true), row("r", 8, true), Sides{true, true}, f)("k")
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, "l+r", v)
	require.EqualValues(t, 8, at)
	_, _, ok, _ = Joined(row("l", 3, true), row("", 0, false), Sides{true, true}, f)("k")
	require.False(t, ok)
	v, at, ok, _ = Joined(row("", 0, false), row("r", 8, true), Sides{}, f)("k")
	require.True(t, ok)
	require.Equal(t, "+r", v)
	require.EqualValues(t, 8, at)
}

func TestRegroupMovesRows(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var sent []Change[string]
	var keys []string
	next := func(r *record.Record[string, Change[string]]) error {
		keys, sent = append(keys, r.Key), append(sent, r.Value)
		return nil
	}
	swap := func(k, v string) (string, string) { return v, k }
	s := TableSource(&b.env, tableStore(t, serde.String), Regroup(&b.env, swap, serde.String, next))
	for _, v := range []string{"x", "x", "y"} {
		require.NoError(t, s(rec("k", v, 1)))
	}
	require.Equal(t, []string{"x", "x", "x", "y"}, keys)
	require.Equal(t, []Change[string]{
		{New: "k", Has: true}, {New: "k", Old: "k", Has: true, Had: true}, {Old: "k", Had: true}, {New: "k", Has: true},
	}, sent)
}

func TestChangesComeBackFromTheWire(t *testing.T) {
	t.Parallel()
	s := Changes[string](serde.String)
	for _, c := range []Change[string]{{New: "", Has: true}, {Old: "o", Had: true}, {New: "n", Old: "", Has: true, Had: true}} {
		b, err := s.Append(nil, c)
		require.NoError(t, err)
		got, err := s.Decode(b)
		require.NoError(t, err)
		require.Equal(t, c, got)
	}
	_, err := s.Append(nil, Change[string]{})
	require.Error(t, err)
	_, err = s.Decode([]byte{9})
	require.Error(t, err)
}

func TestTableAggregateTakesOutThenPutsIn(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	rows := PlainRows[string, string]{View: tableStore(t, serde.String)}
	plus := func(_, v, acc string) string { return acc + "+" + v }
	minus := func(_, v, acc string) string { return acc + "-" + v }
	s := TableAggregate(&b.env, Keep[string, string]{Rows: rows}, func() string { return "" }, plus, minus, toStream[string](b))
	send := func(c Change[string], ts int64) {
		require.NoError(t, s(&record.Record[string, Change[string]]{Key: "g", Value: c, Time: ts, Headers: record.NewHeaders()}))
	}
	send(Change[string]{Old: "a", Had: true}, 1) // there is no aggregate to take it out of
	send(Change[string]{New: "a", Has: true}, 7)
	send(Change[string]{Old: "a", Had: true, New: "b", Has: true}, 3)
	require.Equal(t, []string{"g=-~1", "g=+a~7", "g=+a-a+b~7"}, b.take())
}

// sides makes an outer join of two streams.
func sides(b *bench, w JoinWindow) (left, right Sink[string, string]) {
	spec := store.Spec{
		Name: "side", Kind: store.KindWindow, RetainDuplicates: true, WindowSize: time.Second,
		Retention: time.Duration(w.Before+w.After+w.Grace) * time.Millisecond,
	}
	open := func() *store.Window[string, string] {
		st, err := store.NewWindow(engineOf(b.t, spec), spec, serde.String, serde.String)
		require.NoError(b.t, err)
		return st
	}
	shared := store.Spec{Name: "shared", Kind: store.KindList}
	held, err := store.NewList(engineOf(b.t, shared), shared, format.JoinKeys(serde.String), format.SidedValues(serde.String, serde.String))
	require.NoError(b.t, err)
	l, r, clock, out := open(), open(), NewJoinClock(), collect[string, string](b)
	join := func(_ string, l, r record.Opt[string]) string { return l.V + "+" + r.V }
	u := NewUnjoined(&b.env, held, w, clock, serde.String, join, out)
	left = StreamJoin(&b.env, JoinSide[string, string, string, string]{
		Other: r, Window: w, Clock: clock, Outer: true, Hold: u.HoldLeft, Met: u.MetRight, Release: u.Release,
		Join: func(_, v string, o record.Opt[string]) string { return v + "+" + o.V },
	}, out)
	right = StreamJoin(&b.env, JoinSide[string, string, string, string]{
		Other: l, Window: w.Swap(), Clock: clock, Outer: true, Hold: u.HoldRight, Met: u.MetLeft, Release: u.Release,
		Join: func(_, v string, o record.Opt[string]) string { return o.V + "+" + v },
	}, out)
	return JoinKept(&b.env, l, left), JoinKept(&b.env, r, right)
}

func TestOuterJoinOfStreams(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	left, right := sides(b, JoinWindow{Before: 10, After: 10, Grace: 5})
	require.NoError(t, left(rec("a", "l1", 0)))
	require.NoError(t, right(rec("b", "r1", 2)))
	require.Empty(t, b.take(), "both wait")
	require.NoError(t, right(rec("a", "r2", 8)))
	require.Equal(t, []string{"a=l1+r2~8"}, b.take())
	require.NoError(t, left(rec("c", "l2", 30)))
	require.Equal(t, []string{"b=+r1~2"}, b.take(), "what met is not sent again")
	require.NoError(t, right(rec("d", "late", 3)))
	require.Equal(t, []string{"d=+late~3"}, b.take(), "a late one does not wait")
	keyless := rec("", "l3", 31)
	keyless.NoKey = true
	require.NoError(t, left(keyless))
	require.Equal(t, []string{"-=l3+~31"}, b.take())
	gone := rec("a", "", 32)
	gone.Null = true
	require.NoError(t, left(gone))
	require.Equal(t, []string{SkipNullValue}, b.skipped)
}

func TestVersionedRowsTellWhatIsStale(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	spec := store.Spec{Name: "v", Kind: store.KindVersioned, History: 100 * time.Millisecond}
	st, err := store.NewVersioned(engineOf(t, spec), spec, serde.String, serde.String)
	require.NoError(t, err)
	rows := VersionedRows[string, string]{View: st}
	var stale []bool
	s := VersionedTableSource(&b.env, rows, func(r *record.Record[string, Change[string]]) error {
		stale = append(stale, r.Value.Stale)
		return nil
	})
	for _, ms := range []int64{200, 150, 20} {
		require.NoError(t, s(rec("k", "v", ms)))
	}
	require.Equal(t, []bool{false, true}, stale)
	require.Equal(t, []string{SkipLate}, b.skipped, "older than the history")
	_, from, ok, err := rows.AsOf("k", 160)
	require.NoError(t, err)
	require.True(t, ok)
	require.EqualValues(t, 150, from)
}

func TestJoinTableLaterWaits(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	spec := store.Spec{Name: "g", Kind: store.KindGraceBuffer, Retention: 10 * time.Millisecond}
	held, err := store.NewGraceBuffer(engineOf(t, spec), spec, serde.String, serde.String)
	require.NoError(t, err)
	row := "before"
	get := func(string, int64) (string, int64, bool, error) { return row, 0, true, nil }
	f := func(_, v string, o record.Opt[string]) string { return v + "+" + o.V }
	s := JoinTableLater(&b.env, held, get, true, f, collect[string, string](b))
	require.NoError(t, s(rec("k", "v", 5)))
	require.Empty(t, b.take())
	row = "after"
	require.NoError(t, s(rec("k", "w", 15)))
	require.Equal(t, []string{"k=v+after~5"}, b.take())
	require.NoError(t, s(rec("k", "late", 1)))
	require.Equal(t, []string{"k=late+after~1"}, b.take())
	keyless := rec("", "v", 20)
	keyless.NoKey = true
	require.ErrorIs(t, s(keyless), errNullKey)
}

func TestSuppressHoldsEmitsAndFails(t *testing.T) {
	t.Parallel()
	spec := store.Spec{Name: "b", Kind: store.KindBuffer}
	suppressed := func(bounds Bounds) (*bench, Sink[string, string]) {
		b := newBench(t)
		buffer, err := store.NewBuffer(engineOf(t, spec), spec, serde.String, serde.String)
		require.NoError(t, err)
		at := func(_ string, ms int64) int64 { return ms }
		return b, TableSource(&b.env, nil, Suppress(&b.env, buffer, bounds, at, false, toStream[string](b)))
	}
	b, s := suppressed(Bounds{Wait: 10, Records: -1, Bytes: -1})
	require.NoError(t, s(rec("a", "1", 0)))
	require.NoError(t, s(rec("a", "2", 5)))
	require.Empty(t, b.take())
	require.NoError(t, s(rec("b", "3", 10)))
	require.Equal(t, []string{"a=2~5"}, b.take())

	b, s = suppressed(Bounds{Wait: 10, Records: 1, Bytes: -1})
	require.NoError(t, s(rec("a", "1", 0)))
	require.NoError(t, s(rec("b", "2", 1)))
	require.Equal(t, []string{"a=1~0"}, b.take(), "the oldest goes early")

	_, s = suppressed(Bounds{Wait: 10, Records: 1, Bytes: -1, Fail: true})
	require.NoError(t, s(rec("a", "1", 0)))
	var full *BufferFullError
	require.ErrorAs(t, s(rec("b", "2", 1)), &full)
	require.Equal(t, 2, full.Records)
}

func TestTableOperatorsDoNotAllocate(t *testing.T) {
	b := newBench(t)
	env := &b.env
	get := func(string) (int64, int64, bool, error) { return 1, 0, true, nil }
	sum := func(_ string, l, r record.Opt[int64]) int64 { return l.V + r.V }
	key := func(k string, v int64) (string, int64) { return k, v }
	rows := PlainRows[string, int64]{View: tableStore(t, serde.Int64)}
	next := drop[string, Change[int64]]
	add := func(_ string, v, acc int64) int64 { return acc + v }
	for name, s := range map[string]Sink[string, Change[int64]]{
		"join":      TableJoin(env, get, Sides{true, true}, true, sum, next),
		"regroup":   Regroup(env, key, serde.String, next),
		"kept":      TableStep(env, MapRows(func(_ string, v int64) int64 { return v }), Step[string, int64]{Keep: Keep[string, int64]{Rows: rows, Olds: true}}, next),
		"aggregate": TableAggregate(env, Keep[string, int64]{Rows: rows}, func() int64 { return 0 }, add, add, next),
	} {
		r := &record.Record[string, Change[int64]]{Key: "k", Value: Change[int64]{New: 1, Old: 2, Has: true, Had: true}, Headers: record.NewHeaders()}
		require.NoError(t, s(r))
		require.Zero(t, testing.AllocsPerRun(100, func() { _ = s(r) }), name)
	}
}
