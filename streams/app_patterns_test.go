package streams_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/embedded"
	"github.com/millrace/millrace/streams/serde"
)

func (r *cluster) put(topic, key, value string) {
	r.t.Helper()
	rec := &kgo.Record{Topic: topic, Key: []byte(key), Value: []byte(value)}
	require.NoError(r.t, r.client.ProduceSync(context.Background(), rec).FirstErr())
}

// TestNewTopicsThatMatchAreRead: those that there are at the start, and one that is
// made later, after which the group has tasks for it.
func TestNewTopicsThatMatchAreRead(t *testing.T) {
	t.Parallel()
	r := newCluster(t, embedded.WithTopic("tenant-a", 1), embedded.WithTopic("other", 1))
	b := streams.NewBuilder()
	b.StreamMatching(`tenant-.*`, serde.String, serde.String).
		GroupBy(func(_, word string) string { return word }, serde.String).
		Count(streams.As("counts")).ToStream().
		To(streams.NewTopic("counts", serde.String, serde.Int64))
	c := r.config()
	c.PatternRefresh = 50 * time.Millisecond
	app := launch(t, b, c)
	r.put("tenant-a", "k", "x")
	r.put("other", "k", "x")
	counts := r.consume("counts")
	counts.until(map[string]int64{"x": 1})

	_, err := kadm.NewClient(r.client).CreateTopic(context.Background(), 1, 1, nil, "tenant-b")
	require.NoError(t, err)
	r.put("tenant-b", "k", "x")
	counts.until(map[string]int64{"x": 2})
	require.NoError(t, app.end())
}

// TestTablesAreRestoredFromTheirTopics: without local state an optimized table is had
// back from its source, up to what was committed.
func TestTablesAreRestoredFromTheirTopics(t *testing.T) {
	t.Parallel()
	r := newCluster(t, embedded.WithTopic("sizes", 1), embedded.WithTopic("orders", 1))
	declare := func() *streams.Builder {
		b := streams.NewBuilder()
		sizes := b.Table(streams.NewTopic("sizes", serde.String, serde.String), streams.As("sizes"))
		b.Stream(streams.NewTopic("orders", serde.String, serde.String)).
			JoinTable(sizes, func(_, _, size string) int64 { return int64(len(size)) }).
			To(streams.NewTopic("counts", serde.String, serde.Int64))
		return b
	}
	c := r.config()
	c.Optimize = streams.OptimizeAll
	app := launch(t, declare(), c)
	counts := r.consume("counts")
	r.put("sizes", "k", "four")
	r.put("orders", "k", "o1")
	counts.until(map[string]int64{"k": 4})
	require.NoError(t, app.end())
	topics, err := kadm.NewClient(r.client).ListTopics(context.Background())
	require.NoError(t, err)
	require.NotContains(t, topics.Names(), "wc-sizes-changelog")

	c.StateDir = t.TempDir() // another machine
	heard := &heard{}
	c.RestoreListener = heard
	again := launch(t, declare(), c)
	again.wait("running", func(s streams.Status) bool { return s.State == streams.StateRunning })
	r.put("orders", "j", "nobody")
	r.put("orders", "k", "o2")
	counts.when("another 4", func(map[string]int64) bool { return counts.n >= 2 })
	require.EqualValues(t, 4, counts.last["k"])
	require.NoError(t, again.end())
	require.EqualValues(t, 1, heard.records)
}
