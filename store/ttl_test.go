package store_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/changelog"
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/memstore"
)

func ttlSpec() store.Spec {
	return store.Spec{Name: "ttl", Kind: store.KindKeyValue, Timestamped: true, TTL: 1600 * time.Millisecond}
}

// aging is a store with a TTL and what went into its changelog.
type aging struct {
	*store.TTL
	view *store.TimestampedKV[string, int64]
	log  []string
}

func newAging(t *testing.T) *aging {
	t.Helper()
	a := new(aging)
	e := changelog.Log(engineOf(t, ttlSpec()), ttlSpec(), func() int64 { return 77 }, func(key, value []byte, ts int64) error {
		a.log = append(a.log, fmt.Sprintf("%s %t @%d", key, value != nil, ts))
		return nil
	})
	var err error
	a.TTL, err = store.NewTTL(e, ttlSpec())
	require.NoError(t, err)
	a.view = store.NewTimestampedKV(a.TTL, text{}, long{})
	return a
}

// sweep returns the keys that expire at a time.
func (a *aging) sweep(t *testing.T, now int64, most int) (keys []string, more bool) {
	t.Helper()
	more, err := a.Sweep(now, most, func(key, _ []byte) (bool, error) {
		keys = append(keys, string(key))
		return false, nil
	})
	require.NoError(t, err)
	return keys, more
}

// An entry goes once the whole segment of its time, 100 ms here, lies behind the TTL,
// and leaves a tombstone in the changelog.
func TestTTLExpiresBySegments(t *testing.T) {
	t.Parallel()
	a := newAging(t)
	require.EqualValues(t, 100, ttlSpec().TTLInterval())
	require.NoError(t, a.view.Put("a", 1, 1000))
	require.NoError(t, a.view.Put("b", 2, 1099))
	require.NoError(t, a.view.Put("c", 3, 1100))
	for _, now := range []int64{0, 2600, 2698} {
		keys, more := a.sweep(t, now, 10)
		require.Empty(t, keys, "at %d", now)
		require.False(t, more)
	}
	keys, more := a.sweep(t, 2699, 10)
	require.Equal(t, []string{"a", "b"}, keys)
	require.False(t, more)
	require.Equal(t, []string{"a true @1000", "b true @1099", "c true @1100", "a false @77", "b false @77"}, a.log)
	require.Equal(t, []store.TimestampedEntry[string, int64]{{"c", 3, 1100}}, collect(t, a.view.All()))
}

// However much is due, one call does no more than it is told.
func TestTTLSweepIsBounded(t *testing.T) {
	t.Parallel()
	a := newAging(t)
	for i := range int64(10) {
		require.NoError(t, a.view.Put(fmt.Sprint(i), i, i*50))
	}
	var all []string
	for calls := 1; ; calls++ {
		keys, more := a.sweep(t, 1_000_000, 3)
		require.LessOrEqual(t, len(keys), 3)
		if all = append(all, keys...); !more {
			require.Equal(t, 4, calls)
			break
		}
	}
	require.Equal(t, []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}, all)
	_, more := a.sweep(t, 1_000_000, 0)
	require.False(t, more)
}

// What was written again lives as long as its last time says, whether that is later
// or, out of order, earlier.
func TestTTLFollowsTheLastWrite(t *testing.T) {
	t.Parallel()
	a := newAging(t)
	require.NoError(t, a.view.Put("later", 1, 0))
	require.NoError(t, a.view.Put("later", 2, 5000))
	require.NoError(t, a.view.Put("deleted", 1, 0))
	require.NoError(t, a.view.Delete("deleted"))
	require.NoError(t, a.view.Put("earlier", 1, 5000))
	keys, _ := a.sweep(t, 3000, 10)
	require.Empty(t, keys)
	require.NoError(t, a.view.Put("earlier", 2, 100)) // in a segment that was swept
	keys, _ = a.sweep(t, 3000, 10)
	require.Equal(t, []string{"earlier"}, keys)
	keys, _ = a.sweep(t, 1_000_000, 10)
	require.Equal(t, []string{"later"}, keys)
	require.Empty(t, collect(t, a.view.All()))
}

