package pebblestore_test

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/pebblestore"
)

// A snapshot stays as it is, whatever the task does, and knows its position.
func TestSnapshot(t *testing.T) {
	t.Parallel()
	db, e := open(t, "s", pebblestore.Options{FS: vfs.NewMem()})
	require.NoError(t, fill(db, e, 200))
	require.NoError(t, e.Put([]byte("staged"), nil))
	s, err := db.Snapshot()
	require.NoError(t, err)
	r, err := s.Reader("plain")
	require.NoError(t, err)
	require.NoError(t, e.DeleteRange(nil, []byte("l")))
	require.NoError(t, db.Commit(store.Position{"t": 1000}))

	require.Equal(t, store.Position{"t": 199}, s.Position())
	require.Len(t, contents(t, r), 200, "neither staged nor later writes")
	v, ok, err := r.Get([]byte("key 000007"))
	require.NoError(t, err)
	require.True(t, ok)
	require.Len(t, v, 100)
	_, ok, err = r.Get([]byte("staged"))
	require.NoError(t, err)
	require.False(t, ok)
	require.Equal(t, []string{"key 000003", "key 000002"}, keysOf(t, r, "key 000002", "key 000004", true))
	require.Empty(t, keysOf(t, r, "b", "a", false))
	_, err = s.Reader("nobody")
	require.ErrorContains(t, err, "nobody")

	require.NoError(t, s.Close())
	require.NoError(t, s.Close(), "idempotent")
	_, _, err = r.Get([]byte("k"))
	require.ErrorIs(t, err, store.ErrClosed)
	require.ErrorIs(t, r.Scan(nil, nil, false, nil), store.ErrClosed)
}

func keysOf(t *testing.T, r store.Reader, lo, hi string, reverse bool) (keys []string) {
	t.Helper()
	require.NoError(t, r.Scan([]byte(lo), []byte(hi), reverse, func(k, _ []byte) bool {
		keys = append(keys, string(k))
		return true
	}))
	return keys
}

// Readers come and go in other goroutines while the task commits and closes. Each
// sees one commit as a whole: all values are the same, and so is the position.
func TestSnapshotsBesideCommits(t *testing.T) {
	t.Parallel()
	db, e := open(t, "s", pebblestore.Options{FS: vfs.NewMem(), MaxUnflushedBytes: 4096})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for {
				s, err := db.Snapshot()
				if err != nil {
					return
				}
				readWhole(t, s)
				_ = s.Close()
			}
		})
	}
	for i := range int64(300) {
		for k := range 10 {
			require.NoError(t, e.Put([]byte{byte(k)}, fmt.Appendf(nil, "%d", i)))
		}
		require.NoError(t, db.Commit(store.Position{"t": i}))
	}
	require.NoError(t, db.Close())
	readers.Wait()
}

func readWhole(t *testing.T, s store.Snapshot) {
	r, err := s.Reader("plain")
	if err != nil {
		return // closed, or before the first commit
	}
	want, n := fmt.Sprint(s.Position()["t"]), 0
	err = r.Scan(nil, nil, false, func(_, v []byte) bool {
		if n++; string(v) != want {
			t.Errorf("at %s there is a value of %s", want, v)
		}
		return true
	})
	if err == nil && n != 10 && len(s.Position()) > 0 {
		t.Errorf("%d keys at %s", n, want)
	}
}

// A checkpoint is the state at the last commit, on its own: what happens to the one
// does not touch the other.
func TestCheckpoint(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	dir, copied := filepath.Join(root, "s"), filepath.Join(root, "backup", "deep", "0_0")
	db, e := open(t, dir, pebblestore.Options{})
	require.NoError(t, fill(db, e, 500))
	want := contents(t, e)
	require.NoError(t, e.Put([]byte("staged"), nil))
	require.NoError(t, db.Checkpoint(copied))
	require.Error(t, db.Checkpoint(copied), "it exists")
	require.NoError(t, e.DeleteRange(nil, []byte("z")))
	require.NoError(t, db.Commit(store.Position{"t": 1000}))
	require.NoError(t, db.Close())
	require.ErrorIs(t, db.Checkpoint(filepath.Join(root, "late")), store.ErrClosed)

	other, e := open(t, copied, pebblestore.Options{})
	require.Equal(t, store.Position{"t": 499}, other.Position())
	require.Equal(t, want, contents(t, e))
	require.NoError(t, fill(other, e, 900))
}

// Checkpoints that are taken while the task commits are commits as a whole.
func TestCheckpointsBesideCommits(t *testing.T) {
	t.Parallel()
	fs := vfs.NewMem()
	db, e := open(t, "s", pebblestore.Options{FS: fs, MaxUnflushedBytes: 8192})
	var other sync.WaitGroup
	other.Go(func() {
		for i := range 20 {
			assertNil(t, db.Checkpoint(fmt.Sprintf("copies/%d", i)))
		}
	})
	for range 20 {
		require.NoError(t, fill(db, e, 400))
	}
	other.Wait()
	for i := range 20 {
		after, e := open(t, fmt.Sprintf("copies/%d", i), pebblestore.Options{FS: fs})
		requireFilled(t, after, e)
		require.NoError(t, after.Close())
	}
}

// requireFilled checks a DB into which fill has run more than once: then there are
// all keys up to the position, and maybe more.
func requireFilled(t *testing.T, db store.DB, e store.Engine) {
	t.Helper()
	if last, ok := db.Position()["t"]; ok {
		require.GreaterOrEqual(t, len(contents(t, e)), int(last)+1)
	}
}
