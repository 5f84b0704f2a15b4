package global_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/memstore"
	"github.com/millrace/millrace/store/pebblestore"
	"github.com/millrace/millrace/streams/internal/global"
	"github.com/millrace/millrace/streams/internal/restore"
	"github.com/millrace/millrace/streams/internal/task"
	"github.com/millrace/millrace/streams/internal/topo"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	topic      = "countries"
	partitions = 3
)

// globals are one store, or one for each topic.
func globals(topics ...string) (out []topo.Global) {
	for i, t := range topics {
		out = append(out, topo.Global{
			Subtopology: int32(i), Topic: t, Where: "main.go:7",
			Store: topo.Store{Spec: store.Spec{Name: t + "-store", Kind: store.KindKeyValue, LoggingOff: true}},
		})
	}
	return out
}

// program copies the records of each topic into its store. A value "bad" cannot be
// decoded, a null key is left out, "boom" panics and "send" emits.
type program []topo.Global

var errBad = errors.New("this is no country")

func (p program) Link(id topo.TaskID, rt task.Runtime) (*task.Linked, error) {
	g := p[id.Subtopology]
	e, err := rt.Engine(g.Store.Spec.Name)
	if err != nil {
		return nil, err
	}
	return &task.Linked{Entries: map[string]task.Entry{g.Topic: func(r *task.Raw) error {
		switch {
		case string(r.Value) == "bad":
			return &task.DecodeError{Operator: "SOURCE", Where: g.Where, Part: "value", Err: errBad}
		case string(r.Value) == "boom":
			panic(errBad)
		case string(r.Value) == "send":
			return rt.Emit(&task.Out{})
		case string(r.Value) == "elsewhere":
			_, err := rt.Engine("elsewhere")
			return err
		case r.Key == nil:
			rt.Skipped("SOURCE", "null-key")
			return nil
		case r.Value == nil:
			return e.Delete(r.Key)
		}
		return e.Put(r.Key, r.Value)
	}}}, nil
}

// world is a broker with the topics of global stores.
type world struct {
	t      *testing.T
	addrs  []string
	client *kgo.Client
	log    bytes.Buffer
	seen   observed
	opt    task.Options
}

