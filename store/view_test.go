package store_test

import (
	"encoding/binary"
	"errors"
	"iter"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/memstore"
)

// text and long stand in for the serdes of package serde.
type text struct{}

func (text) Append(dst []byte, v string) ([]byte, error) { return append(dst, v...), nil }
func (text) Decode(b []byte) (string, error)             { return string(b), nil }

type long struct{}

var errNotLong = errors.New("not a long")

func (long) Append(dst []byte, v int64) ([]byte, error) {
	return binary.BigEndian.AppendUint64(dst, uint64(v)), nil
}

func (long) Decode(b []byte) (int64, error) {
	if len(b) != 8 {
		return 0, errNotLong
	}
	return int64(binary.BigEndian.Uint64(b)), nil
}

// bad cannot encode anything.
type bad struct{ text }

var errBad = errors.New("will not")

func (bad) Append(dst []byte, _ string) ([]byte, error) { return nil, errBad }

var (
	kvSpec     = store.Spec{Name: "kv", Kind: store.KindKeyValue}
	timedSpec  = store.Spec{Name: "timed", Kind: store.KindKeyValue, Timestamped: true}
	windowSpec = store.Spec{
		Name: "windows", Kind: store.KindWindow, Timestamped: true,
		WindowSize: 10 * time.Second, Retention: 5 * time.Minute,
	}
	sessionSpec = store.Spec{Name: "sessions", Kind: store.KindSession, Retention: 5 * time.Minute}
)

func engineOf(t testing.TB, spec store.Spec) store.Engine {
	t.Helper()
	e, err := memstore.New().Engine(spec)
	require.NoError(t, err)
	return e
}

// collect drains a sequence that must not fail.
func collect[E any](t testing.TB, seq iter.Seq2[E, error]) (out []E) {
	t.Helper()
	for e, err := range seq {
		require.NoError(t, err)
		out = append(out, e)
	}
	return out
}

// lastError is the error that ends a sequence.
func lastError[E any](seq iter.Seq2[E, error]) (last error) {
	for _, err := range seq {
		last = err
	}
	return last
}

func TestKVKeepsAndOrders(t *testing.T) {
	t.Parallel()
	kv := store.NewKV[string, int64](engineOf(t, kvSpec), text{}, long{})
	for i, k := range []string{"b", "a", "c", ""} {
		require.NoError(t, kv.Put(k, int64(i)))
	}
	require.NoError(t, kv.Delete("b"))
	require.NoError(t, kv.Delete("never there"))

	v, ok, err := kv.Get("a")
	require.NoError(t, err)
	require.True(t, ok)
	require.EqualValues(t, 1, v)
	_, ok, err = kv.Get("b")
	require.NoError(t, err)
	require.False(t, ok)

	type entry = store.Entry[string, int64]
	all := []entry{{"", 3}, {"a", 1}, {"c", 2}}
	require.Equal(t, all, collect(t, kv.All()))
	require.Equal(t, []entry{all[2], all[1], all[0]}, collect(t, kv.ReverseAll()))
	require.Equal(t, all[1:], collect(t, kv.Range("a", "c")), "both bounds are included")
	require.Equal(t, []entry{all[1], all[0]}, collect(t, kv.ReverseRange("", "bb")))
	require.Empty(t, collect(t, kv.Range("c", "a")))
}

func TestTimestampedKVKeepsTimes(t *testing.T) {
	t.Parallel()
	kv := store.NewTimestampedKV[string, int64](engineOf(t, timedSpec), text{}, long{})
	require.NoError(t, kv.Put("a", 1, 100))
	require.NoError(t, kv.Put("b", 2, -5))
	require.NoError(t, kv.Put("a", 3, 90))
	require.NoError(t, kv.Put("gone", 3, 90))
	require.NoError(t, kv.Delete("gone"))

	v, ts, ok, err := kv.Get("b")
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, []int64{2, -5}, []int64{v, ts})

	type entry = store.TimestampedEntry[string, int64]
	require.Equal(t, []entry{{"a", 3, 90}, {"b", 2, -5}}, collect(t, kv.All()))
	require.Equal(t, []entry{{"b", 2, -5}, {"a", 3, 90}}, collect(t, kv.ReverseAll()))
	require.Equal(t, []entry{{"b", 2, -5}}, collect(t, kv.Range("b", "z")))
	require.Equal(t, []entry{{"a", 3, 90}}, collect(t, kv.ReverseRange("", "a")))
}

