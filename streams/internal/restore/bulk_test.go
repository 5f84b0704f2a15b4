package restore_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/memstore"
	"github.com/millrace/millrace/store/pebblestore"
	"github.com/millrace/millrace/streams/internal/restore"
	"github.com/millrace/millrace/streams/internal/topo"
)

const long = 20_000 // records, enough for a bulk load

// history produces a changelog, a tenth of it deletions, and returns what a store
// holds after a number of its records.
func (w *world) history(n int) (at func(offset int64) map[string]string) {
	w.t.Helper()
	rng := rand.New(rand.NewPCG(7, 7))
	rs := make([]*kgo.Record, n)
	for i := range rs {
		rs[i] = &kgo.Record{Topic: topic, Partition: 1, Key: fmt.Appendf(nil, "key %05d", rng.IntN(n/2))}
		if rng.IntN(10) > 0 {
			rs[i].Value = fmt.Appendf(nil, "value %0200d", i)
		}
	}
	require.NoError(w.t, w.admin.ProduceSync(context.Background(), rs...).FirstErr())
	return func(offset int64) map[string]string {
		out := map[string]string{}
		for _, r := range rs[:offset] {
			if r.Value == nil {
				delete(out, string(r.Key))
			} else {
				out[string(r.Key)] = string(r.Value)
			}
		}
		return out
	}
}

// pebble opens a DB with so little memory that a load takes several runs.
func pebble(t *testing.T, fs vfs.FS) *pebblestore.DB {
	t.Helper()
	shared := pebblestore.NewShared(8 << 20)
	t.Cleanup(func() { require.NoError(t, shared.Close()) })
	db, err := pebblestore.Open("state/1_1", pebblestore.Options{FS: fs, Shared: shared})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func contents(t *testing.T, db store.DB) map[string]string {
	t.Helper()
	e, err := db.Engine(counts().Spec)
	require.NoError(t, err)
	out := map[string]string{}
	require.NoError(t, e.Scan(nil, nil, false, func(k, v []byte) bool {
		out[string(k)] = string(v)
		return true
	}))
	return out
}

// A bulk load ends in what batches end in.
func TestBulkLoadEqualsBatches(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t), context.Background()
	at := w.history(long)
	bulk, batched := pebble(t, vfs.NewMem()), memstore.New()
	for _, db := range []store.DB{bulk, batched} {
		p, err := w.restore(ctx, db, counts())
		require.NoError(t, err)
		require.EqualValues(t, long, p.Status().Done)
		require.EqualValues(t, long, p.Status().Records)
		require.Equal(t, store.Position{topic: long}, db.Position())
		require.Equal(t, at(long), contents(t, db))
	}
	m, ok := bulk.Metrics()
	require.True(t, ok)
	require.Greater(t, m.Ingests, int64(2), "it was loaded in runs")
	require.NoError(t, bulk.Commit(store.Position{topic: long + 1}), "the load is over")
}

// A short tail is applied: it needs no tables of its own.
func TestShortTailIsApplied(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	at := w.history(100)
	db := pebble(t, vfs.NewMem())
	_, err := w.restore(context.Background(), db, counts())
	require.NoError(t, err)
	require.Equal(t, at(100), contents(t, db))
	m, _ := db.Metrics()
	require.Zero(t, m.Ingests)
}

// The power goes in the middle of a bulk load: what is found is what the changelog
// says at the position that is found, and the rest follows.
func TestCrashInTheMiddleOfABulkLoad(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t), context.Background()
	at := w.history(long)
	fs, rng := vfs.NewCrashableMem(), rand.New(rand.NewPCG(1, 1))
	var crashed []*vfs.MemFS
	w.events.onBatch = func(restore.Event) {
		percent := []int{0, 50, 100}[len(crashed)%3]
		crashed = append(crashed, fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rng}))
	}
	_, err := w.restore(ctx, pebble(t, fs), counts())
	require.NoError(t, err)
	w.events.onBatch = nil
	middles := 0
	for _, fs := range crashed {
		db := pebble(t, fs)
		from := db.Position()[topic]
		require.Equal(t, at(from), contents(t, db), "at %d", from)
		if from > 0 && from < long {
			middles++
		}
		_, err := w.restore(ctx, db, counts())
		require.NoError(t, err)
		require.Equal(t, at(long), contents(t, db), "after %d", from)
		require.Equal(t, from, w.events.starts[0].From, "what is there is not read again")
	}
	require.Positive(t, middles, "%d crashes", len(crashed))
}

// The task is revoked in the middle: the DB is closed at once, at the end of a run.
func TestRevokeInTheMiddleOfABulkLoad(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	at := w.history(long)
	fs := vfs.NewMem()
	ctx, revoke := context.WithCancel(context.Background())
	db := pebble(t, fs)
	w.events.onBatch = func(e restore.Event) {
		if e.Next > long/2 {
			revoke()
		}
	}
	_, err := w.restore(ctx, db, counts())
	require.ErrorIs(t, err, context.Canceled)
	require.Len(t, w.events.abandoned, 1)
	require.ErrorIs(t, db.Commit(nil), store.ErrClosed)
	w.events.onBatch = nil

	again := pebble(t, fs)
	from := again.Position()[topic]
	require.Positive(t, from)
	require.Less(t, from, int64(long))
	require.Equal(t, at(from), contents(t, again))
	_, err = w.restore(context.Background(), again, counts())
	require.NoError(t, err)
	require.Equal(t, from, w.events.starts[0].From)
	require.Equal(t, at(long), contents(t, again))
}

// Each store of a task is complete when its end is announced.
func TestBulkLoadOfTwoStores(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	at := w.history(long)
	w.produceTo("app-other-changelog", 3000)
	db := pebble(t, vfs.NewMem())
	w.events.onEnd = func(e restore.Event) {
		require.Equal(t, e.To, db.Position()[e.Topic], e.Store)
	}
	other := topo.Store{Spec: store.Spec{Name: "other", Kind: store.KindKeyValue, Timestamped: true}, Changelog: "app-other-changelog"}
	_, err := w.restore(context.Background(), db, counts(), other)
	require.NoError(t, err)
	require.Len(t, w.events.ends, 2)
	require.Equal(t, at(long), contents(t, db))
	e, err := db.Engine(other.Spec)
	require.NoError(t, err)
	value, ok, err := e.Get([]byte("o2999"))
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, "v", string(value[8:]))
}
