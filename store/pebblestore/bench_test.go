package pebblestore_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/keyenc"
	"github.com/millrace/millrace/store/pebblestore"
)

// Benchmarks of the engine against raw Pebble with the same options, in the same run:
//
//	go test -bench . -run xxx ./store/pebblestore
//
// cpu-ns/op is what the process used, flushes and compactions included; unlike the
// elapsed time it hardly depends on what else the machine does.
//
// Keys are 10 bytes, values 16, in random order; 5M keys do not fit into the cache.

const (
	benchCache  = 64 << 20
	benchCommit = 10_000 // writes in a batch
)

// kv is what both sides can do.
type benchKV interface {
	get(key []byte) error
	put(key, value []byte) error
	commit() error
}

// ours is one engine of a DB.
type ours struct {
	db *pebblestore.DB
	e  store.Engine
	n  int64
}

func (o *ours) get(key []byte) error {
	_, _, err := o.e.Get(key)
	return err
}
func (o *ours) put(key, value []byte) error { return o.e.Put(key, value) }

func (o *ours) commit() error {
	o.n++
	return o.db.Commit(store.Position{"log": o.n})
}

// rawPebble writes through plain batches, and reads what is committed only.
type rawPebble struct {
	db *pebble.DB
	b  *pebble.Batch
}

func (r *rawPebble) get(key []byte) error {
	_, closer, err := r.db.Get(key)
	if err == pebble.ErrNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	return closer.Close()
}
func (r *rawPebble) put(key, value []byte) error { return r.b.Set(key, value, nil) }

func (r *rawPebble) commit() error {
	if err := r.b.Commit(pebble.NoSync); err != nil {
		return err
	}
	r.b = r.db.NewBatch()
	return nil
}

func benchOurs(b *testing.B) benchKV {
	b.Helper()
	shared := pebblestore.NewShared(2 * benchCache)
	db, err := pebblestore.Open(b.TempDir(), pebblestore.Options{Shared: shared})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, db.Close()); require.NoError(b, shared.Close()) })
	e, err := db.Engine(plain)
	require.NoError(b, err)
	return &ours{db: db, e: e}
}

// benchRaw is Pebble as the engine sets it up, without what the engine adds.
func benchRaw(b *testing.B) benchKV {
	b.Helper()
	o := &pebble.Options{
		MemTableSize: benchCache / 4, L0CompactionThreshold: 2, DisableWAL: true, CacheSize: benchCache,
		FormatMajorVersion: pebble.FormatNewest, Logger: quiet{},
	}
	for i := range o.Levels {
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
	}
	db, err := pebble.Open(b.TempDir(), o)
	require.NoError(b, err)
	r := &rawPebble{db: db, b: db.NewBatch()}
	b.Cleanup(func() { _ = r.b.Close(); require.NoError(b, db.Close()) })
	return r
}

func sides() map[string]func(*testing.B) benchKV {
	return map[string]func(*testing.B) benchKV{"millrace": benchOurs, "pebble": benchRaw}
}

// reportCPU measures from now to the call of what it returns.
func reportCPU(b *testing.B) func() {
	used := func() float64 {
		var u syscall.Rusage
		require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
		return float64(u.Utime.Nano() + u.Stime.Nano())
	}
	before := used()
	return func() { b.ReportMetric((used()-before)/float64(b.N), "cpu-ns/op") }
}

func benchKey(dst []byte, k int) []byte {
	dst = append(dst[:0], 'k', '-')
	return binary.BigEndian.AppendUint64(dst, uint64(k)*0x9E3779B97F4A7C15)
}

// forBoth runs a benchmark for both sides and sizes, each filled before.
func forBoth(b *testing.B, op func(kv benchKV, key, value []byte) error) {
	for _, keys := range []int{100_000, 5_000_000} {
		for _, side := range []string{"millrace", "pebble"} {
			b.Run(fmt.Sprintf("keys=%d/%s", keys, side), func(b *testing.B) {
				if keys > 1_000_000 && testing.Short() {
					b.Skip("filling takes some time")
				}
				kv := sides()[side](b)
				var key []byte
				value := make([]byte, 16)
				for k := range keys {
					key = benchKey(key, k)
					require.NoError(b, kv.put(key, value))
					if k%benchCommit == benchCommit-1 {
						require.NoError(b, kv.commit())
					}
				}
				require.NoError(b, kv.commit())
				rng := rand.New(rand.NewPCG(1, 1))
				b.ReportAllocs()
				b.ResetTimer()
				defer reportCPU(b)()
				for i := 0; b.Loop(); i++ {
					key = benchKey(key, rng.IntN(keys))
					if err := op(kv, key, value); err != nil {
						b.Fatal(err)
					}
					if i%benchCommit == benchCommit-1 {
						if err := kv.commit(); err != nil {
							b.Fatal(err)
						}
					}
				}
			})
		}
	}
}