func newWorld(t *testing.T) *world {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(partitions, topic, "currencies"))
	require.NoError(t, err)
	t.Cleanup(c.Close)
	w := &world{t: t, addrs: c.ListenAddrs()}
	w.client, err = kgo.NewClient(kgo.SeedBrokers(w.addrs...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	require.NoError(t, err)
	t.Cleanup(w.client.Close)
	return w
}

// produce writes "key=value" to the partition that the key's last byte says; a missing
// value is null.
func (w *world) produce(topic string, rows ...string) {
	w.t.Helper()
	require.NoError(w.t, w.client.ProduceSync(context.Background(), records(topic, rows...)...).FirstErr())
}

func records(topic string, rows ...string) (out []*kgo.Record) {
	for _, row := range rows {
		k, v, ok := strings.Cut(row, "=")
		r := &kgo.Record{Topic: topic}
		if k != "" {
			r.Key, r.Partition = []byte(k), int32(k[len(k)-1])%partitions
		}
		if ok {
			r.Value = []byte(v)
		}
		out = append(out, r)
	}
	return out
}

func (w *world) open(ctx context.Context, db store.Follower, gs ...topo.Global) (*global.Keeper, error) {
	w.seen = observed{}
	return global.Open(ctx, global.Options{
		Globals: gs, Program: program(gs), Task: w.opt, DB: db, Admin: w.client, Observer: &w.seen,
		Log: slog.New(slog.NewTextHandler(&w.log, nil)),
		Client: func(opts ...kgo.Opt) (*kgo.Client, error) {
			return kgo.NewClient(append(opts, kgo.SeedBrokers(w.addrs...))...)
		},
	})
}

// keep is open, with a goroutine that keeps up; stop ends both.
func (w *world) keep(db store.Follower, gs ...topo.Global) (k *global.Keeper, stop func()) {
	w.t.Helper()
	k, err := w.open(context.Background(), db, gs...)
	require.NoError(w.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- k.Run(ctx) }()
	return k, sync.OnceFunc(func() {
		cancel()
		require.NoError(w.t, <-done)
		require.NoError(w.t, k.Close())
	})
}

// rows is what a store shows, sorted by key.
func rows(t testing.TB, k *global.Keeper, name string) (out []string) {
	t.Helper()
	r, err := k.Reader(name)
	require.NoError(t, err)
	require.NoError(t, r.Scan(nil, nil, false, func(k, v []byte) bool {
		out = append(out, fmt.Sprintf("%s=%s", k, v))
		return true
	}))
	return out
}

// observed keeps what a restore.Observer is told.
type observed struct {
	mu            sync.Mutex
	starts, ends  []restore.Event
	lost, batches int
}

func (o *observed) Start(e restore.Event) { o.note(func() { o.starts = append(o.starts, e) }) }
func (o *observed) Batch(restore.Event)   { o.note(func() { o.batches++ }) }
func (o *observed) End(e restore.Event)   { o.note(func() { o.ends = append(o.ends, e) }) }
func (o *observed) Abandon(restore.Event) { o.note(func() { o.lost++ }) }

func (o *observed) note(f func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	f()
}

// read is how many records the ends tell of.
func (o *observed) read() (n int64) {
	for _, e := range o.ends {
		n += e.Records
	}
	return n
}

// TestFilledBeforeAndKeptAfterwards: all partitions of all topics, deletions included.
func TestFilledBeforeAndKeptAfterwards(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.produce(topic, "fr=France", "de=Germany", "xx=Nowhere", "es=Spain", "xx")
	w.produce("currencies", "eur=Euro")
	gs := globals(topic, "currencies")
	k, stop := w.keep(memstore.New(), gs...)
	defer stop()
	require.Equal(t, []string{"de=Germany", "es=Spain", "fr=France"}, rows(t, k, "countries-store"))
	require.Equal(t, []string{"eur=Euro"}, rows(t, k, "currencies-store"))
	require.Len(t, w.seen.ends, 2*partitions)
	require.EqualValues(t, 6, w.seen.read())

	w.produce(topic, "it=Italy", "de")
	require.Eventually(t, func() bool {
		return slices.Equal(rows(t, k, "countries-store"), []string{"es=Spain", "fr=France", "it=Italy"})
	}, 10*time.Second, 5*time.Millisecond)
	require.Eventually(t, func() bool {
		s := k.Status()
		return s[0].Records == 7 && s[1].Records == 1 && s[0].Lag+s[1].Lag == 0
	}, 10*time.Second, 5*time.Millisecond)
	require.Equal(t, "currencies", k.Status()[1].Topic)
	require.Positive(t, k.StateBytes())
}

// TestARestartReadsTheRest of each partition, and nothing if there is none.
func TestARestartReadsTheRest(t *testing.T) {
	t.Parallel()
	w, dir := newWorld(t), t.TempDir()
	open := func() store.Follower {
		db, err := pebblestore.Open(dir, pebblestore.Options{})
		require.NoError(t, err)
		return db
	}
	w.produce(topic, "fr=France", "de=Germany")
	_, stop := w.keep(open(), globals(topic)...)
	stop()
	w.produce(topic, "es=Spain", "de=Deutschland")
	k, stop := w.keep(open(), globals(topic)...)
	require.Equal(t, []string{"de=Deutschland", "es=Spain", "fr=France"}, rows(t, k, "countries-store"))
	require.EqualValues(t, 2, w.seen.read())
	stop()
	k, stop = w.keep(open(), globals(topic)...)
	require.Len(t, rows(t, k, "countries-store"), 3)
	require.Zero(t, w.seen.read())
	r, err := k.Reader("countries-store")
	require.NoError(t, err)
	stop()
	_, err = k.Reader("countries-store")
	require.ErrorIs(t, err, store.ErrClosed)
	_, _, err = r.Get([]byte("fr"))
	require.ErrorIs(t, err, store.ErrClosed)
	require.ErrorIs(t, r.Scan(nil, nil, false, nil), store.ErrClosed)
}

// TestAPositionThatTheTopicDoesNotContain says that the store is of another topic.
func TestAPositionThatTheTopicDoesNotContain(t *testing.T) {
	t.Parallel()
	w, db, gs := newWorld(t), memstore.New(), globals(topic)
	w.produce(topic, "fr=France")
	e, err := db.Engine(gs[0].Store.Spec)
	require.NoError(t, err)
	require.NoError(t, e.Put([]byte("su"), []byte("Soviet Union")))
	require.NoError(t, db.Commit(store.Position{topic + "/0": 17, topic + "/1": 0}))
	k, stop := w.keep(db, gs...)
	defer stop()
	require.Equal(t, []string{"fr=France"}, rows(t, k, "countries-store"))
	require.Contains(t, w.log.String(), "filled anew")
	require.Equal(t, store.Position{topic + "/0": 1, topic + "/1": 0, topic + "/2": 0}, db.Position())
}

// TestBadRecords end the application with their place, while the stores are filled and
// later, or are left out and counted.
func TestBadRecords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.produce(topic, "fr=France", "fr=bad", "fr=Frankreich", "=no key")
	_, err := w.open(context.Background(), memstore.New(), globals(topic)...)
	require.ErrorIs(t, err, errBad)
	require.ErrorContains(t, err, "countries/0 offset 1")
	require.ErrorContains(t, err, "main.go:7")
	require.Positive(t, w.seen.lost)

	w.opt.Undecodable = func(r *task.Raw, _ *task.DecodeError) bool { return string(r.Key) == "fr" }
	k, err := w.open(context.Background(), memstore.New(), globals(topic)...)
	require.NoError(t, err)
	require.Equal(t, []string{"fr=Frankreich"}, rows(t, k, "countries-store"))
	require.Equal(t, map[global.SkipKey]uint64{
		{Operator: "SOURCE", Reason: task.SkipUndecodable}: 1, {Operator: "SOURCE", Reason: "null-key"}: 1,
	}, k.Skipped())
	w.produce(topic, "de=bad")
	require.ErrorIs(t, k.Run(context.Background()), errBad)
	require.NoError(t, k.Close())
}

