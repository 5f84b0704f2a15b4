package topics_test

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams/internal/topics"
	"github.com/millrace/millrace/streams/internal/topo"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// count is a count by another key: in -> repartition -> counts, and a windowed one.
func count() *topo.Plan {
	own := map[string]string{"segment.bytes": "1048576"}
	windowed := map[string]string{"cleanup.policy": "compact,delete", "retention.ms": "90000000", "message.timestamp.type": "CreateTime"}
	maps.Copy(windowed, own)
	return &topo.Plan{ApplicationID: "app", Subtopologies: []topo.Subtopology{
		{ID: 0, Sources: sources("in"), Sinks: []string{"app-counts-repartition"}},
		{
			ID: 1, Sources: sources("app-counts-repartition"),
			Repartitions: []topo.Repartition{{Topic: "app-counts-repartition", Config: map[string]string{
				"cleanup.policy": "delete", "retention.ms": "-1", "segment.bytes": "52428800", "message.timestamp.type": "CreateTime",
			}}},
			Stores: []topo.Store{
				{
					Spec: store.Spec{Name: "counts"}, Changelog: "app-counts-changelog",
					ChangelogConfig: map[string]string{"cleanup.policy": "compact", "message.timestamp.type": "CreateTime"},
				},
				{Spec: store.Spec{Name: "minutes", LogConfig: own}, Changelog: "app-minutes-changelog", ChangelogConfig: windowed},
				{Spec: store.Spec{Name: "scratch", LoggingOff: true}},
			},
		},
	}}
}

// broker starts one with a client for administration.
func broker(t *testing.T, opts ...kfake.Opt) (*kfake.Cluster, *kadm.Client) {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1)}, opts...)...)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c, admin(t, c)
}

func admin(t *testing.T, c *kfake.Cluster) *kadm.Client {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...))
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	return kadm.NewClient(cl)
}

// configs are what a topic was created with.
func configs(t *testing.T, adm *kadm.Client, topic string) map[string]string {
	t.Helper()
	resp, err := adm.DescribeTopicConfigs(t.Context(), topic)
	require.NoError(t, err)
	out := make(map[string]string)
	for _, c := range resp[0].Configs {
		if c.Source == kmsg.ConfigSourceDynamicTopicConfig {
			out[c.Key] = c.MaybeValue()
		}
	}
	return out
}

// TestCreatesWhatIsMissing with counts and configurations; again changes nothing.
func TestCreatesWhatIsMissing(t *testing.T) {
	t.Parallel()
	_, adm := broker(t, kfake.SeedTopics(3, "in"))
	o := topics.Options{TopicConfig: map[string]string{"segment.bytes": "7000000", "max.message.bytes": "2000000"}}
	for range 2 {
		got, err := topics.Ensure(t.Context(), adm, count(), o)
		require.NoError(t, err)
		require.Equal(t, topics.Counts{"in": 3, "app-counts-repartition": 3, "app-counts-changelog": 3, "app-minutes-changelog": 3}, got)
	}
	list, err := adm.ListTopics(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"app-counts-changelog", "app-counts-repartition", "app-minutes-changelog", "in"}, slices.Sorted(maps.Keys(list)))
	require.Equal(t, map[string]string{
		"cleanup.policy": "compact", "message.timestamp.type": "CreateTime",
		"segment.bytes": "7000000", "max.message.bytes": "2000000",
	}, configs(t, adm, "app-counts-changelog"))
	minutes := configs(t, adm, "app-minutes-changelog")
	require.Equal(t, "1048576", minutes["segment.bytes"], "the store's own setting wins")
	require.Equal(t, "90000000", minutes["retention.ms"])
	require.Equal(t, "-1", configs(t, adm, "app-counts-repartition")["retention.ms"])
}

// TestManyAtOnce: processes that start together do not trip over each other.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	c, _ := broker(t, kfake.SeedTopics(3, "in"))
	errs := make(chan error)
	for range 8 {
		adm := admin(t, c)
		go func() {
			_, err := topics.Ensure(context.Background(), adm, count(), topics.Options{})
			errs <- err
		}()
	}
	for range 8 {
		require.NoError(t, <-errs)
	}
}

