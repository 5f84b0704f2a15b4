package pebblestore_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/pebblestore"
)

var plain = store.Spec{Name: "plain", Kind: store.KindKeyValue}

func open(t *testing.T, dir string, o pebblestore.Options) (*pebblestore.DB, store.Engine) {
	t.Helper()
	db, err := pebblestore.Open(dir, o)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	e, err := db.Engine(plain)
	require.NoError(t, err)
	return db, e
}

// fill commits n keys in batches, so that there is something to flush.
func fill(db store.DB, e store.Engine, n int) error { return fillFrom(db, e, 0, n) }

// fillFrom begins with a certain key.
func fillFrom(db store.DB, e store.Engine, first, n int) error {
	value := make([]byte, 100)
	rng := rand.New(rand.NewPCG(uint64(first), 0))
	for i := first; i < first+n; i++ {
		for at := range value {
			value[at] = byte(rng.Uint32()) // does not compress
		}
		if err := e.Put(fmt.Appendf(nil, "key %06d", i), value); err != nil {
			return err
		}
		if i%100 == 99 {
			if err := db.Commit(store.Position{"t": int64(i)}); err != nil {
				return err
			}
		}
	}
	return nil
}

// quiet is a logger that says nothing.
type quiet struct{}

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}
func (quiet) Fatalf(string, ...any) {}

// raw opens Pebble beside the package, to damage what it wrote.
func raw(t *testing.T, fs vfs.FS, change func(*pebble.DB)) {
	t.Helper()
	db, err := pebble.Open("s", &pebble.Options{FS: fs, FormatMajorVersion: pebble.FormatNewest, Logger: quiet{}})
	require.NoError(t, err)
	change(db)
	require.NoError(t, db.Flush())
	require.NoError(t, db.Close())
}

func TestNewerFormatIsRefused(t *testing.T) {
	t.Parallel()
	fs := vfs.NewMem()
	db, _ := open(t, "s", pebblestore.Options{FS: fs})
	require.NoError(t, db.Close())
	raw(t, fs, func(db *pebble.DB) {
		require.NoError(t, db.Set([]byte{0, 0, 'f'}, binary.BigEndian.AppendUint32(nil, 2), pebble.NoSync))
	})
	_, err := pebblestore.Open("s", pebblestore.Options{FS: fs})
	require.ErrorIs(t, err, store.ErrNewerFormat)
	require.ErrorContains(t, err, "s has version 2, this release reads up to 1")
}

func TestForeignCatalogueIsCorrupt(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"\x00\x00", "\x00\x00?", "\x00\x00sname", "\x00\x00ptopic"} {
		fs := vfs.NewMem()
		db, _ := open(t, "s", pebblestore.Options{FS: fs})
		require.NoError(t, db.Close())
		raw(t, fs, func(db *pebble.DB) { require.NoError(t, db.Set([]byte(key), []byte("?"), pebble.NoSync)) })
		_, err := pebblestore.Open("s", pebblestore.Options{FS: fs})
		require.ErrorIs(t, err, store.ErrCorrupt, "%q", key)
	}
}

func TestLostVersionIsCorrupt(t *testing.T) {
	t.Parallel()
	fs := vfs.NewMem()
	db, _ := open(t, "s", pebblestore.Options{FS: fs})
	require.NoError(t, db.Close())
	raw(t, fs, func(db *pebble.DB) { require.NoError(t, db.Delete([]byte{0, 0, 'f'}, pebble.NoSync)) })
	_, err := pebblestore.Open("s", pebblestore.Options{FS: fs})
	require.ErrorIs(t, err, store.ErrCorrupt)
}

// Another retention means other segments, so keys would not be found.
func TestChangedRetentionIsRefused(t *testing.T) {
	t.Parallel()
	fs := vfs.NewMem()
	spec := store.Spec{Name: "sessions", Kind: store.KindSession, Retention: 3600e9}
	db, _ := open(t, "s", pebblestore.Options{FS: fs})
	_, err := db.Engine(spec)
	require.NoError(t, err)
	require.NoError(t, db.Close())

	db, _ = open(t, "s", pebblestore.Options{FS: fs})
	_, err = db.Engine(spec)
	require.NoError(t, err)
	spec.Retention *= 2
	_, err = db.Engine(spec)
	require.ErrorIs(t, err, store.ErrLayout)
	require.ErrorContains(t, err, `"sessions" in s`)
}

func TestTwoOwnersAreRefused(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "deep", "0_0")
	open(t, dir, pebblestore.Options{})
	_, err := pebblestore.Open(dir, pebblestore.Options{})
	require.ErrorIs(t, err, store.ErrBusy)
	require.ErrorContains(t, err, dir)

	info, err := os.Stat(dir)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm(), "for the owner alone")
}

func TestUnusableDirectory(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := pebblestore.Open(filepath.Join(file, "0_0"), pebblestore.Options{})
	require.ErrorContains(t, err, "open the state in "+file)
}

// failing is a disk that is full, or broken, from the moment it is told so.
type failing struct {
	on  atomic.Bool
	err error
}

func (f *failing) String() string { return "failing" }

func (f *failing) MaybeError(op errorfs.Op) error {
	writes := op.Kind == errorfs.OpCreate || op.Kind == errorfs.OpFileWrite || op.Kind == errorfs.OpFileSync
	if f.on.Load() && writes {
		return f.err
	}
	return nil
}

