// Command producer sends one event to the topic user-events, as a service in
// production would: authenticated with SCRAM-SHA-512, idempotent, acknowledged by
// all in-sync replicas.
//
//	KAFKA_BOOTSTRAP_SERVERS=host:9092 KAFKA_PASSWORD=... go run ./examples/producer
//
// It prints "Event sent successfully" once the broker has acknowledged the event.
// Otherwise it prints the cause on standard error and exits with 1, within ten
// seconds. It uses the plain Kafka client: a producer needs no stream processing.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	topic = "user-events"
	key   = "u-123"
	event = `{"user_id":"u-123","action":"login"}`
)

// deadline bounds everything; what takes longer than this is broken.
const deadline = 9 * time.Second

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	if err := run(ctx, os.Getenv, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "producer:", err)
		cancel()
		os.Exit(1)
	}
}

// run sends the event and reports it on out.
func run(ctx context.Context, getenv func(string) string, out io.Writer) error {
	cfg, err := fromEnv(getenv)
	if err != nil {
		return err
	}
	client, err := kgo.NewClient(cfg.options()...)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := send(ctx, client); err != nil {
		return explain(err, cfg)
	}
	_, err = fmt.Fprintln(out, "Event sent successfully")
	return err
}

// send produces the event and waits for the acknowledgement. The ping before it
// brings out a wrong address or password by name: the producing path would hide
// both behind its retries.
func send(ctx context.Context, client *kgo.Client) error {
	if err := client.Ping(ctx); err != nil {
		return err
	}
	record := &kgo.Record{Topic: topic, Key: []byte(key), Value: []byte(event)}
	if err := client.ProduceSync(ctx, record).FirstErr(); err != nil {
		return err
	}
	return client.Flush(ctx)
}
