package memstore_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/memstore"
)

var (
	kept  = store.Spec{Name: "kept", Kind: store.KindKeyValue}
	light = store.Spec{Name: "light", Kind: store.KindKeyValue, InMemory: true}
)

func put(t *testing.T, db store.DB, spec store.Spec, key string) {
	t.Helper()
	e, err := db.Engine(spec)
	require.NoError(t, err)
	require.NoError(t, e.Put([]byte(key), []byte("v")))
}

func has(t *testing.T, r store.Reader, key string) bool {
	t.Helper()
	_, ok, err := r.Get([]byte(key))
	require.NoError(t, err)
	return ok
}

// TestBesideKeepsOnlyTheRestOnDisk: one commit for both, of which the disk knows its own
// stores and positions only, so that the others are restored whole after a restart.
func TestBesideKeepsOnlyTheRestOnDisk(t *testing.T) {
	t.Parallel()
	disk := memstore.New()
	db := memstore.Beside(disk, "light-changelog")
	put(t, db, kept, "a")
	put(t, db, light, "b")
	require.Positive(t, db.StagedBytes())
	require.NoError(t, db.Commit(store.Position{"kept-changelog": 3, "light-changelog": 5}))
	require.Zero(t, db.StagedBytes())
	require.Equal(t, store.Position{"kept-changelog": 3, "light-changelog": 5}, db.Position())
	require.Equal(t, store.Position{"kept-changelog": 3}, disk.Position())
	require.Positive(t, db.Size())

	snapshot, err := db.(store.Snapshotter).Snapshot()
	require.NoError(t, err)
	for spec, key := range map[string]string{"kept": "a", "light": "b"} {
		r, err := snapshot.Reader(spec)
		require.NoError(t, err)
		require.True(t, has(t, r, key))
	}
	require.Equal(t, db.Position(), snapshot.Position())
	require.NoError(t, snapshot.Close())

	again := memstore.Beside(disk, "light-changelog")
	e, err := again.Engine(light)
	require.NoError(t, err)
	require.False(t, has(t, e, "b"), "what was in memory is gone")
	require.NoError(t, again.Apply("light", []store.Mutation{{Key: []byte("b"), Value: []byte("v")}}, store.Position{"light-changelog": 5}))
	require.True(t, has(t, e, "b"))
	require.NotContains(t, disk.Position(), "light-changelog")
	require.NoError(t, again.Flush())
	require.NoError(t, again.Close())
}

// failing is a disk that cannot commit.
type failing struct{ store.DB }

func (failing) Commit(store.Position) error { return errors.New("disk full") }

func TestBesideCommitsNothingWhereTheDiskFails(t *testing.T) {
	t.Parallel()
	db := memstore.Beside(failing{memstore.New()}, "light-changelog")
	put(t, db, light, "b")
	require.ErrorContains(t, db.Commit(store.Position{"light-changelog": 5}), "disk full")
	require.Empty(t, db.Position())
	db.Rollback()
	e, err := db.Engine(light)
	require.NoError(t, err)
	require.False(t, has(t, e, "b"))
	_, err = db.(store.Snapshotter).Snapshot()
	require.ErrorContains(t, err, "has no snapshots")
}
