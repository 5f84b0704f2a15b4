package restore

import (
	"encoding/binary"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/pebblestore"
	"github.com/millrace/millrace/streams/internal/topo"
)

// BenchmarkRestore is what restoring costs behind the fetch, by batches and by a bulk
// load, of records of 1 KiB whose keys come twice: elapsed time, and the process's
// CPU time with the compactions that follow. It takes a long run to show them:
//
//	go test ./streams/internal/restore -run xxx -bench Restore -benchtime 300x
func BenchmarkRestore(b *testing.B) {
	b.Run("batches", func(b *testing.B) {
		benchRestore(b, func(db *pebblestore.DB) target { return &batches{db: db} })
	})
	b.Run("bulk", func(b *testing.B) {
		benchRestore(b, func(db *pebblestore.DB) target {
			l, err := db.Load()
			require.NoError(b, err)
			return &load{Loader: l}
		})
	})
}

// benchMemory leaves 1 GiB for runs, of which one task of four has 256 MiB.
const benchMemory = 8 << 30

func benchRestore(b *testing.B, open func(*pebblestore.DB) target) {
	shared := pebblestore.NewShared(benchMemory)
	db, err := pebblestore.Open(b.TempDir(), pebblestore.Options{Shared: shared})
	require.NoError(b, err)
	s := topo.Store{Spec: store.Spec{Name: "s", Kind: store.KindKeyValue, Timestamped: true}, Changelog: "log"}
	e, err := db.Engine(s.Spec)
	require.NoError(b, err)
	c, into := newCursor(topo.TaskID{}, s, e), open(db)
	records, rng := benchRecords(), rand.New(rand.NewPCG(1, 1))
	b.SetBytes(int64(len(records)) * 1034)
	var making, before time.Duration
	before = cpu(b)
	for b.Loop() {
		start := cpu(b)
		refill(records, rng, c.next)
		making += cpu(b) - start
		require.NoError(b, c.read(into, records))
	}
	require.NoError(b, into.close())
	require.NoError(b, db.Flush())
	require.NoError(b, db.Close())
	require.NoError(b, shared.Close())
	n := float64(b.N * len(records))
	b.ReportMetric(float64(b.Elapsed())/n, "ns/record")
	b.ReportMetric(float64(cpu(b)-before-making)/n, "cpu-ns/record")
}

func benchRecords() []*kgo.Record {
	rs := make([]*kgo.Record, 4096)
	for i := range rs {
		rs[i] = &kgo.Record{Topic: "log", Key: make([]byte, 10), Value: make([]byte, 1024), Timestamp: time.Unix(1, 0)}
	}
	return rs
}

func refill(rs []*kgo.Record, rng *rand.Rand, next int64) {
	for i, r := range rs {
		r.Offset = next + int64(i)
		copy(r.Key, "k-")
		binary.BigEndian.PutUint64(r.Key[2:], uint64(rng.IntN(600_000))*0x9E3779B97F4A7C15)
		for at := 0; at < len(r.Value); at += 64 { // compresses as text does
			binary.LittleEndian.PutUint64(r.Value[at:], rng.Uint64())
		}
	}
}

// cpu is what the process has used so far.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
