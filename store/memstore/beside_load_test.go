package memstore_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/memstore"
)

// bulky is a disk with a load that applies at each Sync.
type bulky struct {
	*memstore.DB
	refuse error
	name   string
	muts   []store.Mutation
	pos    store.Position
	syncs  int
}

func (b *bulky) Load() (store.Loader, error) { return b.loader(), b.refuse }

func (b *bulky) loader() *bulkyLoad { return &bulkyLoad{b} }

type bulkyLoad struct{ *bulky }

func (l *bulkyLoad) Add(name string, muts []store.Mutation, pos store.Position) error {
	l.name, l.muts, l.pos = name, append(l.muts, muts...), pos
	return nil
}

func (l *bulkyLoad) Sync() error {
	l.syncs++
	return l.Apply(l.name, l.muts, l.pos)
}

func (l *bulkyLoad) Close() error { return l.Sync() }

// TestBesideLoads: what is on the disk is loaded, what is in memory is there at once.
func TestBesideLoads(t *testing.T) {
	t.Parallel()
	disk := &bulky{DB: memstore.New()}
	db := memstore.Beside(disk, "light-changelog")
	onDisk, err := db.Engine(kept)
	require.NoError(t, err)
	inMemory, err := db.Engine(light)
	require.NoError(t, err)
	l, err := db.(store.BulkLoader).Load()
	require.NoError(t, err)
	muts := []store.Mutation{{Key: []byte("k"), Value: []byte("v")}}
	require.NoError(t, l.Add("kept", muts, store.Position{"kept-changelog": 1}))
	require.NoError(t, l.Add("light", muts, store.Position{"light-changelog": 2}))
	require.True(t, has(t, inMemory, "k"))
	require.False(t, has(t, onDisk, "k"))
	require.NoError(t, l.Sync())
	require.True(t, has(t, onDisk, "k"))
	require.NoError(t, l.Close())
	require.Equal(t, 2, disk.syncs)
	require.Equal(t, store.Position{"kept-changelog": 1, "light-changelog": 2}, db.Position())
	require.Equal(t, store.Position{"kept-changelog": 1}, disk.Position())

	disk.refuse = errors.New("writes are staged")
	_, err = db.(store.BulkLoader).Load()
	require.ErrorIs(t, err, disk.refuse)
}

// TestBesideLoadsByApplying where the disk has no load.
func TestBesideLoadsByApplying(t *testing.T) {
	t.Parallel()
	db := memstore.Beside(memstore.New(), "light-changelog")
	e, err := db.Engine(kept)
	require.NoError(t, err)
	l, err := db.(store.BulkLoader).Load()
	require.NoError(t, err)
	require.NoError(t, l.Add("kept", []store.Mutation{{Key: []byte("k"), Value: []byte("v")}}, store.Position{"kept-changelog": 1}))
	require.NoError(t, l.Sync())
	require.NoError(t, l.Close())
	require.True(t, has(t, e, "k"))
}
