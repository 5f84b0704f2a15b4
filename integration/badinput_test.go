package integration_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/serde"
)

// fails runs an application that cannot work, and returns the error of its end.
func fails(t *testing.T, b *streams.Builder, cfg streams.Config) error {
	t.Helper()
	if cfg.Brokers == nil {
		cfg.Brokers = kafka(t).Addrs
	}
	cfg.NoSignals = true
	app, err := streams.New(b, cfg)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	err = app.Run(ctx)
	require.Error(t, err)
	require.NoError(t, ctx.Err(), "it must give up by itself: %v", err)
	require.Equal(t, streams.StateFailed, app.Status().State)
	return err
}

func TestMissingSourceTopic(t *testing.T) {
	t.Parallel()
	app := unique(t)
	create(t, app+"-out")
	err := fails(t, counting(app+"-in", app+"-out"), config(t, app))
	require.ErrorContains(t, err, app+"-in")
}

// TestJoinOfUnequalTopics: equal keys would not meet.
func TestJoinOfUnequalTopics(t *testing.T) {
	t.Parallel()
	app := unique(t)
	left, right, out := app+"-left", app+"-right", app+"-out"
	create(t, left, out)
	createWith(t, partitions+1, right)

	b := streams.NewBuilder()
	b.Stream(streams.NewTopic(left, serde.String, serde.String)).
		JoinTable(b.Table(streams.NewTopic(right, serde.String, serde.String)), func(_, v, w string) string { return v + w }).
		To(streams.NewTopic(out, serde.String, serde.String))
	err := fails(t, b, config(t, app))
	require.ErrorContains(t, err, left)
	require.ErrorContains(t, err, right)
	require.ErrorContains(t, err, "partitions")
}

func TestUnreachableBroker(t *testing.T) {
	t.Parallel()
	cfg := config(t, unique(t))
	cfg.Brokers = []string{"127.0.0.1:1"}
	require.ErrorContains(t, fails(t, counting("in", "out"), cfg), "127.0.0.1:1")
}

// TestUnwritableStateDirectory: a file is in the way, which stops root too.
func TestUnwritableStateDirectory(t *testing.T) {
	t.Parallel()
	app := unique(t)
	create(t, app+"-in", app+"-out")
	cfg := config(t, app)
	cfg.StateDir = filepath.Join(cfg.StateDir, "file")
	require.NoError(t, os.WriteFile(cfg.StateDir, nil, 0o600))
	require.ErrorContains(t, fails(t, counting(app+"-in", app+"-out"), cfg), cfg.StateDir)
}

// TestWrongPassword: refused by name, and the password stays secret.
func TestWrongPassword(t *testing.T) {
	t.Parallel()
	addr, admin := securedKafka(t)
	_, err := admin.AlterUserSCRAMs(t.Context(), nil, []kadm.UpsertSCRAM{{User: "app", Mechanism: kadm.ScramSha512, Iterations: 4096, Password: "right"}})
	require.NoError(t, err)
	cfg := config(t, unique(t))
	cfg.Brokers = []string{addr}
	cfg.SASL = streams.SASL{Mechanism: "SCRAM-SHA-512", User: "app", Password: "hunter2"}
	err = fails(t, counting("in", "out"), cfg)
	require.ErrorContains(t, err, "SASL")
	require.NotContains(t, err.Error(), "hunter2")
}

// lengths counts records by key, of values that must be longs.
func lengths(in, out string) *streams.Builder {
	b := streams.NewBuilder()
	b.Stream(streams.NewTopic(in, serde.String, serde.Int64)).
		GroupByKey().
		Count(streams.As("counts"), streams.NoCache()).
		ToStream().
		To(streams.NewTopic(out, serde.String, serde.Int64))
	return b
}

// sendBad sends a good record, one that is no long, one without a key, and a good one.
func sendBad(t *testing.T, topic string) {
	t.Helper()
	long := make([]byte, 8)
	for _, r := range []kgo.Record{
		{Key: []byte("good"), Value: long},
		{Key: []byte("bad"), Value: []byte("secret")},
		{Value: long},
		{Key: []byte("good"), Value: long},
	} {
		r.Topic, r.Partition = topic, 0
		c := client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()))
		require.NoError(t, c.ProduceSync(t.Context(), &r).FirstErr())
	}
}

// TestUndecodableRecordFails by default, naming the place, without the content.
func TestUndecodableRecordFails(t *testing.T) {
	t.Parallel()
	app := unique(t)
	in, out := app+"-in", app+"-out"
	create(t, in, out)
	sendBad(t, in)
	err := fails(t, lengths(in, out), config(t, app))
	require.ErrorContains(t, err, in)
	require.ErrorContains(t, err, "offset 1")
	require.ErrorContains(t, err, "badinput_test.go")
	require.NotContains(t, err.Error(), "secret")
}

// TestSkippedRecordsAreCounted: the undecodable and the one without a key.
func TestSkippedRecordsAreCounted(t *testing.T) {
	t.Parallel()
	app := unique(t)
	in, out := app+"-in", app+"-out"
	create(t, in, out)
	sendBad(t, in)
	cfg := config(t, app)
	cfg.OnUndecodable = streams.Always(streams.Continue)
	r := start(t, lengths(in, out), cfg)
	c := client(t)
	eventually(t, "both good records", func() bool { return records(t.Context(), c, out) >= 2 })
	r.stop()
	require.Equal(t, map[string]int64{"good": 2}, latest(t, out))
	reasons := map[string]uint64{}
	for key, n := range r.app.Status().Skipped {
		require.NotEmpty(t, key.Operator)
		reasons[key.Reason] += n
	}
	require.Equal(t, map[string]uint64{"undecodable": 1, "null-key": 1}, reasons)
}
