package store_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store"
)

func versionsOver(t *testing.T, e store.Engine, history time.Duration) *store.Versioned[string, string] {
	t.Helper()
	v, err := store.NewVersioned(e, versionedSpec(history), text{}, text{})
	require.NoError(t, err)
	return v
}

func versionedSpec(history time.Duration) store.Spec {
	return store.Spec{Name: "v", Kind: store.KindVersioned, History: history}
}

// asOf is the value as of a time, "-" if there is none.
func asOf(t *testing.T, v *store.Versioned[string, string], key string, at int64) string {
	t.Helper()
	got, ok, err := v.GetAsOf(key, at)
	require.NoError(t, err)
	if !ok {
		return "-"
	}
	return got.Value
}

// What Kafka Streams' versioned store answered in the runs of its own test driver.
func TestVersionedPutReturnsValidTo(t *testing.T) {
	t.Parallel()
	v := versionsOver(t, engineOf(t, versionedSpec(0)), 100*time.Millisecond)
	for _, c := range []struct {
		value string
		ts    int64
		want  int64
	}{
		{"1", 10, store.ValidToUndefined}, {"2", 20, store.ValidToUndefined}, {"3", 15, 20},
		{"4", 200, store.ValidToUndefined}, {"5", 50, store.NotPut},
	} {
		got, err := v.Put("a", c.value, c.ts)
		require.NoError(t, err)
		require.Equal(t, c.want, got, c.value)
	}
	got, err := v.PutNull("a", 150)
	require.NoError(t, err)
	require.EqualValues(t, 200, got)
	latest, ok, err := v.Get("a")
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, store.Version[string]{Value: "4", From: 200, To: store.ValidToUndefined}, latest)
}

func TestVersionedDeleteReturnsTheOld(t *testing.T) {
	t.Parallel()
	v := versionsOver(t, engineOf(t, versionedSpec(0)), 100*time.Millisecond)
	for value, ts := range map[string]int64{"1": 10, "2": 20} {
		_, err := v.Put("a", value, ts)
		require.NoError(t, err)
	}
	old, ok, err := v.Delete("a", 15)
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, "1", old.Value)
	old, ok, err = v.Delete("a", 30)
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, "2", old.Value)
	_, ok, err = v.Delete("a", 5)
	require.NoError(t, err)
	require.False(t, ok)

	require.Equal(t, "1", asOf(t, v, "a", 12))
	require.Equal(t, "-", asOf(t, v, "a", 17))
	require.Equal(t, "2", asOf(t, v, "a", 22))
	_, ok, err = v.Get("a")
	require.NoError(t, err)
	require.False(t, ok)
	require.Empty(t, collect(t, v.All()))
}

func TestVersionedHistoryExpires(t *testing.T) {
	t.Parallel()
	v := versionsOver(t, engineOf(t, versionedSpec(0)), 10*time.Millisecond)
	for i, ts := range []int64{0, 5, 12} {
		_, err := v.Put("a", string(rune('1'+i)), ts)
		require.NoError(t, err)
	}
	_, err := v.Put("b", "x", 20)
	require.NoError(t, err)
	for at, want := range map[int64]string{0: "-", 4: "-", 5: "-", 9: "-", 10: "2", 11: "2", 12: "3", 20: "3"} {
		require.Equal(t, want, asOf(t, v, "a", at), at)
	}
	ms, ok, err := v.StreamTime()
	require.NoError(t, err)
	require.True(t, ok)
	require.EqualValues(t, 20, ms)
}

// The latest version stays however old it is, and can be asked for.
func TestVersionedLatestStays(t *testing.T) {
	t.Parallel()
	v := versionsOver(t, engineOf(t, versionedSpec(0)), 10*time.Millisecond)
	_, err := v.Put("old", "x", 1)
	require.NoError(t, err)
	_, err = v.Put("new", "y", 1_000_000)
	require.NoError(t, err)
	require.Equal(t, "x", asOf(t, v, "old", 5))
	require.Equal(t, "-", asOf(t, v, "old", 0))
	require.Len(t, collect(t, v.All()), 2)
	require.Equal(t, []store.Version[string]{{Value: "x", From: 1, To: store.ValidToUndefined}},
		collect(t, v.History("old", math.MinInt64, math.MaxInt64)))
}

// What nobody can ask for any more leaves the engine, a little with each put.
func TestVersionedForgetsBytes(t *testing.T) {
	t.Parallel()
	e := engineOf(t, versionedSpec(0))
	v := versionsOver(t, e, 10*time.Millisecond)
	for ts := range int64(1000) {
		_, err := v.Put("k", "v", ts)
		require.NoError(t, err)
		require.LessOrEqual(t, keysIn(t, e), 2*12+2)
	}
	_, err := v.PutNull("k", 1000)
	require.NoError(t, err)
	for ts := int64(2000); ts < 2040; ts++ {
		_, err := v.Put("other", "v", ts)
		require.NoError(t, err)
	}
	require.LessOrEqual(t, keysIn(t, e), 2*12+2, "a deletion is forgotten too")
	require.Len(t, collect(t, v.All()), 1)
}

// A view made over a filled store goes on where the last one was.
func TestVersionedRecallsItsTime(t *testing.T) {
	t.Parallel()
	e := engineOf(t, versionedSpec(0))
	_, err := versionsOver(t, e, 10*time.Millisecond).Put("a", "1", 100)
	require.NoError(t, err)
	got, err := versionsOver(t, e, 10*time.Millisecond).Put("b", "2", 89)
	require.NoError(t, err)
	require.Equal(t, store.NotPut, got)
}

func TestVersionedFaults(t *testing.T) {
	t.Parallel()
	_, err := store.NewVersioned(nil, kvSpec, text{}, text{})
	require.ErrorContains(t, err, "not a versioned store")
	e := engineOf(t, versionedSpec(0))
	v := versionsOver(t, e, 0)
	require.NoError(t, e.Put([]byte("k\x00\x0101234567"), nil))
	_, _, err = v.Get("k")
	require.ErrorIs(t, err, store.ErrCorrupt)
	require.ErrorIs(t, lastError(v.All()), store.ErrCorrupt)
	require.NoError(t, e.Put([]byte("\x00\x00short"), nil))
	_, err = versionsOver(t, e, 0).Put("k", "v", 1)
	require.ErrorIs(t, err, store.ErrCorrupt)

	for _, b := range [][]byte{nil, {}, {7}, {0, 1}} {
		_, err := store.LoggedVersion(b)
		require.ErrorIs(t, err, store.ErrCorrupt)
	}
	for _, value := range [][]byte{nil, {}, []byte("v")} {
		back, err := store.LoggedVersion(store.AppendLoggedVersion(nil, value))
		require.NoError(t, err)
		require.Equal(t, value, back)
	}
	bare, err := store.NewVersioned(e, versionedSpec(0), bad{}, bad{})
	require.NoError(t, err)
	_, err = bare.Put("k", "v", 1)
	require.ErrorIs(t, err, errBad)
	_, _, err = bare.Get("k")
	require.ErrorIs(t, err, errBad)
}
