package streams_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/embedded"
	"github.com/millrace/millrace/streams/serde"
)

// BenchmarkCounts is records a second through the whole runtime: consume, count
// in a store on the disk, changelog, output, commits; against the embedded broker,
// which shares the machine.
func BenchmarkCounts(b *testing.B) {
	broker, err := embedded.Start(embedded.WithTopic("in", 4), embedded.WithTopic("out", 4))
	require.NoError(b, err)
	defer broker.Close()
	cl, err := kgo.NewClient(kgo.SeedBrokers(broker.Addrs()...), kgo.DefaultProduceTopic("in"))
	require.NoError(b, err)
	for i := range b.N {
		cl.Produce(context.Background(), &kgo.Record{Key: fmt.Appendf(nil, "key-%d", i%10000), Value: make([]byte, 100)}, nil)
	}
	require.NoError(b, cl.Flush(context.Background()))
	cl.Close()

	bl := streams.NewBuilder()
	bl.Stream(streams.NewTopic("in", serde.String, serde.Bytes)).GroupByKey().Count(streams.As("c")).ToStream().To(streams.NewTopic("out", serde.String, serde.Int64))
	app, err := streams.New(bl, streams.Config{ApplicationID: "bench", Brokers: broker.Addrs(), StateDir: b.TempDir(), CommitInterval: time.Second, NoSignals: true, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(b, err)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error)
	b.ResetTimer()
	go func() { done <- app.Run(ctx) }()
	for tick := time.Tick(time.Millisecond); app.Status().Processed < uint64(b.N); {
		<-tick
	}
	stop()
	require.NoError(b, <-done)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}
