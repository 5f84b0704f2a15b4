package pebblestore_test

import (
	"fmt"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/pebblestore"
)

// The disk of one task fills up; the others, which share everything with it, go on.
func TestOneFullDiskStopsOneTask(t *testing.T) {
	t.Parallel()
	shared := pebblestore.NewShared(8 << 20)
	full := &failing{err: errNoSpace}
	o := pebblestore.Options{Shared: shared, MaxUnflushedBytes: 4096, FS: vfs.NewMem()}
	healthy, e := open(t, "healthy", o)
	o.FS = errorfs.Wrap(vfs.NewMem(), full)
	sick, se := open(t, "sick", o)
	require.NoError(t, fill(sick, se, 500))
	full.on.Store(true)
	var err error
	for i := 0; err == nil && i < 1000; i++ {
		err = fill(sick, se, 1000)
	}
	require.ErrorIs(t, err, errNoSpace)
	for range 10 {
		require.NoError(t, fill(healthy, e, 1000))
	}
	require.NoError(t, healthy.Flush())
	require.Error(t, sick.Close())
	require.Len(t, contents(t, e), 1000)
	require.NoError(t, healthy.Close())
	require.NoError(t, shared.Close())
}

// Metrics name each open DB and sum them up.
func TestMetrics(t *testing.T) {
	t.Parallel()
	shared := pebblestore.NewShared(64 << 20)
	root := t.TempDir()
	var dbs []*pebblestore.DB
	for i := range 3 {
		db, e := open(t, filepath.Join(root, fmt.Sprint(i)), pebblestore.Options{Shared: shared})
		require.NoError(t, fill(db, e, 1000))
		require.Positive(t, shared.Metrics().DBs[filepath.Join(root, fmt.Sprint(i))].UnflushedBytes)
		require.NoError(t, db.Flush())
		require.Len(t, contents(t, e), 1000)
		dbs = append(dbs, db)
	}
	m := shared.Metrics()
	require.EqualValues(t, 64<<20, m.Budget)
	require.Len(t, m.DBs, 3)
	one := m.DBs[filepath.Join(root, "0")]
	require.Zero(t, one.UnflushedBytes)
	require.Positive(t, one.MemTableBytes)
	require.Positive(t, one.Tables)
	require.Positive(t, one.ReadAmp)
	require.EqualValues(t, 1, one.Flushes)
	require.Positive(t, one.BytesFlushed)
	require.Equal(t, dbs[0].Size(), one.DiskBytes)
	require.GreaterOrEqual(t, m.Total.DiskBytes, 3*one.DiskBytes/2)
	require.EqualValues(t, 3, m.Total.Flushes)
	require.Positive(t, m.BlockCache.Bytes)
	require.Positive(t, m.BlockCache.Misses)
	require.Positive(t, m.FileCache.Entries)
	for _, db := range dbs {
		require.NoError(t, db.Close())
		_, ok := db.Metrics()
		require.False(t, ok)
	}
	after := shared.Metrics()
	require.Empty(t, after.DBs)
	require.GreaterOrEqual(t, after.Total.Flushes, m.Total.Flushes, "counters never go down")
	require.GreaterOrEqual(t, after.Total.BytesFlushed, m.Total.BytesFlushed)
	require.Zero(t, after.Total.DiskBytes)
	require.NoError(t, shared.Close())
	require.NoError(t, shared.Close(), "idempotent")
	require.Equal(t, after.Total, shared.Metrics().Total, "a late scrape finds what was counted")
}

// A DB more costs two goroutines and no share of the caches.
func TestManyDBsCostLittle(t *testing.T) {
	const dbs = 50
	shared := pebblestore.NewShared(64 << 20)
	shared.Expect(dbs)
	fs := vfs.NewMem()
	before := runtime.NumGoroutine()
	var all []*pebblestore.DB
	for i := range dbs {
		db, err := pebblestore.Open(fmt.Sprint(i), pebblestore.Options{FS: fs, Shared: shared})
		require.NoError(t, err)
		e, err := db.Engine(store.Spec{Name: "plain", Kind: store.KindKeyValue})
		require.NoError(t, err)
		require.NoError(t, fill(db, e, 200))
		require.NoError(t, db.Flush())
		all = append(all, db)
	}
	require.LessOrEqual(t, runtime.NumGoroutine()-before, 3*dbs)
	m := shared.Metrics()
	require.LessOrEqual(t, m.Total.MemTableBytes+m.BlockCache.Bytes, m.Budget)
	for _, db := range all {
		require.NoError(t, db.Close())
	}
	require.NoError(t, shared.Close())
}
