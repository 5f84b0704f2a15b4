package node

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams/record"
	"github.com/millrace/millrace/streams/serde"
)

func deleted(k string, ts int64) *record.Record[string, string] {
	r := rec(k, "", ts)
	r.Null = true
	return r
}

func TestFanKeepsOrderAndStopsAtAnError(t *testing.T) {
	t.Parallel()
	var calls []string
	child := func(name string, err error) Sink[string, string] {
		return func(*record.Record[string, string]) error { calls = append(calls, name); return err }
	}
	fault := errors.New("fault")
	s := Fan([]Sink[string, string]{child("a", nil), child("b", fault), child("c", nil)})
	require.ErrorIs(t, s(rec("k", "v", 1)), fault)
	require.Equal(t, []string{"a", "b"}, calls)
	require.NoError(t, Fan[string, string](nil)(rec("k", "v", 1)))
}

func TestFilterBothWays(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	isA := func(k, v string) bool { return v == "a" }
	yes, no := Filter(isA, false, collect[string, string](b)), Filter(isA, true, collect[string, string](b))
	require.NoError(t, yes(rec("k", "a", 1)))
	require.NoError(t, yes(rec("k", "b", 2)))
	require.NoError(t, no(rec("k", "a", 3)))
	require.NoError(t, no(rec("k", "b", 4)))
	require.NoError(t, yes(deleted("k", 5)), "a deletion passes unasked")
	require.Equal(t, []string{"k=a~1", "k=b~4", "k=-~5"}, b.take())
}

// TestNullsWithoutANull: what V cannot show passes mappings of values, and is
// counted by steps that need the value.
func TestNullsWithoutANull(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	never := func(string) string { t.Error("called for a null"); return "" }
	require.NoError(t, MapValues(&b.env, never, collect[string, string](b))(deleted("k", 1)))
	require.Equal(t, []string{"k=-~1"}, b.take())

	key := func(_, v string) string { return never(v) }
	pair := func(_, v string) (string, string) { return never(v), v }
	many := func(v string) []string { return []string{never(v)} }
	all := func(_, v string, yield func(string, string)) { yield(never(v), v) }
	for _, s := range []Sink[string, string]{
		SelectKey(&b.env, key, collect[string, string](b)),
		Map(&b.env, pair, collect[string, string](b)),
		FlatMapValues(&b.env, many, collect[string, string](b)),
		FlatMap(&b.env, all, collect[string, string](b)),
		ForEach(&b.env, func(_, v string) { never(v) }),
	} {
		b.skipped = nil
		require.NoError(t, s(deleted("k", 1)))
		require.Equal(t, []string{SkipNullValue}, b.skipped)
	}
	require.Empty(t, b.take())
}

// TestNullsOfPointers: user functions see nil and make nil.
func TestNullsOfPointers(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	flip := func(v *string) *string {
		if v == nil {
			return ptr("was nil")
		}
		return nil
	}
	s := MapValues(&b.env, flip, collect[string, *string](b))
	r := rec[*string]("k", nil, 1)
	r.Null = true
	require.NoError(t, s(r))
	require.NoError(t, s(rec("k", ptr("x"), 2)))
	require.Equal(t, []string{"k=was nil~1", "k=-~2"}, b.take())
}

func TestMappings(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	run := func(s Sink[string, string], want ...string) {
		t.Helper()
		r := rec("k", "a b", 7)
		require.NoError(t, s(r))
		require.Equal(t, want, b.take())
		require.Equal(t, "k", r.Key, "a record that came in is never changed")
	}
	run(MapValues(&b.env, strings.ToUpper, collect[string, string](b)), "k=A B~7")
	run(MapValuesKeyed(&b.env, func(k, v string) int { return len(k) + len(v) }, collect[string, int](b)), "k=4~7")
	run(Map(&b.env, func(k, v string) (string, string) { return v, k }, collect[string, string](b)), "a b=k~7")
	run(SelectKey(&b.env, func(_, v string) string { return v[:1] }, collect[string, string](b)), "a=a b~7")
	run(FlatMapValues(&b.env, strings.Fields, collect[string, string](b)), "k=a~7", "k=b~7")
	both := func(k, v string, yield func(string, int)) { yield(k, 1); yield(v, 2) }
	run(FlatMap(&b.env, both, collect[string, int](b)), "k=1~7", "a b=2~7")
	nilKey := func(_, _ string) *string { return nil }
	run(SelectKey(&b.env, nilKey, collect[*string, string](b)), "-=a b~7")
}

