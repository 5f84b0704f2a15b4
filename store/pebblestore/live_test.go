package pebblestore_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/memstore"
	"github.com/millrace/millrace/store/pebblestore"
)

// TestReadersFollowCommits, not what is staged, on either engine; an empty value is one.
func TestReadersFollowCommits(t *testing.T) {
	t.Parallel()
	onDisk, err := pebblestore.Open(t.TempDir(), pebblestore.Options{})
	require.NoError(t, err)
	spec := store.Spec{Name: "s", Kind: store.KindKeyValue}
	for _, db := range []store.Follower{onDisk, memstore.New()} {
		_, err := db.Engine(store.Spec{Name: "other", Kind: store.KindKeyValue})
		require.NoError(t, err)
		read, err := db.Follow(spec)
		require.NoError(t, err)
		e, err := db.Engine(spec)
		require.NoError(t, err)
		require.NoError(t, e.Put([]byte("a"), []byte("1")))
		r := read()
		_, ok, err := r.Get([]byte("a"))
		require.NoError(t, err)
		require.False(t, ok)
		require.NoError(t, e.Put([]byte("b"), []byte{}))
		require.NoError(t, db.Commit(store.Position{"t": 1}))
		require.Equal(t, []string{"a=1", "b="}, scanned(t, r, nil, nil, false))
		require.Equal(t, []string{"b=", "a=1"}, scanned(t, r, nil, []byte("c"), true))
		require.Equal(t, []string{"a=1"}, scanned(t, r, []byte("a"), []byte("b"), false))
		require.Empty(t, scanned(t, r, []byte("c"), []byte("a"), false))
		v, ok, err := r.Get([]byte("b"))
		require.NoError(t, err)
		require.True(t, ok)
		require.NotNil(t, v)
		require.NoError(t, e.Delete([]byte("a")))
		require.Len(t, scanned(t, r, nil, nil, false), 2)
		require.NoError(t, db.Commit(nil))
		require.Equal(t, []string{"b="}, scanned(t, r, nil, nil, false))
		require.NoError(t, db.Close())
	}
}

func scanned(t *testing.T, r store.Reader, lo, hi []byte, reverse bool) (out []string) {
	t.Helper()
	require.NoError(t, r.Scan(lo, hi, reverse, func(k, v []byte) bool {
		out = append(out, string(k)+"="+string(v))
		return true
	}))
	return out
}

// TestFollowingCostsNothing once the buffers have grown.
func TestFollowingCostsNothing(t *testing.T) {
	db, err := pebblestore.Open(t.TempDir(), pebblestore.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	spec := store.Spec{Name: "s", Kind: store.KindKeyValue}
	read, err := db.Follow(spec)
	require.NoError(t, err)
	e, err := db.Engine(spec)
	require.NoError(t, err)
	require.NoError(t, e.Put([]byte("a"), []byte("1")))
	require.NoError(t, db.Commit(nil))
	r, key := read(), []byte("a")
	_, _, err = r.Get(key)
	require.NoError(t, err)
	require.Zero(t, testing.AllocsPerRun(100, func() { _, _, _ = r.Get(key) }))
}
