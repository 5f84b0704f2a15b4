package restore_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/memstore"
	"github.com/millrace/millrace/streams/internal/restore"
	"github.com/millrace/millrace/streams/internal/topo"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const topic = "app-counts-changelog"

func counts() topo.Store {
	return topo.Store{Spec: store.Spec{Name: "counts", Kind: store.KindKeyValue}, Changelog: topic}
}

// world is a broker with one changelog of two partitions, of which the task has
// the second.
type world struct {
	t       *testing.T
	addrs   []string
	admin   *kgo.Client
	clients int
	log     bytes.Buffer
	events  events

	committed atomic.Int64 // by the group, in the source topic
	caughtUp  atomic.Int64 // how often all copies have
}

func newWorld(t *testing.T) *world {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, topic, "app-other-changelog"))
	require.NoError(t, err)
	t.Cleanup(c.Close)
	w := &world{t: t, addrs: c.ListenAddrs()}
	w.admin, err = kgo.NewClient(kgo.SeedBrokers(w.addrs...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchMaxBytes(128<<10), kgo.ProducerBatchCompression(kgo.NoCompression()))
	require.NoError(t, err)
	t.Cleanup(w.admin.Close)
	return w
}

// produce writes n keys to the task's partition; key k gets the value of round.
func (w *world) produce(n int, round string) {
	w.t.Helper()
	var rs []*kgo.Record
	for i := range n {
		rs = append(rs, &kgo.Record{Topic: topic, Partition: 1, Key: fmt.Appendf(nil, "k%03d", i), Value: []byte(round)})
	}
	require.NoError(w.t, w.admin.ProduceSync(context.Background(), rs...).FirstErr())
}

// produceTo writes n keys to the task's partition of another topic.
func (w *world) produceTo(topic string, n int) {
	w.t.Helper()
	var rs []*kgo.Record
	for i := range n {
		rs = append(rs, &kgo.Record{Topic: topic, Partition: 1, Key: fmt.Appendf(nil, "o%d", i), Value: []byte("v")})
	}
	require.NoError(w.t, w.admin.ProduceSync(context.Background(), rs...).FirstErr())
}

func (w *world) restorer() *restore.Restorer {
	return restore.New(restore.Options{
		Admin: w.admin, Parallel: 1, Observer: &w.events, Log: slog.New(slog.NewTextHandler(&w.log, nil)),
		Client: func(opts ...kgo.Opt) (*kgo.Client, error) {
			w.clients++
			// Small fetches, so that there is a middle.
			opts = append(opts, kgo.FetchMaxPartitionBytes(256<<10), kgo.FetchMaxBytes(256<<10))
			return kgo.NewClient(append(opts, kgo.SeedBrokers(w.addrs...))...)
		},
	})
}

// restore runs one job to its end.
func (w *world) restore(ctx context.Context, db store.DB, stores ...topo.Store) (*restore.Progress, error) {
	w.t.Helper()
	w.events.reset()
	p := new(restore.Progress)
	done := make(chan error, 1)
	w.restorer().Start(ctx, restore.Job{
		Task: topo.TaskID{Subtopology: 1, Partition: 1}, Stores: stores, Progress: p,
		Open: func() (store.DB, error) { return db, nil },
	}, func(_ store.DB, err error) { done <- err })
	select {
	case err := <-done:
		return p, err
	case <-time.After(20 * time.Second):
		w.t.Fatal("restoring does not end")
		return nil, nil
	}
}

func (w *world) get(db store.DB, key string) string {
	w.t.Helper()
	e, err := db.Engine(counts().Spec)
	require.NoError(w.t, err)
	v, _, err := e.Get([]byte(key))
	require.NoError(w.t, err)
	return string(v)
}

// events keeps what an observer is told.
type events struct {
	mu                          sync.Mutex
	starts, ends, abandoned     []restore.Event
	batches                     int
	lastRecords, lastBatchStart int64
	onBatch, onEnd              func(restore.Event)
}

func (e *events) reset() {
	e.starts, e.ends, e.abandoned, e.batches = nil, nil, nil, 0
}

func (e *events) Start(x restore.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.starts = append(e.starts, x)
}
func (e *events) End(x restore.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ends = append(e.ends, x)
	if e.onEnd != nil {
		e.onEnd(x)
	}
}
func (e *events) Abandon(x restore.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.abandoned = append(e.abandoned, x)
}
func (e *events) Batch(x restore.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.batches++
	e.lastRecords, e.lastBatchStart = x.Records, x.From
	if e.onBatch != nil {
		e.onBatch(x)
	}
}