// TestMissingSource names the topic, where it is read, and the remedy.
func TestMissingSource(t *testing.T) {
	t.Parallel()
	_, adm := broker(t)
	_, err := topics.Ensure(t.Context(), adm, count(), topics.Options{})
	var missing *topics.MissingError
	require.ErrorAs(t, err, &missing)
	require.Equal(t, "in", missing.Topics[0].Topic)
	require.ErrorContains(t, err, "main.go:in")
	require.ErrorContains(t, err, "kafka-topics.sh --create --topic in")
	list, err := adm.ListTopics(t.Context())
	require.NoError(t, err)
	require.Empty(t, list, "nothing is created before that")
}

// TestWaitsForSources until somebody creates them.
func TestWaitsForSources(t *testing.T) {
	t.Parallel()
	c, adm := broker(t)
	told := make(signal)
	o := topics.Options{WaitForSources: time.Minute, Logger: slog.New(told)}
	done := make(chan error, 1)
	go func() {
		_, err := topics.Ensure(context.Background(), adm, count(), o)
		done <- err
	}()
	<-told
	require.NoError(t, c.CreateTopic("in", 2, nil))
	go func() {
		for range told { // further lines are of no interest
		}
	}()
	require.NoError(t, <-done)
	close(told)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := topics.Ensure(ctx, adm, count(), topics.Options{WaitForSources: time.Minute})
	require.ErrorIs(t, err, context.Canceled)
}

// signal is a log handler that hands over each line.
type signal chan slog.Record

func (s signal) Enabled(context.Context, slog.Level) bool      { return true }
func (s signal) Handle(_ context.Context, r slog.Record) error { s <- r; return nil }
func (s signal) WithAttrs([]slog.Attr) slog.Handler            { return s }
func (s signal) WithGroup(string) slog.Handler                 { return s }

// TestUnfitTopics: what would lose state or records is refused with its remedy.
func TestUnfitTopics(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		topic  string
		parts  int32
		config map[string]string
		want   string // empty: fits
	}{
		"changelog fits":            {"app-counts-changelog", 3, map[string]string{"cleanup.policy": "compact"}, ""},
		"changelog deletes":         {"app-counts-changelog", 3, map[string]string{"cleanup.policy": "delete"}, "deleted by age"},
		"changelog also deletes":    {"app-counts-changelog", 3, map[string]string{"cleanup.policy": "compact,delete"}, "deleted by age"},
		"changelog by default":      {"app-counts-changelog", 3, nil, "cleanup.policy=delete"},
		"changelog counts":          {"app-counts-changelog", 2, map[string]string{"cleanup.policy": "compact"}, "has 2 partitions and this topology needs 3"},
		"changelog's clock":         {"app-counts-changelog", 3, map[string]string{"cleanup.policy": "compact", "message.timestamp.type": "LogAppendTime"}, "broker's clock"},
		"windows fit":               {"app-minutes-changelog", 3, map[string]string{"cleanup.policy": "compact,delete", "retention.ms": "90000000"}, ""},
		"windows kept longer":       {"app-minutes-changelog", 3, map[string]string{"cleanup.policy": "delete,compact", "retention.ms": "-1"}, ""},
		"windows kept for ever":     {"app-minutes-changelog", 3, map[string]string{"cleanup.policy": "compact"}, ""},
		"windows too short":         {"app-minutes-changelog", 3, map[string]string{"cleanup.policy": "compact,delete", "retention.ms": "86400000"}, "retention.ms=[90000000]"},
		"windows by size":           {"app-minutes-changelog", 3, map[string]string{"cleanup.policy": "compact,delete", "retention.ms": "-1", "retention.bytes": "1000"}, "by size"},
		"repartition fits":          {"app-counts-repartition", 3, map[string]string{"cleanup.policy": "delete", "retention.ms": "-1"}, ""},
		"repartition expires":       {"app-counts-repartition", 3, map[string]string{"cleanup.policy": "delete", "retention.ms": "1000"}, "before the application is done"},
		"repartition compacts":      {"app-counts-repartition", 3, map[string]string{"cleanup.policy": "compact"}, "lost to compaction"},
		"repartition of many parts": {"app-counts-repartition", 4, map[string]string{"cleanup.policy": "delete", "retention.ms": "-1"}, "has 4 partitions and this topology needs 3"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, adm := broker(t, kfake.SeedTopics(3, "in"))
			require.NoError(t, c.CreateTopic(test.topic, test.parts, test.config))
			_, err := topics.Ensure(t.Context(), adm, count(), topics.Options{})
			if test.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, test.want)
			require.ErrorContains(t, err, test.topic)
		})
	}
}

