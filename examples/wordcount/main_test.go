package main

import (
	"context"
	"encoding/binary"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/embedded"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestCounts runs the program's topology on a broker in the process.
func TestCounts(t *testing.T) {
	t.Parallel()
	broker, err := embedded.Start(embedded.WithTopic("lines", 2), embedded.WithTopic("counts", 2))
	require.NoError(t, err)
	defer broker.Close()
	app, err := streams.New(topology(), streams.Config{
		ApplicationID: "wordcount", Brokers: broker.Addrs(), StateDir: t.TempDir(), CommitInterval: 100 * time.Millisecond, NoSignals: true,
	})
	require.NoError(t, err)
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	done := make(chan error, 1)
	go func() { done <- app.Run(ctx) }()
	defer func() {
		stop()
		require.NoError(t, <-done)
	}()

	client, err := kgo.NewClient(kgo.SeedBrokers(broker.Addrs()...), kgo.ConsumeTopics("counts"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	require.NoError(t, err)
	defer client.Close()
	for _, line := range []string{"all streams lead to kafka", "hello kafka streams", "join kafka summit"} {
		require.NoError(t, client.ProduceSync(ctx, &kgo.Record{Topic: "lines", Value: []byte(line)}).FirstErr())
	}
	require.Equal(t, map[string]uint64{
		"all": 1, "streams": 2, "lead": 1, "to": 1, "kafka": 3, "hello": 1, "join": 1, "summit": 1,
	}, counted(ctx, t, client, 11))
}

// counted reads that many changes and returns the last count of each word.
func counted(ctx context.Context, t *testing.T, client *kgo.Client, changes int) map[string]uint64 {
	t.Helper()
	out := map[string]uint64{}
	for changes > 0 {
		fetches := client.PollFetches(ctx)
		require.NoError(t, fetches.Err())
		for r := range fetches.RecordsAll() {
			out[string(r.Key)] = binary.BigEndian.Uint64(r.Value)
			changes--
		}
	}
	return out
}