// A loop may read the store, and even loop over it again.
func TestLoopsNest(t *testing.T) {
	t.Parallel()
	kv := store.NewKV[string, int64](engineOf(t, kvSpec), text{}, long{})
	for i, k := range []string{"a", "b", "c"} {
		require.NoError(t, kv.Put(k, int64(i)))
	}
	var seen string
	for outer, err := range kv.Range("a", "c") {
		require.NoError(t, err)
		for inner, err := range kv.Range("b", "c") {
			require.NoError(t, err)
			_, ok, err := kv.Get("a")
			require.NoError(t, err)
			require.True(t, ok)
			seen += outer.Key + inner.Key + " "
		}
	}
	require.Equal(t, "ab ac bb bc cb cc ", seen)
	for range kv.All() {
		break // leaving early must not end in an error
	}
}

func TestSerdeFaultsAreErrors(t *testing.T) {
	t.Parallel()
	e := engineOf(t, timedSpec)
	keyless := store.NewTimestampedKV[string, int64](e, bad{}, long{})
	_, _, _, err := keyless.Get("k")
	require.ErrorIs(t, err, errBad)
	require.ErrorIs(t, keyless.Put("k", 1, 1), errBad)
	require.ErrorIs(t, keyless.Delete("k"), errBad)
	require.ErrorIs(t, lastError(keyless.Range("a", "b")), errBad)

	valueless := store.NewTimestampedKV[string, string](e, text{}, bad{})
	require.ErrorIs(t, valueless.Put("k", "v", 1), errBad)

	require.NoError(t, e.Put([]byte("k"), []byte("short")))
	kv := store.NewTimestampedKV[string, int64](e, text{}, long{})
	_, _, ok, err := kv.Get("k")
	require.ErrorIs(t, err, store.ErrCorrupt)
	require.False(t, ok)
	require.ErrorIs(t, lastError(kv.All()), store.ErrCorrupt)

	require.NoError(t, e.Put([]byte("k"), []byte("01234567 not eight bytes")))
	require.ErrorIs(t, lastError(kv.All()), errNotLong)
}

// The record path allocates nothing.
func TestNoAllocations(t *testing.T) {
	kv := store.NewTimestampedKV[string, int64](engineOf(t, timedSpec), text{}, long{})
	require.NoError(t, kv.Put("key", 1, 1))
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		v, ts, _, _ := kv.Get("key")
		_ = kv.Put("key", v+1, ts+1)
	}))
	w, err := store.NewWindow[string, int64](engineOf(t, windowSpec), windowSpec, text{}, long{})
	require.NoError(t, err)
	require.NoError(t, w.Put("key", 0, 1, 1))
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		v, ts, _, _ := w.Get("key", 0)
		_ = w.Put("key", 0, v+1, ts+1)
	}))
}

func TestSpecFaults(t *testing.T) {
	t.Parallel()
	require.NoError(t, windowSpec.Validate())
	faults := map[string]store.Spec{
		"needs a name":     {Kind: store.KindKeyValue},
		"unknown kind":     {Name: "x", Kind: 9},
		"is negative":      {Name: "x", Kind: store.KindSession, Retention: -1},
		"has no retention": {Name: "x", Kind: store.KindKeyValue, Retention: 1},
		"size of its":      {Name: "x", Kind: store.KindWindow},
	}
	for text, spec := range faults {
		require.ErrorContains(t, spec.Validate(), text)
	}
	_, err := store.NewWindow[string, int64](nil, sessionSpec, text{}, long{})
	require.ErrorContains(t, err, `"sessions" is a session store, not a window store`)
	_, err = store.NewSession[string, int64](nil, store.Spec{Name: "s", Kind: store.KindSession, Timestamped: true}, text{}, long{})
	require.ErrorContains(t, err, "Spec.Timestamped")
}

// Kafka Streams: half the retention, at least a minute.
func TestSegmentInterval(t *testing.T) {
	t.Parallel()
	for retention, want := range map[time.Duration]int64{
		0: 60_000, time.Minute: 60_000, 2 * time.Minute: 60_000, time.Hour: 1_800_000, math.MaxInt64: math.MaxInt64 / 2 / 1_000_000,
	} {
		require.Equal(t, want, store.Spec{Retention: retention}.SegmentInterval())
	}
}
