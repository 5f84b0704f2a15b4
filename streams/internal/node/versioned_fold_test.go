package node

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams/serde"
)

func versionedRows(t testing.TB, history time.Duration) VersionedRows[string, string] {
	spec := store.Spec{Name: "v", Kind: store.KindVersioned, History: history}
	view, err := store.NewVersioned(engineOf(t, spec), spec, serde.String, serde.String)
	require.NoError(t, err)
	return VersionedRows[string, string]{View: view}
}

// TestVersionedFold: an aggregate has the latest time of what it is made of, and is
// found as of its times; one that slept too long is not kept.
func TestVersionedFold(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	rows := versionedRows(t, 10*time.Millisecond)
	s := VersionedFold(&b.env, rows, ReduceRule[string](func(a, v string) string { return a + v }), toStream[string](b))
	require.NoError(t, s(rec("k", "a", 5)))
	require.NoError(t, s(rec("k", "b", 9)))
	require.NoError(t, s(rec("k", "c", 6)), "late")
	require.Equal(t, []string{"k=a~5", "k=ab~9", "k=abc~9"}, b.take())
	v, _, ok, err := rows.AsOf("k", 8)
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, "a", v)
	require.NoError(t, s(rec("other", "x", 30)))
	require.NoError(t, s(rec("k", "d", 7)))
	require.Equal(t, []string{"other=x~30"}, b.take())
	require.Equal(t, []string{SkipLate}, b.skipped)
	require.NoError(t, s(deleted("k", 40)))
	require.Equal(t, []string{SkipLate, SkipNullValue}, b.skipped)
}

// TestVersionedFoldDeletes where the aggregator returns nil, and begins anew.
func TestVersionedFoldDeletes(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	spec := store.Spec{Name: "v", Kind: store.KindVersioned, History: time.Second}
	view, err := store.NewVersioned(engineOf(t, spec), spec, serde.String, texts)
	require.NoError(t, err)
	add := func(_, v string, acc *string) *string {
		if v == "x" {
			return nil
		}
		return ptr(text(acc) + v)
	}
	s := VersionedFold(&b.env, VersionedRows[string, *string]{View: view}, AggregateRule(func() *string { return ptr("") }, add), toStream[*string](b))
	for i, v := range []string{"a", "x", "b"} {
		require.NoError(t, s(rec("k", v, int64(i))))
	}
	require.Equal(t, []string{"k=a~0", "k=-~1", "k=b~2"}, b.take())
}
