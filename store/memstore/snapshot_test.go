package memstore_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/memstore"
	"github.com/millrace/millrace/streams/serde"
)

func all(t *testing.T, r store.Reader, reverse bool) (out []string) {
	t.Helper()
	require.NoError(t, r.Scan([]byte("a"), []byte("z"), reverse, func(key, value []byte) bool {
		out = append(out, string(key)+"="+string(value))
		return true
	}))
	return out
}

// A snapshot is what was committed, whatever is staged or comes after.
func TestSnapshotIsTheCommit(t *testing.T) {
	t.Parallel()
	db := memstore.New()
	e, err := db.Engine(store.Spec{Name: "s", Kind: store.KindKeyValue})
	require.NoError(t, err)
	for _, k := range []string{"a", "b", "c", "z"} {
		require.NoError(t, e.Put([]byte(k), []byte("1")))
	}
	require.NoError(t, db.Commit(store.Position{"t": 4}))
	require.NoError(t, e.Put([]byte("a"), []byte("2")))
	require.NoError(t, e.Put([]byte("a"), []byte("3")))
	require.NoError(t, e.Delete([]byte("b")))
	require.NoError(t, e.Put([]byte("d"), []byte("1")))

	s, err := db.Snapshot()
	require.NoError(t, err)
	r, err := s.Reader("s")
	require.NoError(t, err)
	require.NoError(t, db.Commit(store.Position{"t": 8}))
	require.Equal(t, []string{"a=1", "b=1", "c=1"}, all(t, r, false))
	require.Equal(t, []string{"c=1", "b=1", "a=1"}, all(t, r, true))
	require.Equal(t, store.Position{"t": 4}, s.Position())
	value, ok, err := r.Get([]byte("b"))
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, "1", string(value))
	_, ok, err = r.Get([]byte("d"))
	require.NoError(t, err)
	require.False(t, ok)
	require.NoError(t, r.Scan([]byte("c"), []byte("a"), false, nil), "bounds the wrong way round hold nothing")

	_, err = s.Reader("nobody")
	require.ErrorContains(t, err, "nobody")
	require.NoError(t, s.Close())
	require.NoError(t, s.Close())
	_, _, err = r.Get([]byte("b"))
	require.ErrorIs(t, err, store.ErrClosed)
	require.ErrorIs(t, r.Scan(nil, nil, false, nil), store.ErrClosed)

	require.NoError(t, db.Close())
	_, err = db.Snapshot()
	require.ErrorIs(t, err, store.ErrClosed)
}

// Readers of snapshots see whole commits while the task goes on writing.
func TestSnapshotsBesideATask(t *testing.T) {
	t.Parallel()
	db := memstore.New()
	e, err := db.Engine(store.Spec{Name: "s", Kind: store.KindKeyValue})
	require.NoError(t, err)
	kv := store.NewKV(e, serde.String, serde.Int64)
	var readers sync.WaitGroup
	done := make(chan struct{})
	for range 3 {
		readers.Go(func() {
			for {
				checkPair(t, db)
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for i := range int64(500) {
		require.NoError(t, kv.Put("left", i))
		_, _, err := kv.Get("right")
		require.NoError(t, err)
		require.NoError(t, kv.Put("right", i))
		if i%7 == 0 {
			db.Rollback()
			continue
		}
		require.NoError(t, db.Commit(store.Position{"t": i}))
	}
	close(done)
	readers.Wait()
}

// checkPair: both keys were written in one commit, whose position has the number.
func checkPair(t *testing.T, db *memstore.DB) {
	s, err := db.Snapshot()
	if err != nil {
		t.Error(err)
		return
	}
	defer s.Close()
	r, err := s.Reader("s")
	if err != nil {
		t.Error(err)
		return
	}
	kv := store.NewReadOnlyKV(r, serde.String, serde.Int64)
	left, ok, err := kv.Get("left")
	right, _, _ := kv.Get("right")
	if err != nil || left != right || ok && left != s.Position()["t"] {
		t.Errorf("left %d, right %d, position %v, error %v", left, right, s.Position(), err)
	}
}

func ExampleDB_Snapshot() {
	db := memstore.New()
	e, _ := db.Engine(store.Spec{Name: "s", Kind: store.KindKeyValue})
	_ = e.Put([]byte("k"), []byte("committed"))
	_ = db.Commit(nil)
	_ = e.Put([]byte("k"), []byte("staged"))
	s, _ := db.Snapshot()
	defer s.Close()
	r, _ := s.Reader("s")
	value, ok, err := r.Get([]byte("k"))
	fmt.Println(string(value), ok, err)
	// Output: committed true <nil>
}
