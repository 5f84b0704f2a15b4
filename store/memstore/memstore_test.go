package memstore_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/memstore"
	"github.com/millrace/millrace/store/storetest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(*testing.T) storetest.Machine {
		return storetest.Machine{Open: func() (store.DB, error) { return memstore.New(), nil }}
	})
}

// The size is that of committed keys and values.
func TestSize(t *testing.T) {
	t.Parallel()
	db := memstore.New()
	e, err := db.Engine(store.Spec{Name: "s", Kind: store.KindKeyValue})
	require.NoError(t, err)
	require.NoError(t, e.Put([]byte("key"), []byte("value")))
	require.Zero(t, db.Size())
	require.NoError(t, db.Commit(nil))
	require.EqualValues(t, 8, db.Size())
	require.NoError(t, e.Put([]byte("key"), []byte("v")))
	require.NoError(t, db.Commit(nil))
	require.EqualValues(t, 4, db.Size())
	require.NoError(t, e.Delete([]byte("key")))
	require.NoError(t, db.Commit(nil))
	require.Zero(t, db.Size())
	require.NoError(t, db.Flush())
}