// TestWhatAProcessorMayNot: it sends nothing, has its own store only, and a panic is an
// error.
func TestWhatAProcessorMayNot(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{"send": "sends no records", "boom": "panic: this is no country", "elsewhere": `has no store "elsewhere"`} {
		w := newWorld(t)
		w.produce(topic, "fr="+value)
		_, err := w.open(context.Background(), memstore.New(), globals(topic)...)
		require.ErrorContains(t, err, want)
	}
}

// TestCommittedRecordsOnly: an aborted transaction leaves nothing, an open one is not
// waited for and shows once it is committed.
func TestCommittedRecordsOnly(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t), context.Background()
	cl, err := kgo.NewClient(kgo.SeedBrokers(w.addrs...), kgo.TransactionalID("writer"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	require.NoError(t, err)
	defer cl.Close()
	w.produce(topic, "fr=France")
	require.NoError(t, cl.BeginTransaction())
	require.NoError(t, cl.ProduceSync(ctx, records(topic, "fr=Nowhere")...).FirstErr())
	require.NoError(t, cl.EndTransaction(ctx, kgo.TryAbort))
	require.NoError(t, cl.BeginTransaction())
	require.NoError(t, cl.ProduceSync(ctx, records(topic, "fr=Frankreich")...).FirstErr())

	k, stop := w.keep(memstore.New(), globals(topic)...)
	defer stop()
	require.Equal(t, []string{"fr=France"}, rows(t, k, "countries-store"))
	require.NoError(t, cl.EndTransaction(ctx, kgo.TryCommit))
	require.Eventually(t, func() bool {
		return slices.Equal(rows(t, k, "countries-store"), []string{"fr=Frankreich"})
	}, 10*time.Second, 5*time.Millisecond)
}

// TestTasksOnlyRead: their engines refuse to write.
func TestTasksOnlyRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.produce(topic, "fr=France")
	k, stop := w.keep(memstore.New(), globals(topic)...)
	defer stop()
	e, err := k.Engine("countries-store")
	require.NoError(t, err)
	v, ok, err := e.Get([]byte("fr"))
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, "France", string(v))
	require.ErrorIs(t, e.Put([]byte("fr"), nil), store.ErrReadOnly)
	require.ErrorIs(t, e.Delete([]byte("fr")), store.ErrReadOnly)
	require.ErrorIs(t, e.DeleteRange(nil, nil), store.ErrReadOnly)
	_, err = k.Engine("other")
	require.ErrorContains(t, err, `no global store "other"`)
}

// TestOpeningCanBeGivenUp, and a topic that is not there is an error that names it.
func TestOpeningCanBeGivenUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.produce(topic, "fr=France")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := w.open(ctx, memstore.New(), globals(topic)...)
	require.ErrorIs(t, err, context.Canceled)
	ctx, cancel = context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	_, err = w.open(ctx, memstore.New(), globals("nowhere")...)
	require.Error(t, err)
}

// TestReadersBesideTheWriter: many goroutines read while one follows the topic, on the
// engine that applications have. Values never go back.
func TestReadersBesideTheWriter(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	db, err := pebblestore.Open(t.TempDir(), pebblestore.Options{})
	require.NoError(t, err)
	w.produce(topic, "n=000")
	k, stop := w.keep(db, globals(topic)...)
	defer stop()
	const last = "049"
	var readers sync.WaitGroup
	for range 3 {
		e, err := k.Engine("countries-store")
		require.NoError(t, err)
		readers.Go(func() {
			for before := ""; before != last; {
				v, ok, err := e.Get([]byte("n"))
				if err != nil || !ok || string(v) < before {
					t.Errorf("after %q came %q, %v, %v", before, v, ok, err)
					return
				}
				before = string(v)
				runtime.Gosched()
			}
		})
	}
	for n := range 50 {
		w.produce(topic, fmt.Sprintf("n=%03d", n))
	}
	readers.Wait()
}
