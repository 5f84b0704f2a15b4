package pebblestore_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/pebblestore"
)

// lockedBuffer collects log lines of several goroutines.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// A crash costs at most twice the bound.
func TestUnflushedTailIsBounded(t *testing.T) {
	t.Parallel()
	const bound = 64 << 10
	fs := vfs.NewCrashableMem()
	db, e := open(t, "s", pebblestore.Options{FS: fs, MaxUnflushedBytes: bound})
	value := make([]byte, 1000)
	for i := range 2000 {
		require.NoError(t, e.Put(fmt.Appendf(nil, "key %d", i%100), value))
		require.NoError(t, db.Commit(store.Position{"t": int64(i)}))
	}
	after, _ := open(t, "s", pebblestore.Options{FS: fs.CrashClone(vfs.CrashCloneCfg{})})
	require.GreaterOrEqual(t, after.Position()["t"], int64(2000-2*bound/1000-10))
	require.Positive(t, db.Size())
}

// Flush and Size may be called from other goroutines, also while the DB closes.
func TestFlushBesideWriting(t *testing.T) {
	t.Parallel()
	db, e := open(t, "s", pebblestore.Options{FS: vfs.NewMem()})
	var others sync.WaitGroup
	for range 4 {
		others.Go(func() {
			for db.Flush() == nil {
				_ = db.Size()
			}
		})
	}
	for range 5 {
		require.NoError(t, fill(db, e, 200))
	}
	require.NoError(t, db.Close())
	others.Wait()
}

// Many DBs share caches and compaction slots, and all get their turn.
func TestManyDBsShare(t *testing.T) {
	t.Parallel()
	shared := pebblestore.NewShared(4 << 20)
	shared.Expect(20)
	fs := vfs.NewMem()
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			db, err := pebblestore.Open(fmt.Sprintf("s/%d", i), pebblestore.Options{FS: fs, Shared: shared, MaxUnflushedBytes: 4096})
			if !assertNil(t, err) {
				return
			}
			e, err := db.Engine(plain)
			assertNil(t, err)
			for range 5 {
				assertNil(t, fill(db, e, 500))
			}
			assertNil(t, db.Close())
		})
	}
	all.Wait()
	require.NoError(t, shared.Close())
	require.NoError(t, shared.Close(), "idempotent")
}

// assertNil is for goroutines that are not the test's own.
func assertNil(t *testing.T, err error) bool {
	if err != nil {
		t.Error(err)
	}
	return err == nil
}

// text and long stand in for the serdes of package serde.
type text struct{}

func (text) Append(dst []byte, v string) ([]byte, error) { return append(dst, v...), nil }
func (text) Decode(b []byte) (string, error)             { return string(b), nil }

type long struct{}

func (long) Append(dst []byte, v int64) ([]byte, error) {
	return binary.BigEndian.AppendUint64(dst, uint64(v)), nil
}
func (long) Decode(b []byte) (int64, error) { return int64(binary.BigEndian.Uint64(b)), nil }

func counts(t testing.TB) (*pebblestore.DB, *store.TimestampedKV[string, int64]) {
	t.Helper()
	db, err := pebblestore.Open("s", pebblestore.Options{FS: vfs.NewMem()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	e, err := db.Engine(store.Spec{Name: "counts", Kind: store.KindKeyValue, Timestamped: true})
	require.NoError(t, err)
	return db, store.NewTimestampedKV[string, int64](e, text{}, long{})
}

// Reading and writing allocate next to nothing over Pebble either.
func TestFewAllocations(t *testing.T) {
	_, kv := counts(t)
	require.NoError(t, kv.Put("key", 1, 1))
	require.LessOrEqual(t, testing.AllocsPerRun(1000, func() {
		v, ts, _, _ := kv.Get("key")
		_ = kv.Put("key", v+1, ts+1)
	}), 2.0)
}

func BenchmarkCount(b *testing.B) {
	db, kv := counts(b)
	keys := make([]string, 10_000)
	for i := range keys {
		keys[i] = fmt.Sprintf("user-%d", i)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		k := keys[i*7919%len(keys)]
		v, ts, _, _ := kv.Get(k)
		_ = kv.Put(k, v+1, ts+1)
		if i%10_000 == 0 {
			_ = db.Commit(store.Position{"t": int64(i)})
		}
	}
}