// A cache that has a later value keeps an entry; a failure keeps it for the next
// sweep.
func TestTTLAsksBeforeItRemoves(t *testing.T) {
	t.Parallel()
	a := newAging(t)
	require.NoError(t, a.view.Put("a", 1, 0))
	full := errors.New("no room downstream")
	more, err := a.Sweep(9000, 10, func(_, _ []byte) (bool, error) { return false, full })
	require.ErrorIs(t, err, full)
	require.True(t, more)
	_, err = a.Sweep(9000, 10, func(key, _ []byte) (bool, error) {
		_, _, ok, err := a.view.Get(string(key)) // the store may be read meanwhile
		require.True(t, ok)
		return true, err
	})
	require.NoError(t, err)
	require.Len(t, collect(t, a.view.All()), 1)
	keys, _ := a.sweep(t, 9000, 10)
	require.Empty(t, keys, "it waits for its next write")
	require.NoError(t, a.view.Put("a", 2, 100))
	_, err = a.Sweep(9000, 10, nil)
	require.NoError(t, err)
	require.Empty(t, collect(t, a.view.All()))
}

// A store restored from its changelog expires as the one before.
func TestTTLAfterARestore(t *testing.T) {
	t.Parallel()
	db, decoder := memstore.New(), changelog.NewDecoder(ttlSpec())
	e, err := db.Engine(ttlSpec())
	require.NoError(t, err)
	for i, value := range [][]byte{{1}, {2}, nil} {
		muts, err := decoder.Mutations([]byte{'a' + byte(i)}, value, int64(i)*1000)
		require.NoError(t, err)
		require.NoError(t, db.Apply("ttl", muts, nil))
	}
	s, err := store.NewTTL(e, ttlSpec())
	require.NoError(t, err)
	var keys []string
	_, err = s.Sweep(2000, 10, func(key, _ []byte) (bool, error) { keys = append(keys, string(key)); return false, nil })
	require.NoError(t, err)
	require.Equal(t, []string{"a"}, keys)
}

// A snapshot shows entries only, to any view.
func TestTTLReader(t *testing.T) {
	t.Parallel()
	db := memstore.New()
	e, err := db.Engine(ttlSpec())
	require.NoError(t, err)
	s, err := store.NewTTL(e, ttlSpec())
	require.NoError(t, err)
	require.NoError(t, store.NewTimestampedKV(s, text{}, long{}).Put("a", 1, 5))
	require.NoError(t, db.Commit(nil))
	snapshot, err := db.Snapshot()
	require.NoError(t, err)
	defer snapshot.Close()
	r, err := snapshot.Reader("ttl")
	require.NoError(t, err)
	r, err = store.NewTTLReader(r, ttlSpec())
	require.NoError(t, err)
	view := store.NewReadOnlyTimestampedKV(r, text{}, long{})
	require.Equal(t, []store.TimestampedEntry[string, int64]{{"a", 1, 5}}, collect(t, view.Range("", "z")))
	_, _, ok, err := view.Get("b")
	require.NoError(t, err)
	require.False(t, ok)
}

func TestTTLRefuses(t *testing.T) {
	t.Parallel()
	forever := ttlSpec()
	forever.TTL = 0
	_, err := store.NewTTL(engineOf(t, forever), forever)
	require.ErrorContains(t, err, "has no TTL")
	_, err = store.NewTTLReader(engineOf(t, forever), forever)
	require.ErrorContains(t, err, "has no TTL")
	untimed := ttlSpec()
	untimed.Timestamped = false
	require.ErrorContains(t, untimed.Validate(), "only a timestamped key-value store has a TTL")
	s, err := store.NewTTL(engineOf(t, ttlSpec()), ttlSpec())
	require.NoError(t, err)
	require.ErrorIs(t, s.Put([]byte("k"), []byte("short")), store.ErrCorrupt)
	require.NoError(t, s.Put([]byte("k"), make([]byte, 8)))
	require.NoError(t, s.DeleteRange([]byte("a"), nil))
	_, ok, err := s.Get([]byte("k"))
	require.NoError(t, err)
	require.False(t, ok)
}

// Nothing is paid on the record path for sweeps that find nothing due.
func TestTTLSweepsForFree(t *testing.T) {
	s, err := store.NewTTL(engineOf(t, ttlSpec()), ttlSpec())
	require.NoError(t, err)
	require.NoError(t, s.Put([]byte("k"), make([]byte, 8)))
	_, err = s.Sweep(100, 2, nil)
	require.NoError(t, err)
	require.Zero(t, testing.AllocsPerRun(100, func() { _, _ = s.Sweep(100, 2, nil) }))
}