func BenchmarkGet(b *testing.B) {
	forBoth(b, func(kv benchKV, key, _ []byte) error { return kv.get(key) })
}

func BenchmarkPut(b *testing.B) {
	forBoth(b, func(kv benchKV, key, value []byte) error { return kv.put(key, value) })
}

// BenchmarkGetPut is the pattern of a count.
func BenchmarkGetPut(b *testing.B) {
	forBoth(b, func(kv benchKV, key, value []byte) error {
		if err := kv.get(key); err != nil {
			return err
		}
		return kv.put(key, value)
	})
}

func benchWindows(b *testing.B) (*pebblestore.DB, *store.Window[string, int64]) {
	b.Helper()
	shared := pebblestore.NewShared(2 * benchCache)
	db, err := pebblestore.Open(b.TempDir(), pebblestore.Options{Shared: shared})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, db.Close()); require.NoError(b, shared.Close()) })
	spec := store.Spec{Name: "windows", Kind: store.KindWindow, Timestamped: true, WindowSize: time.Minute, Retention: time.Hour}
	e, err := db.Engine(spec)
	require.NoError(b, err)
	w, err := store.NewWindow(e, spec, text{}, long{})
	require.NoError(b, err)
	return db, w
}

// BenchmarkWindow puts into a window of a minute and fetches ten minutes of the key,
// as a join does. Pebble gets the same keys, and sees what is committed only.
func BenchmarkWindow(b *testing.B) {
	b.Run("millrace", func(b *testing.B) {
		db, w := benchWindows(b)
		windowOps(b, func(k string, start, now int64) (n int, err error) {
			if err := w.Put(k, start, now, now); err != nil {
				return 0, err
			}
			for _, err := range w.Fetch(k, start-600_000, start) {
				if err != nil {
					return 0, err
				}
				n++
			}
			return n, nil
		}, func(i int64) error { return db.Commit(store.Position{"log": i}) })
	})
	b.Run("pebble", func(b *testing.B) {
		raw := benchRaw(b).(*rawPebble)
		var lo, hi []byte
		value := make([]byte, 16)
		windowOps(b, func(k string, start, now int64) (int, error) {
			binary.BigEndian.PutUint64(value, uint64(now))
			lo = keyenc.AppendWindow(lo[:0], keyenc.Segment(start, windowSegment), []byte(k), start, 0)
			if err := raw.put(lo, value); err != nil {
				return 0, err
			}
			return raw.fetch(&lo, &hi, k, start-600_000, start)
		}, func(int64) error { return raw.commit() })
	})
}

const windowSegment = 1_800_000 // ms, half of the retention

// fetch reads the windows of a key, segment by segment.
func (r *rawPebble) fetch(lo, hi *[]byte, k string, from, to int64) (n int, err error) {
	for segment := keyenc.Segment(from, windowSegment); segment <= keyenc.Segment(to, windowSegment); segment++ {
		*lo = keyenc.AppendWindow((*lo)[:0], segment, []byte(k), from, 0)
		*hi = keyenc.AppendWindow((*hi)[:0], segment, []byte(k), to+1, 0)
		it, err := r.db.NewIter(&pebble.IterOptions{LowerBound: *lo, UpperBound: *hi})
		if err != nil {
			return n, err
		}
		for ok := it.First(); ok; ok = it.Next() {
			n++
		}
		if err := it.Close(); err != nil {
			return n, err
		}
	}
	return n, nil
}

