package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millrace/millrace/streams"
)

const (
	// look is how often the demo looks at the outputs.
	look = 50 * time.Millisecond
	// patience is how long the outputs may stand still before the demo gives up.
	patience = 60 * time.Second
)

// job is one life of the application.
type job struct {
	app      *streams.App
	restored *restored
	stop     context.CancelFunc
	done     chan error
}

// startJob runs the application beside the demo.
func startJob(ctx context.Context, c cluster, s settings) (*job, error) {
	j := &job{restored: &restored{}, done: make(chan error, 1)}
	app, err := streams.New(topology(), jobConfig(c, s, j.restored))
	if err != nil {
		return nil, err
	}
	ctx, j.stop = context.WithCancel(ctx)
	j.app = app
	go func() { j.done <- app.Run(ctx) }()
	return j, nil
}

// jobConfig is what the environment says, with what the command line and the demo add.
func jobConfig(c cluster, s settings, listener streams.RestoreListener) streams.Config {
	cfg := s.config
	cfg.ApplicationID, cfg.StateDir = s.application, s.stateDir
	cfg.Brokers, cfg.SASL, cfg.TLS = c.brokers, c.sasl, c.tls
	cfg.RestoreListener, cfg.NoSignals = listener, true // main has the signals
	cfg.WaitForSources = 10 * time.Second               // new topics take a moment to be known
	cfg.Logger = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if s.events > 0 {
		// Every update comes out by itself, and not only the last one of a commit: the
		// demo knows how many there must be.
		cfg.CacheBytes, cfg.CommitInterval = streams.NoCaches, time.Second
	}
	return cfg
}

// end stops the application and returns its error.
func (j *job) end() error {
	j.stop()
	return <-j.done
}

// await returns when all tasks run and every output topic has all the records that
// want names, or with the application's error, or when nothing has come for long.
func (j *job) await(ctx context.Context, client *kgo.Client, want map[string]int64) error {
	tick := time.NewTicker(look)
	defer tick.Stop()
	seen, since := int64(-1), time.Now()
	for {
		missing, sum, err := lacking(ctx, client, want)
		switch {
		case err != nil:
			return err
		case missing == "" && j.running():
			return nil
		case sum != seen:
			seen, since = sum, time.Now()
		case time.Since(since) > patience:
			return fmt.Errorf("nothing has come for %s, the application is %s; %s", patience, j.app.Status().State, missing)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		case err := <-j.done:
			j.done <- err
			return fmt.Errorf("the application ended by itself: %w", err)
		}
	}
}

// running says whether the application has its tasks, and all of them run.
func (j *job) running() bool {
	s := j.app.Status()
	return s.State == streams.StateRunning && len(s.Tasks) > 0
}

// lacking names the first topic that is not complete, and counts all records.
func lacking(ctx context.Context, client *kgo.Client, want map[string]int64) (missing string, sum int64, err error) {
	for topic, records := range want {
		n, err := size(ctx, client, topic)
		if err != nil {
			return "", 0, err
		}
		if sum += n; n < records {
			missing = fmt.Sprintf("%s has %d of %d records", topic, n, records)
		}
	}
	return missing, sum, nil
}

// late counts the events that this life left out because they came too late.
func (j *job) late() (n uint64) {
	for key, skipped := range j.app.Status().Skipped {
		if key.Reason == "late" {
			n += skipped
		}
	}
	return n
}

// restored sums up what a life restored; stores report from several goroutines.
type restored struct {
	mu             sync.Mutex
	stores         int
	records, bytes int64
	// begun is when the first store began, ended when the last one so far ended.
	begun, ended time.Time
}

// OnRestoreStart implements streams.RestoreListener.
func (r *restored) OnRestoreStart(streams.RestoreEvent) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.begun.IsZero() {
		r.begun = time.Now()
	}
}

// OnRestoreBatch implements streams.RestoreListener.
func (*restored) OnRestoreBatch(streams.RestoreEvent) {}

// OnRestoreEnd implements streams.RestoreListener.
func (r *restored) OnRestoreEnd(e streams.RestoreEvent) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stores++
	r.records += e.Records
	r.bytes += e.Bytes
	r.ended = time.Now()
}

// String says what was restored, and how fast.
func (r *restored) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.records == 0 {
		return fmt.Sprintf("nothing restored: all %d stores were complete", r.stores)
	}
	seconds := max(r.ended.Sub(r.begun).Seconds(), 0.001)
	return fmt.Sprintf("restored %d records, %.1f MB, of %d stores in %.2f s (%.0f records/s)",
		r.records, float64(r.bytes)/1e6, r.stores, seconds, float64(r.records)/seconds)
}

func (r *restored) count() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.records
}
