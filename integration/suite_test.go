package integration_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millrace/millrace/integration/broker"
	"github.com/millrace/millrace/streams"
)

const (
	// soon bounds every wait; it is long, because CI machines are slow.
	soon = 90 * time.Second
	// look is how often a condition is looked at.
	look = 50 * time.Millisecond
	// partitions of the topics of these tests.
	partitions = 4
)

// kafka is the suite's broker.
func kafka(t *testing.T) *broker.Broker {
	t.Helper()
	b, err := shared()
	require.NoError(t, err)
	return b
}

// needReal leaves out what the broker in the process cannot show.
func needReal(t *testing.T, why string) {
	t.Helper()
	if b := kafka(t); !b.Real() {
		t.Skipf("needs a real Kafka, because %s; this is the %s", why, b)
	}
}

// unique is a name for a group or topic that no other test or run has.
func unique(t *testing.T) string {
	t.Helper()
	name := strings.NewReplacer("/", "-", "_", "-").Replace(t.Name())
	return strings.ToLower(name) + "-" + uuid.NewString()[:8]
}

// client is one for the test itself.
func client(t *testing.T, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(append(opts, kgo.SeedBrokers(kafka(t).Addrs...), kgo.MetadataMinAge(look))...)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// create makes topics.
func create(t *testing.T, topics ...string) {
	t.Helper()
	createWith(t, partitions, topics...)
}

// createWith makes topics of that many partitions, and waits until the broker
// knows what its controller has promised.
func createWith(t *testing.T, partitions int32, topics ...string) {
	t.Helper()
	admin := kadm.NewClient(client(t))
	answers, err := admin.CreateTopics(t.Context(), partitions, 1, nil, topics...)
	require.NoError(t, err)
	for _, a := range answers {
		require.NoError(t, a.Err, a.Topic)
	}
	eventually(t, "topics are there", func() bool {
		there, err := admin.ListTopics(t.Context(), topics...)
		return err == nil && there.Error() == nil
	})
}

// send produces values with a key each, by round robin over keys k0, k1, ...
func send(t *testing.T, topic string, from, to, keys int) {
	t.Helper()
	c := client(t)
	var first kgo.FirstErrPromise
	for i := from; i < to; i++ {
		r := &kgo.Record{Topic: topic, Key: []byte(keyOf(i, keys)), Value: []byte(fmt.Sprint(i))}
		c.Produce(t.Context(), r, first.Promise())
	}
	require.NoError(t, c.Flush(t.Context()))
	require.NoError(t, first.Err())
}

func keyOf(i, keys int) string { return fmt.Sprintf("k%d", i%keys) }

// records counts what a topic has got.
func records(ctx context.Context, c *kgo.Client, topic string) (n int64) {
	offsets, err := kadm.NewClient(c).ListEndOffsets(ctx, topic)
	if err != nil {
		return 0
	}
	offsets.Each(func(o kadm.ListedOffset) { n += max(o.Offset, 0) })
	return n
}

// latest reads a topic to its present end: the last value of each key, a long.
func latest(t *testing.T, topic string) map[string]int64 {
	t.Helper()
	out := map[string]int64{}
	for _, r := range readAll(t, topic) {
		require.Len(t, r.Value, 8)
		out[string(r.Key)] = int64(binary.BigEndian.Uint64(r.Value))
	}
	return out
}

// readAll reads a topic to its present end, the records of a partition in order.
func readAll(t *testing.T, topic string) (out []*kgo.Record) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	c := client(t, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	for total := records(ctx, c, topic); int64(len(out)) < total; {
		fetches := c.PollFetches(ctx)
		require.NoError(t, fetches.Err(), "%s: %d of %d records read", topic, len(out), total)
		out = append(out, fetches.Records()...)
	}
	return out
}

// eventually waits for a condition without sleeping through it.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	require.Eventually(t, ok, soon, look, what)
}

// running is an application of this process.
type running struct {
	app *streams.App
	// stop ends it, and fails the test if it does not end well.
	stop func()
	// failed has the error of an end that nobody asked for.
	failed chan error
}

// start runs an application until it is stopped or the test ends.
func start(t *testing.T, b *streams.Builder, cfg streams.Config) *running {
	t.Helper()
	cfg.Brokers, cfg.NoSignals, cfg.Logger = kafka(t).Addrs, true, slog.New(slog.DiscardHandler)
	app, err := streams.New(b, cfg)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{app: app, failed: make(chan error, 1)}
	go func() { r.failed <- app.Run(ctx) }()
	r.stop = func() {
		cancel()
		err, open := <-r.failed
		if open {
			close(r.failed)
			require.NoError(t, err)
		}
	}
	t.Cleanup(r.stop)
	return r
}

// ready waits until all tasks run.
func (r *running) ready(t *testing.T) {
	t.Helper()
	eventually(t, "running", func() bool {
		s := r.app.Status()
		require.NotEqual(t, streams.StateFailed, s.State, s.Err)
		return s.State == streams.StateRunning && len(s.Tasks) > 0
	})
}