// windowOps puts and fetches for a thousand keys, each of which comes every 20
// seconds.
func windowOps(b *testing.B, op func(k string, start, now int64) (int, error), commit func(i int64) error) {
	keys := make([]string, 1000)
	for i := range keys {
		keys[i] = fmt.Sprint("user-", i)
	}
	now, found := int64(3_600_000_000), 0
	b.ReportAllocs()
	defer reportCPU(b)()
	for i := 0; b.Loop(); i++ {
		now += 20
		n, err := op(keys[i%len(keys)], now/60_000*60_000, now)
		if err != nil {
			b.Fatal(err)
		}
		found += n
		if i%benchCommit == benchCommit-1 {
			if err := commit(int64(i)); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(found)/float64(b.N), "windows/op")
}

// BenchmarkExpiry lets one segment of 10,000 windows go at each operation, and scans
// what is left: the range deletions before must cost the scan nothing.
func BenchmarkExpiry(b *testing.B) {
	for _, expired := range []int{0, 100} {
		b.Run(fmt.Sprintf("segments=%d", expired), func(b *testing.B) {
			db, w := benchWindows(b)
			segment := int64(1_800_000) // half of the retention
			fill := func(s int64, n int) {
				for i := range n {
					require.NoError(b, w.Put(fmt.Sprint("user-", i), s*segment, 1, s*segment))
				}
				require.NoError(b, db.Commit(store.Position{"log": s}))
			}
			for s := range int64(expired) {
				fill(s, 1000)
			}
			last := int64(expired) + 10
			fill(last, 10_000)
			b.ReportAllocs()
			for b.Loop() {
				n := 0
				for _, err := range w.All() {
					if err != nil {
						b.Fatal(err)
					}
					n++
				}
				if n != 10_000 {
					b.Fatal(n)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/10_000, "ns/entry")
		})
	}
}

// BenchmarkDeleteRange is the cost of dropping one segment, whatever is in it.
func BenchmarkDeleteRange(b *testing.B) {
	o := benchOurs(b).(*ours)
	var lo, hi []byte
	for i := 0; b.Loop(); i++ {
		lo, hi = binary.BigEndian.AppendUint64(lo[:0], uint64(i)), binary.BigEndian.AppendUint64(hi[:0], uint64(i+1))
		for j := range 10 {
			require.NoError(b, o.e.Put(append(lo, byte(j)), nil))
		}
		require.NoError(b, o.e.DeleteRange(lo, hi))
		require.NoError(b, o.commit())
	}
}

// BenchmarkRestore compares the two ways to restore records of 1 KiB, random keys, of
// which each comes twice.
func BenchmarkRestore(b *testing.B) {
	const batch = 4096
	value := make([]byte, 1024)
	restore := func(b *testing.B, apply func([]store.Mutation, store.Position) error, finish func() error) {
		rng := rand.New(rand.NewPCG(1, 1))
		muts := make([]store.Mutation, batch)
		b.SetBytes(batch * 1034)
		for i := 0; b.Loop(); i++ {
			for j := range muts {
				for at := 0; at < len(value); at += 8 {
					binary.LittleEndian.PutUint64(value[at:], rng.Uint64())
				}
				muts[j] = store.Mutation{Key: benchKey(muts[j].Key, rng.IntN(1_000_000)), Value: append(muts[j].Value[:0], value...)}
			}
			if err := apply(muts, store.Position{"log": int64(i)}); err != nil {
				b.Fatal(err)
			}
		}
		require.NoError(b, finish())
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*batch), "ns/record")
	}
	b.Run("apply", func(b *testing.B) {
		o := benchRestored(b)
		restore(b, func(m []store.Mutation, p store.Position) error { return o.db.Apply("plain", m, p) }, o.db.Flush)
	})
	b.Run("load", func(b *testing.B) {
		o := benchRestored(b)
		load, err := o.db.Load()
		require.NoError(b, err)
		restore(b, func(m []store.Mutation, p store.Position) error { return load.Add("plain", m, p) }, load.Close)
	})
}

// benchRestored has a budget for runs of 64 MiB.
func benchRestored(b *testing.B) *ours {
	b.Helper()
	shared := pebblestore.NewShared(2 << 30)
	db, err := pebblestore.Open(b.TempDir(), pebblestore.Options{Shared: shared})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, db.Close()); require.NoError(b, shared.Close()) })
	e, err := db.Engine(plain)
	require.NoError(b, err)
	return &ours{db: db, e: e}
}