func TestRestoresAllThenNothingThenTheTail(t *testing.T) {
	t.Parallel()
	w, db, ctx := newWorld(t), memstore.New(), context.Background()
	w.produce(100, "first")

	p, err := w.restore(ctx, db, counts())
	require.NoError(t, err)
	require.Equal(t, "first", w.get(db, "k099"))
	require.Equal(t, store.Position{topic: 100}, db.Position())
	require.EqualValues(t, 100, w.events.ends[0].Records)
	require.EqualValues(t, 100, p.Status().Done)
	require.EqualValues(t, 100, p.Status().Total)
	require.Equal(t, 1, w.clients)

	_, err = w.restore(ctx, db, counts())
	require.NoError(t, err)
	require.Len(t, w.events.starts, 1, "a store with nothing to restore is announced too")
	require.Len(t, w.events.ends, 1)
	require.Zero(t, w.events.ends[0].Records)
	require.Equal(t, 1, w.clients, "no client is made for nothing")

	w.produce(10, "second")
	_, err = w.restore(ctx, db, counts())
	require.NoError(t, err)
	require.EqualValues(t, 10, w.events.ends[0].Records)
	require.EqualValues(t, 100, w.events.starts[0].From)
	require.Equal(t, "second", w.get(db, "k009"))
	require.Equal(t, "first", w.get(db, "k010"))
}

// TestPositionOutsideOfTheLogRebuilds: a position beyond the end means another
// topic, one before the start means lost records; neither store can be trusted.
func TestPositionOutsideOfTheLogRebuilds(t *testing.T) {
	t.Parallel()
	for name, pos := range map[string]int64{"beyond the end": 1000, "before the start": 3} {
		w, db, ctx := newWorld(t), memstore.New(), context.Background()
		w.produce(20, "first")
		if name == "before the start" {
			_, err := kadm.NewClient(w.admin).DeleteRecords(ctx, kadm.Offsets{topic: {1: {Topic: topic, Partition: 1, At: 5}}})
			require.NoError(t, err)
		}
		e, err := db.Engine(counts().Spec)
		require.NoError(t, err)
		require.NoError(t, e.Put([]byte("stale"), []byte("x")))
		require.NoError(t, db.Commit(store.Position{topic: pos}))

		_, err = w.restore(ctx, db, counts())
		require.NoError(t, err, name)
		require.Empty(t, w.get(db, "stale"), name)
		require.Equal(t, "first", w.get(db, "k019"), name)
		require.Equal(t, store.Position{topic: 20}, db.Position(), name)
		require.Contains(t, w.log.String(), "does not fit its changelog", name)
	}
}

func TestUnloggedStoreIsOpenedAndLeftAlone(t *testing.T) {
	t.Parallel()
	w, db := newWorld(t), memstore.New()
	local := topo.Store{Spec: store.Spec{Name: "local", Kind: store.KindKeyValue, LoggingOff: true}}
	_, err := w.restore(context.Background(), db, local)
	require.NoError(t, err)
	require.Empty(t, w.events.starts)
	require.Zero(t, w.clients)
}

func TestCancelledRestoreClosesTheStateAndSaysSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.produce(5, "first")
	ctx, cancel := context.WithCancel(context.Background())
	db := cancelling{memstore.New(), cancel}
	_, err := w.restore(ctx, db, counts())
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, db.Commit(nil), store.ErrClosed)
}

// cancelling gives up its restore when it is about to be written to.
type cancelling struct {
	*memstore.DB
	cancel func()
}

func (c cancelling) Position() store.Position { c.cancel(); return c.DB.Position() }

func TestMissingChangelogNamesIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := counts()
	s.Changelog = "app-gone-changelog"
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_, err := w.restore(ctx, memstore.New(), s)
	require.Error(t, err)
	require.ErrorContains(t, err, "task 1_1")
}

// TestSourceTopicsEndAtTheCommittedOffset: a store that is restored from the topic of
// its table must not know what the task has yet to process.
func TestSourceTopicsEndAtTheCommittedOffset(t *testing.T) {
	t.Parallel()
	for committed, want := range map[int64]string{-1: "", 3: "old", 10: "old", 13: "new", 99: "new"} {
		w := newWorld(t)
		w.produce(10, "old")
		w.produce(10, "new")
		s := counts()
		s.FromSource = true
		db := memstore.New()
		done := make(chan error, 1)
		w.restorer().Start(context.Background(), restore.Job{
			Task: topo.TaskID{Subtopology: 1, Partition: 1}, Stores: []topo.Store{s}, Progress: new(restore.Progress),
			Open:      func() (store.DB, error) { return db, nil },
			Committed: func() map[string]int64 { return map[string]int64{topic: committed} },
		}, func(_ store.DB, err error) { done <- err })
		require.NoError(t, <-done)
		require.Equal(t, want, w.get(db, "k002"), committed)
		require.Equal(t, max(0, min(committed, 20)), db.Position()[topic])
	}
}
