package streams_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/embedded"
	"github.com/millrace/millrace/streams/serde"
)

// A whole program: build, run until SIGTERM.
func ExampleApp_Run() {
	b := streams.NewBuilder()
	b.Stream(streams.NewTopic("lines", serde.String, serde.String)).
		MapValues(strings.ToUpper).
		To(streams.NewTopic("shouts", serde.String, serde.String))

	app, err := streams.New(b, streams.Config{ApplicationID: "shout", Brokers: []string{"localhost:9092"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := app.Run(context.Background()); errors.Is(err, streams.ErrFenced) {
		fmt.Println("another pod has our name:", err)
	} else if err != nil {
		fmt.Println(err)
	}
}

// With signals of one's own: NoSignals leaves the context as the only way to end.
func ExampleConfig() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()

	b := streams.NewBuilder()
	b.Stream(streams.NewTopic("lines", serde.String, serde.String)).
		To(streams.NewTopic("copy", serde.String, serde.String))
	app, err := streams.New(b, streams.Config{
		ApplicationID:  "copier",
		Brokers:        []string{"kafka:9093"},
		TLS:            &tls.Config{},
		SASL:           streams.SASL{Mechanism: "SCRAM-SHA-512", User: "copier", Password: streams.Secret(os.Getenv("KAFKA_PASSWORD"))},
		CommitInterval: 5 * time.Second,
		NoSignals:      true,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = app.Run(ctx)
}

// Secrets print as what they are, not as what they hold.
func ExampleSecret() {
	login := streams.SASL{Mechanism: "PLAIN", User: "app", Password: "hunter2"}
	fmt.Printf("%+v\n", login)
	// Output: {Mechanism:PLAIN User:app Password:[redacted] AllowPlaintext:false}
}

// A record that cannot be decoded is skipped if its key is known to be harmless.
func ExampleFailure() {
	onUndecodable := func(u streams.Failure) streams.Decision {
		slog.Warn("skipped", "err", u)
		if u.Part == "value" {
			return streams.Continue
		}
		return streams.Fail
	}
	decision := onUndecodable(streams.Failure{Topic: "lines", Part: "value", Err: errors.New("6 bytes for an int64")})
	fmt.Println(decision == streams.Continue)
	// Output: true
}

// How an application is doing, as plain data.
func ExampleApp_Status() {
	broker, err := embedded.Start(embedded.WithTopic("lines", 2))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer broker.Close()
	dir, _ := os.MkdirTemp("", "millrace")
	defer func() { _ = os.RemoveAll(dir) }()

	b := streams.NewBuilder()
	b.Stream(streams.NewTopic("lines", serde.String, serde.String)).Peek(func(streams.Record[string, string]) {})
	app, err := streams.New(b, streams.Config{
		ApplicationID: "peek", Brokers: broker.Addrs(), StateDir: dir, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(app.Status().State)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- app.Run(ctx) }()
	for tick := time.Tick(time.Millisecond); app.Status().State != streams.StateRunning; {
		<-tick
	}
	for _, t := range app.Status().Tasks {
		fmt.Println(t.ID, t.Sources)
	}
	stop()
	fmt.Println(<-done, app.Status().State)
	// Output:
	// created
	// 0_0 [lines]
	// 0_1 [lines]
	// <nil> stopped
}

// A listener that reports what restoring cost.
type restoreReport struct{}

func (restoreReport) OnRestoreStart(streams.RestoreEvent) {}
func (restoreReport) OnRestoreBatch(streams.RestoreEvent) {}
func (restoreReport) OnRestoreEnd(e streams.RestoreEvent) {
	fmt.Printf("task %s, store %s: %d records\n", e.Task, e.Store, e.Records)
}

func ExampleRestoreListener() {
	var l streams.RestoreListener = restoreReport{}
	l.OnRestoreEnd(streams.RestoreEvent{Task: "1_0", Store: "counts", Records: 0})
	// Output: task 1_0, store counts: 0 records
}