// A full disk is an error with path and remedy; nothing hangs, panics or exits, and
// what was flushed before is there afterwards.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	mem, disk := vfs.NewCrashableMem(), &failing{err: syscall.ENOSPC}
	logs := &lockedBuffer{}
	db, e := open(t, "s", pebblestore.Options{
		FS: errorfs.Wrap(mem, disk), MaxUnflushedBytes: 4096, Logger: slog.New(slog.NewTextHandler(logs, nil)),
	})
	require.NoError(t, fill(db, e, 100))
	require.NoError(t, db.Flush())

	disk.on.Store(true)
	var err error
	for i := 0; err == nil && i < 1000; i++ {
		err = fill(db, e, 1000)
	}
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.ErrorContains(t, err, "in s: ")
	require.ErrorContains(t, err, "free space on the volume")
	require.ErrorIs(t, db.Flush(), syscall.ENOSPC)
	_, _, err = e.Get([]byte("key 000001"))
	require.ErrorIs(t, err, syscall.ENOSPC, "it stays failed")
	require.ErrorIs(t, db.Close(), syscall.ENOSPC)
	require.Contains(t, logs.String(), "state store failed")
	require.NotContains(t, logs.String(), "key 0000", "no payload in logs")

	after := mem.CrashClone(vfs.CrashCloneCfg{})
	db, e = open(t, "s", pebblestore.Options{FS: after})
	require.GreaterOrEqual(t, db.Position()["t"], int64(99))
	_, ok, err := e.Get([]byte("key 000001"))
	require.NoError(t, err)
	require.True(t, ok)
}

// A flipped bit in a table is found by its checksum.
func TestCorruptTable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db, e := open(t, dir, pebblestore.Options{})
	require.NoError(t, fill(db, e, 2000))
	require.NoError(t, db.Close())
	tables, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	require.NoError(t, err)
	require.NotEmpty(t, tables)
	for _, table := range tables {
		flip(t, table)
	}
	require.ErrorIs(t, readAll(dir), store.ErrCorrupt)
}

// flip damages the first block of a file.
func flip(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	require.NoError(t, err)
	defer f.Close()
	var b [64]byte
	_, err = f.ReadAt(b[:], 100)
	require.True(t, err == nil || errors.Is(err, io.EOF))
	for i := range b {
		b[i] ^= 0x20
	}
	_, err = f.WriteAt(b[:], 100)
	require.NoError(t, err)
}

func readAll(dir string) error {
	db, err := pebblestore.Open(dir, pebblestore.Options{})
	if err != nil {
		return err
	}
	defer db.Close()
	e, err := db.Engine(plain)
	if err != nil {
		return err
	}
	return e.Scan(nil, nil, false, func(_, _ []byte) bool { return true })
}

// A damaged or missing file of any kind is an error with the path, or harmless.
func TestMissingFiles(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{"MANIFEST-*", "*.sst", "marker.*", "OPTIONS-*"} {
		dir := t.TempDir()
		db, e := open(t, dir, pebblestore.Options{})
		require.NoError(t, fill(db, e, 500))
		require.NoError(t, db.Close())
		files, err := filepath.Glob(filepath.Join(dir, pattern))
		require.NoError(t, err)
		for _, f := range files {
			require.NoError(t, os.Remove(f))
		}
		if err := readAll(dir); err != nil {
			require.ErrorContains(t, err, dir, pattern)
			require.True(t, strings.Contains(err.Error(), "rebuilt"), "%s: %v", pattern, err)
		}
	}
}

// A table that goes away under an open DB is damage, which the error says.
func TestLostTable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db, e := open(t, dir, pebblestore.Options{})
	require.NoError(t, fill(db, e, 2000))
	require.NoError(t, db.Flush())
	tables, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	require.NoError(t, err)
	for _, table := range tables {
		require.NoError(t, os.Remove(table))
	}
	err = e.Scan(nil, nil, false, func(_, _ []byte) bool { return true })
	require.Error(t, err)
	require.ErrorIs(t, db.Commit(nil), store.ErrCorrupt)
	require.Error(t, db.Close())
	require.ErrorIs(t, readAll(dir), store.ErrCorrupt)
}

// A full disk that hits the list of tables ends the DB at the version before, without
// an end of the process; whatever else Pebble does then changes nothing on the disk.
func TestManifestFails(t *testing.T) {
	t.Parallel()
	for _, kind := range []errorfs.OpKind{errorfs.OpFileWrite, errorfs.OpFileSync, errorfs.OpFileSyncTo} {
		disk := &manifestFault{kind: kind}
		mem := vfs.NewCrashableMem()
		db, e := open(t, "s", pebblestore.Options{FS: errorfs.Wrap(mem, disk), MaxUnflushedBytes: 4096})
		require.NoError(t, fill(db, e, 500))
		disk.on.Store(true)
		var err error
		for i := 0; err == nil && i < 1000; i++ {
			err = fill(db, e, 500)
		}
		if kind != errorfs.OpFileSyncTo {
			require.ErrorIs(t, err, syscall.ENOSPC)
			require.ErrorIs(t, db.Close(), syscall.ENOSPC)
		}
		after, e := open(t, "s", pebblestore.Options{FS: mem.CrashClone(vfs.CrashCloneCfg{})})
		requireFilled(t, after, e)
	}
}

// manifestFault is a disk on which one kind of call on the list of tables fails.
type manifestFault struct {
	kind errorfs.OpKind
	on   atomic.Bool
}

func (f *manifestFault) String() string { return "manifest fault" }

func (f *manifestFault) MaybeError(op errorfs.Op) error {
	if f.on.Load() && op.Kind == f.kind && strings.Contains(op.Path, "MANIFEST") {
		return syscall.ENOSPC
	}
	return nil
}