// TestAllFaultsTogether: one start shows them all.
func TestAllFaultsTogether(t *testing.T) {
	t.Parallel()
	c, adm := broker(t, kfake.SeedTopics(3, "in"))
	require.NoError(t, c.CreateTopic("app-counts-changelog", 5, nil))
	_, err := topics.Ensure(t.Context(), adm, count(), topics.Options{})
	var parts *topics.PartitionsError
	require.ErrorAs(t, err, &parts)
	require.Equal(t, topics.PartitionsError{Topic: "app-counts-changelog", Want: 3, Have: 5}, *parts)
	var config *topics.ConfigError
	require.ErrorAs(t, err, &config)
	require.Equal(t, "cleanup.policy", config.Key)
}

// TestRefusals of the broker are explained.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		key  kmsg.Key
		err  *kerr.Error
		want string
	}{
		"create":      {kmsg.CreateTopics, kerr.TopicAuthorizationFailed, "Create on topics with the prefix app-"},
		"replication": {kmsg.CreateTopics, kerr.InvalidReplicationFactor, "Config.ReplicationFactor"},
		"policy":      {kmsg.CreateTopics, kerr.PolicyViolation, "creating internal topic app-counts-repartition with 3 partitions"},
		"describe":    {kmsg.Metadata, kerr.TopicAuthorizationFailed, "grant this user Describe"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, adm := broker(t, kfake.SeedTopics(3, "in"))
			c.Fault(kfake.Fault{Keys: []kmsg.Key{test.key}, Err: test.err, Count: -1})
			_, err := topics.Ensure(t.Context(), adm, count(), topics.Options{})
			require.ErrorContains(t, err, test.want)
			require.ErrorIs(t, err, test.err)
		})
	}
}

// TestWithoutRightToDescribeConfigs: the check is left out, nothing else.
func TestWithoutRightToDescribeConfigs(t *testing.T) {
	t.Parallel()
	c, adm := broker(t, kfake.SeedTopics(3, "in"))
	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.DescribeConfigs}, Err: kerr.TopicAuthorizationFailed, Count: -1})
	_, err := topics.Ensure(t.Context(), adm, count(), topics.Options{})
	require.NoError(t, err)
}

// TestPurge deletes what was committed; again, and beyond the end, is told apart.
func TestPurge(t *testing.T) {
	t.Parallel()
	c, adm := broker(t, kfake.SeedTopics(2, "app-counts-repartition"))
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	require.NoError(t, err)
	defer cl.Close()
	for range 10 {
		require.NoError(t, cl.ProduceSync(t.Context(), &kgo.Record{Topic: "app-counts-repartition", Partition: 1}).FirstErr())
	}
	require.NoError(t, topics.Purge(t.Context(), adm, nil))
	below := map[string]map[int32]int64{"app-counts-repartition": {1: 6}}
	for range 2 {
		require.NoError(t, topics.Purge(t.Context(), adm, below))
	}
	starts, err := adm.ListStartOffsets(t.Context(), "app-counts-repartition")
	require.NoError(t, err)
	start, _ := starts.Lookup("app-counts-repartition", 1)
	require.EqualValues(t, 6, start.Offset)

	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.DeleteRecords}, Err: kerr.TopicAuthorizationFailed, Count: -1})
	err = topics.Purge(t.Context(), adm, below)
	require.ErrorContains(t, err, "app-counts-repartition/1 below offset 6")
	require.ErrorContains(t, err, "Delete")
}
