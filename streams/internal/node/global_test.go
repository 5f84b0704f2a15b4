package node

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams/record"
	"github.com/millrace/millrace/streams/serde"
)

// globalRows is a table of one row, "fr".
func globalRows(k string) (string, int64, bool, error) {
	if k != "fr" {
		return "", 0, false, nil
	}
	return "France", 3, true, nil
}

func withName(_, v string, row record.Opt[string]) string { return v + "/" + row.V }

func TestGlobalTableKeepsTheLast(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	st := tableStore(t, serde.String)
	s := GlobalTable(&b.env, st)
	require.NoError(t, s(rec("k", "new", 9)))
	require.NoError(t, s(rec("k", "old", 3)))
	v, at, ok, err := st.Get("k")
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, "old", v, "the last one, whatever its time")
	require.EqualValues(t, 3, at)
	require.NoError(t, s(deleted("k", 10)))
	_, _, ok, _ = st.Get("k")
	require.False(t, ok)
	noKey := rec("", "v", 1)
	noKey.NoKey = true
	require.NoError(t, s(noKey))
	require.Equal(t, []string{SkipNullKey}, b.skipped)
}

func TestJoinGlobal(t *testing.T) {
	t.Parallel()
	byValue := func(_, v string) string { return v }
	for _, left := range []bool{false, true} {
		b := newBench(t)
		s := JoinGlobal(&b.env, globalRows, byValue, left, withName, collect[string, string](b))
		noKey := rec("", "fr", 4)
		noKey.NoKey = true
		require.NoError(t, s(rec("a", "fr", 1)))
		require.NoError(t, s(rec("b", "xx", 2)))
		require.NoError(t, s(deleted("c", 3)))
		require.NoError(t, s(noKey))
		want := []string{"a=fr/France~1", "-=fr/France~4"}
		if left {
			want = []string{"a=fr/France~1", "b=xx/~2", "-=fr/France~4"}
		}
		require.Equal(t, want, b.take())
		require.Equal(t, []string{SkipNullValue}, b.skipped, "a missing row is not counted")
	}
}

// TestJoinGlobalWithoutAKeyToLookFor: an inner join counts it, a left one sends it.
func TestJoinGlobalWithoutAKeyToLookFor(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	get := func(*string) (string, int64, bool, error) { t.Error("looked up"); return "", 0, false, nil }
	none := func(_, _ string) *string { return nil }
	require.NoError(t, JoinGlobal(&b.env, get, none, false, withName, collect[string, string](b))(rec("k", "v", 1)))
	require.Equal(t, []string{SkipNullKey}, b.skipped)
	require.NoError(t, JoinGlobal(&b.env, get, none, true, withName, collect[string, string](b))(rec("k", "v", 1)))
	require.Equal(t, []string{"k=v/~1"}, b.take())
}

func TestJoinGlobalPassesErrorsOn(t *testing.T) {
	t.Parallel()
	fault := errors.New("fault")
	get := func(string) (string, int64, bool, error) { return "", 0, false, fault }
	s := JoinGlobal(&newBench(t).env, get, func(k, _ string) string { return k }, true, withName, drop[string, string])
	require.ErrorIs(t, s(rec("k", "v", 1)), fault)
}

func TestGlobalOperatorsAllocateNothing(t *testing.T) {
	b := newBench(t)
	get := func(string) (int64, int64, bool, error) { return 1, 0, true, nil }
	key := func(k string, _ int64) string { return k[:1] }
	for name, s := range map[string]Sink[string, int64]{
		"table": GlobalTable(&b.env, tableStore(t, serde.Int64)),
		"join":  JoinGlobal(&b.env, get, key, true, func(_ string, l int64, r record.Opt[int64]) int64 { return l + r.V }, drop[string, int64]),
	} {
		r := rec[int64]("key", 7, 120)
		require.NoError(t, s(r))
		require.Zero(t, testing.AllocsPerRun(100, func() { _ = s(r) }), name)
	}
}
