package streams_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/embedded"
	"github.com/millrace/millrace/streams/serde"
)

// soon is how long a test waits for what takes milliseconds on an idle machine.
const soon = 30 * time.Second

// wordcount is the classic, with a repartition topic and a store.
func wordcount() *streams.Builder {
	b := streams.NewBuilder()
	b.Stream(streams.NewTopic("lines", serde.String, serde.String)).
		FlatMapValues(strings.Fields).
		GroupBy(func(_, word string) string { return word }, serde.String).
		Count(streams.As("counts")).
		ToStream().
		To(streams.NewTopic("counts", serde.String, serde.Int64))
	return b
}

// cluster is a broker with the topics of wordcount.
type cluster struct {
	t      *testing.T
	broker *embedded.Broker
	client *kgo.Client
}

func newCluster(t *testing.T, opts ...embedded.Option) *cluster {
	t.Helper()
	opts = append([]embedded.Option{embedded.WithTopic("lines", 3), embedded.WithTopic("counts", 2)}, opts...)
	broker, err := embedded.Start(opts...)
	require.NoError(t, err)
	t.Cleanup(broker.Close)
	client, err := kgo.NewClient(kgo.SeedBrokers(broker.Addrs()...))
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return &cluster{t: t, broker: broker, client: client}
}

// config is fast enough for tests.
func (r *cluster) config() streams.Config {
	var log slog.Handler = slog.DiscardHandler
	if os.Getenv("MILLRACE_TEST_LOG") != "" {
		log = slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})
	}
	return streams.Config{
		ApplicationID: "wc", Brokers: r.broker.Addrs(), StateDir: r.t.TempDir(), Workers: 2,
		CacheBytes:     streams.NoCaches, // the tests count records, one for each change
		CommitInterval: 100 * time.Millisecond, HeartbeatInterval: 100 * time.Millisecond, SessionTimeout: 10 * time.Second,
		NoSignals: true, Logger: slog.New(log),
	}
}

// lines produces text, round robin over the partitions.
func (r *cluster) lines(lines ...string) {
	r.t.Helper()
	for i, l := range lines {
		rec := &kgo.Record{Topic: "lines", Key: fmt.Append(nil, i), Value: []byte(l)}
		require.NoError(r.t, r.client.ProduceSync(context.Background(), rec).FirstErr())
	}
}

// linesUntil goes on producing a line and returns how many there are.
func (r *cluster) linesUntil(done <-chan struct{}, line string) (n int64) {
	r.t.Helper()
	timeout := time.After(soon)
	for {
		select {
		case <-done:
			return n
		case <-timeout:
			require.Fail(r.t, "what is waited for does not happen")
		default:
			r.lines(line)
			n++
		}
	}
}

// running is an App that Run runs.
type running struct {
	*streams.App
	t    *testing.T
	stop context.CancelFunc
	done chan error
}

func launch(t *testing.T, b *streams.Builder, c streams.Config) *running {
	t.Helper()
	app, err := streams.New(b, c)
	require.NoError(t, err)
	return run(t, app)
}

func run(t *testing.T, app *streams.App) *running {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	r := &running{App: app, t: t, stop: stop, done: make(chan error, 1)}
	go func() { r.done <- app.Run(ctx) }()
	t.Cleanup(func() { r.stop() })
	return r
}

// wait is until the snapshot is as wanted.
func (r *running) wait(what string, ok func(streams.Status) bool) streams.Status {
	r.t.Helper()
	deadline := time.Now().Add(soon)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for time.Now().Before(deadline) {
		s := r.Status()
		if ok(s) {
			return s
		}
		require.NotEqual(r.t, streams.StateFailed, s.State, "waiting for %s: %s", what, s.Err)
		<-tick.C
	}
	require.Fail(r.t, "timed out", "waiting for %s: %+v", what, r.Status())
	return streams.Status{}
}

// end asks it to stop and returns what Run returned.
func (r *running) end() error {
	r.t.Helper()
	r.stop()
	return r.outcome()
}

// outcome waits for Run to return.
func (r *running) outcome() error {
	r.t.Helper()
	select {
	case err := <-r.done:
		return err
	case <-time.After(soon):
		require.Fail(r.t, "Run does not return")
		return nil
	}
}

// consumer reads a topic of int64 values from its start and remembers the last
// one of each key.
type consumer struct {
	t      *testing.T
	client *kgo.Client
	last   map[string]int64
	n      int
}

func (r *cluster) consume(topic string) *consumer {
	r.t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(r.broker.Addrs()...), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	require.NoError(r.t, err)
	r.t.Cleanup(cl.Close)
	return &consumer{t: r.t, client: cl, last: map[string]int64{}}
}

// until reads until the last values are as wanted.
func (c *consumer) until(want map[string]int64) {
	c.t.Helper()
	c.when(fmt.Sprint(want), func(last map[string]int64) bool {
		for k, v := range want {
			if last[k] != v {
				return false
			}
		}
		return true
	})
}

// when reads until the last values satisfy ok.
func (c *consumer) when(what string, ok func(last map[string]int64) bool) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), soon)
	defer cancel()
	for !ok(c.last) {
		fetches := c.client.PollFetches(ctx)
		require.NoError(c.t, ctx.Err(), "waiting for %s, have %v", what, c.last)
		c.take(fetches)
	}
}

// lastOf reads all there is, of a topic that nobody writes to any more.
func (c *consumer) lastOf(key string) int64 {
	c.t.Helper()
	ends, err := kadm.NewClient(c.client).ListEndOffsets(context.Background(), "counts")
	require.NoError(c.t, err)
	all := 0
	ends.Each(func(o kadm.ListedOffset) { all += int(o.Offset) })
	c.when(fmt.Sprint(all, " records"), func(map[string]int64) bool { return c.n >= all })
	return c.last[key]
}

func (c *consumer) take(fetches kgo.Fetches) {
	fetches.EachRecord(func(r *kgo.Record) {
		v, err := serde.Int64.Decode(r.Value)
		require.NoError(c.t, err)
		c.last[string(r.Key)] = v
		c.n++
	})
}

// heard is a RestoreListener that adds up.
type heard struct {
	mu                   sync.Mutex
	started, ended       int
	records, lastBatches int64
}

func (h *heard) OnRestoreStart(streams.RestoreEvent) { h.mu.Lock(); defer h.mu.Unlock(); h.started++ }
func (h *heard) OnRestoreBatch(streams.RestoreEvent) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lastBatches++
}
func (h *heard) OnRestoreEnd(e streams.RestoreEvent) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ended++
	h.records += e.Records
}
