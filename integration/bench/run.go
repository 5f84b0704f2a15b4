package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millrace/millrace/streams"
)

// runOptions are those of one run.
type runOptions struct {
	options
	name string
	// serve runs until it is interrupted.
	serve bool
	// check compares the output with an independent computation.
	check bool
	// applicationID is made up where it is empty.
	applicationID string
	// eos is exactly-once, which count-eos has by its name.
	eos bool
	// linger is how long the producer waits for more records; the default if negative.
	linger time.Duration
	// commitInterval is Config's; the default where it is 0.
	commitInterval time.Duration
	stateDir       string
	// heap, if it is set, is called when the last record was seen.
	heap func()
}

// cacheless workloads have one result for each record on both sides, because the
// amount of work would depend on the commits otherwise.
func cacheless(name string) bool { return name == "count" || name == "count-large" }

// run runs one workload of Millrace and returns its figures.
func (c *cluster) run(ctx context.Context, o runOptions) (r result, err error) {
	base := o.name
	if base == "count-cache" {
		base = "count"
	}
	declare, err := named(base)
	if err != nil {
		return r, err
	}
	id := o.applicationID
	if id == "" {
		id = "mb-" + o.name + "-" + strconv.FormatInt(time.Now().UnixMilli(), 36)
	}
	output := o.output
	if output == "" {
		output = id + "-out"
	}
	o.cached = !cacheless(o.name)
	var m moments
	var first atomic.Bool
	meter := newMeter(func() { m.first = used(c.pid); first.Store(true) })
	j := declare(o.options, meter, output)
	j.output = output
	if err := c.prepare(ctx, output); err != nil {
		return r, err
	}
	dir, err := os.MkdirTemp(o.stateDir, "mb")
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	app, err := streams.New(j.builder, c.config(id, dir, o))
	if err != nil {
		return r, err
	}
	if o.serve {
		return r, app.Run(ctx)
	}
	m.start = used(c.pid)
	if err := drive(ctx, app, meter, j.records, c.pid, &m, o.heap); err != nil {
		return r, err
	}
	r = result{Workload: o.name, Impl: "millrace", Compression: o.codec, Cache: onOff(o.cached)}
	r.fill(m, j.records, bytesOf(j.inputs))
	return r, c.judge(ctx, &r, j, id, o)
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

func bytesOf(sets []dataset) (n int64) {
	for _, d := range sets {
		n += d.records * d.size()
	}
	return n
}

// prepare makes the topic of the output, where it is not there.
func (c *cluster) prepare(ctx context.Context, output string) error {
	if err := c.create(ctx, output, nil); !errors.Is(err, kerr.TopicAlreadyExists) {
		return err
	}
	return nil
}

// config is that of a user who sets nothing, but for what the environment demands.
func (c *cluster) config(id, dir string, o runOptions) streams.Config {
	cfg := streams.Config{
		ApplicationID: id, Brokers: c.addrs, StateDir: dir, CommitInterval: o.commitInterval, ReplicationFactor: 1,
		Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	if o.linger >= 0 {
		cfg.KafkaOpts = append(cfg.KafkaOpts, kgo.ProducerLinger(o.linger))
	}
	if o.eos || strings.HasSuffix(o.name, "-eos") {
		cfg.ProcessingGuarantee = streams.ExactlyOnce
	}
	return cfg
}

// drive runs the App until it has seen all records, and closes it.
func drive(ctx context.Context, app *streams.App, meter *meter, records int64, pid string, m *moments, heap func()) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- app.Run(ctx) }()
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for n := int64(0); n < records; n = meter.total() {
		if m.half.at.IsZero() && n >= records/2 {
			m.half, m.halfDone = used(pid), n
		}
		select {
		case err := <-done:
			return errors.Join(fmt.Errorf("it ended after %d of %d records", meter.total(), records), err)
		case <-poll.C:
		}
	}
	m.processed = used(pid)
	if heap != nil {
		heap()
	}
	stop()
	err := <-done
	m.end = used(pid)
	return err
}

// judge fills in what the broker knows of the run, checks the output and cleans up.
func (c *cluster) judge(ctx context.Context, r *result, j job, id string, o runOptions) (err error) {
	topics := make([]string, len(j.inputs))
	for i, d := range j.inputs {
		topics[i] = d.in(o.codec)
	}
	if r.Committed, err = c.committed(ctx, id, topics...); err != nil {
		return err
	}
	if r.OutputEnd, err = c.ends(ctx, j.output); err != nil {
		return err
	}
	changelog := id + "-" + j.changelog + "-changelog"
	if n, ok := c.has(ctx, changelog); ok {
		r.LogEnd = n
	}
	if o.check {
		if err := j.check(outputs{c.read(ctx, j.output)}); err != nil {
			return fmt.Errorf("%s is wrong: %w", o.name, err)
		}
		r.Checked = "equal"
	}
	return c.remove(ctx, id)
}