func TestSelectKeyRescuesRecordsWithoutKey(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := rec("", "v", 1)
	r.NoKey = true
	keyed := SelectKey(&b.env, func(_, v string) string { return v }, collect[string, string](b))
	require.NoError(t, keyed(r))
	require.NoError(t, DropNullKeys(&b.env, collect[string, string](b))(r))
	require.NoError(t, DropNullKeys(&b.env, collect[string, string](b))(rec("k", "v", 2)))
	require.Equal(t, []string{"v=v~1", "k=v~2"}, b.take())
	require.Equal(t, []string{SkipNullKey}, b.skipped)
}

// TestFlatteningStopsAtAnError: the sink is not called again.
func TestFlatteningStopsAtAnError(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	fault, calls := errors.New("full"), 0
	full := func(*record.Record[string, string]) error { calls++; return fault }
	require.ErrorIs(t, FlatMapValues(&b.env, strings.Fields, full)(rec("k", "a b c", 1)), fault)
	require.Equal(t, 1, calls)
	three := func(k, v string, yield func(string, string)) { yield(k, v); yield(k, v); yield(k, v) }
	require.ErrorIs(t, FlatMap(&b.env, three, full)(rec("k", "a", 1)), fault)
	require.Equal(t, 2, calls)
}

func TestPeekSeesEverythingAndForEachEnds(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var seen []string
	peek := Peek(&b.env, func(r record.Record[string, string]) { seen = append(seen, show(r.Value, r.Null)) }, collect[string, string](b))
	require.NoError(t, peek(rec("k", "v", 1)))
	require.NoError(t, peek(deleted("k", 2)))
	require.Equal(t, []string{"v", "-"}, seen)
	require.Len(t, b.take(), 2)
	require.NoError(t, ForEach(&b.env, func(k, v string) { seen = append(seen, k+v) })(rec("k", "x", 3)))
	require.Equal(t, "kx", seen[2])
}

// TestHeadersAmongSiblings: an Add in the first child is seen by the third, one
// below a mapping is not.
func TestHeadersAmongSiblings(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	add := func(r *record.Record[string, string]) error { r.Headers.Add("x", nil); return nil }
	s := Fan([]Sink[string, string]{
		add,
		MapValues(&b.env, strings.ToUpper, Fan([]Sink[string, string]{add, collect[string, string](b)})),
		collect[string, string](b),
	})
	r := rec("k", "v", 1)
	require.NoError(t, MapValues(&b.env, strings.ToUpper, s)(r))
	require.Equal(t, []int{2, 1}, b.headers)
	require.Zero(t, r.Headers.Len(), "nothing goes up")
}

func TestTableMapValuesAndDeletions(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	short := func(v string) *string {
		if len(v) > 2 {
			return nil
		}
		return &v
	}
	var changes []Change[*string]
	keep := func(r *record.Record[string, Change[*string]]) error { changes = append(changes, r.Value); return nil }
	s := TableSource(&b.env, tableStore(t, serde.String), mapTable(&b.env, short, keep))
	require.NoError(t, s(rec("k", "ab", 1)))
	require.NoError(t, s(rec("k", "abc", 2)))
	require.NoError(t, s(deleted("k", 3)))
	require.Equal(t, []Change[*string]{
		{New: ptr("ab"), Has: true},
		{Old: ptr("ab"), Had: true}, // nil deletes
		{},                          // the old row was no row
	}, changes)
}

func TestTableFilterNegated(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	isA := func(_, v string) bool { return v == "a" }
	s := TableSource(&b.env, tableStore(t, serde.String), filterTable(&b.env, isA, true, true, toStream[string](b)))
	require.NoError(t, s(rec("k", "a", 1)))
	require.NoError(t, s(rec("k", "b", 2)))
	require.NoError(t, s(rec("k", "a", 3)))
	require.NoError(t, s(rec("k", "a", 4)))
	require.Equal(t, []string{"k=b~2", "k=-~3"}, b.take())
}

// TestJoinSendsErrorsOfTheTable up.
func TestJoinSendsErrorsOfTheTable(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	fault := errors.New("disk")
	get := func(string) (string, int64, bool, error) { return "", 0, false, fault }
	f := func(_, l string, r record.Opt[string]) string { return l + r.V }
	require.ErrorIs(t, JoinTable(&b.env, get, true, f, collect[string, string](b))(rec("k", "v", 1)), fault)
}
