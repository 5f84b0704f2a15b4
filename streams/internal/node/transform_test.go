package node

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams/record"
	"github.com/millrace/millrace/streams/serde"
)

// numbered appends the number of the call; what is not there becomes "none".
func numbered() Transform[string, string, string] {
	calls := 0
	return func(_ string, v record.Opt[string]) (record.Opt[string], error) {
		calls++
		if !v.OK {
			v.V = "none"
		}
		return record.Some(fmt.Sprintf("%s#%d", v.V, calls)), nil
	}
}

// written writes down both sides of changes.
func written(b *bench) Sink[string, Change[string]] {
	return func(r *record.Record[string, Change[string]]) error {
		b.out = append(b.out, fmt.Sprintf("%s:%v %s:%v", r.Value.New, r.Value.Has, r.Value.Old, r.Value.Had))
		return nil
	}
}

func change(c Change[string]) *record.Record[string, Change[string]] {
	return &record.Record[string, Change[string]]{Key: "k", Value: c, Time: 5, Headers: record.NewHeaders()}
}

// TestTransformSeesBothSides: the new one first, and the old one only if it is asked for
// and not kept.
func TestTransformSeesBothSides(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := TransformRows(&b.env, numbered(), Keep[string, string]{Olds: true}, written(b))
	require.NoError(t, s(change(Change[string]{New: "a", Has: true})))
	require.NoError(t, s(change(Change[string]{Old: "a", Had: true})))
	require.Equal(t, []string{"a#1:true none#2:true", "none#3:true a#4:true"}, b.take())

	s = TransformRows(&b.env, numbered(), Keep[string, string]{}, written(b))
	require.NoError(t, s(change(Change[string]{New: "a", Has: true, Old: "z", Had: true})))
	require.Equal(t, []string{"a#1:true :false"}, b.take(), "nobody asks")

	rows := PlainRows[string, string]{View: tableStore(t, serde.String)}
	s = TransformRows(&b.env, numbered(), Keep[string, string]{Rows: rows, Olds: true}, written(b))
	require.NoError(t, s(change(Change[string]{New: "a", Has: true})))
	require.NoError(t, s(change(Change[string]{New: "b", Has: true, Old: "a", Had: true})))
	require.Equal(t, []string{"a#1:true :false", "b#2:true a#1:true"}, b.take(), "what was kept is the old side")
}

func TestTransformMakesDeletions(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	none := func(string, record.Opt[string]) (record.Opt[*string], error) {
		return record.Opt[*string]{OK: true}, nil
	}
	s := TransformRows(&b.env, none, Keep[string, *string]{}, func(r *record.Record[string, Change[*string]]) error {
		require.False(t, r.Value.Has, "nil is no row")
		return nil
	})
	require.NoError(t, s(change(Change[string]{New: "a", Has: true})))
	broken := errors.New("broken")
	fails := func(string, record.Opt[string]) (none record.Opt[string], err error) { return none, broken }
	require.ErrorIs(t, TransformRows(&b.env, fails, Keep[string, string]{}, written(b))(change(Change[string]{})), broken)
}

func TestTransformedLookup(t *testing.T) {
	t.Parallel()
	get := Transformed(func(k string) (string, int64, bool, error) { return k, 7, k == "k", nil }, numbered())
	v, at, ok, err := get("k")
	require.NoError(t, err)
	require.Equal(t, []any{"k#1", int64(7), true}, []any{v, at, ok})
	v, at, ok, _ = get("other")
	require.Equal(t, []any{"none#2", int64(-1), true}, []any{v, at, ok})
	broken := errors.New("broken")
	_, _, ok, err = Transformed(func(string) (string, int64, bool, error) { return "", 0, true, broken }, numbered())("k")
	require.ErrorIs(t, err, broken)
	require.False(t, ok)
}
