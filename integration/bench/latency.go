package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// latencyPlan is one measurement from send to receipt, driven from outside of the
// application, so that it is the same for both sides.
type latencyPlan struct {
	label          string
	rate           int64
	warmup, during time.Duration
	// start starts the application and returns how to stop it.
	start func(id, in, out string) (*exec.Cmd, error)
}

// latencies are the percentiles, ms.
type latencies struct {
	Workload string  `json:"workload"`
	Label    string  `json:"label"`
	Impl     string  `json:"impl"`
	Rate     int64   `json:"rate"`
	Outputs  int     `json:"outputs"`
	P50      int64   `json:"p50_ms"`
	P90      int64   `json:"p90_ms"`
	P99      int64   `json:"p99_ms"`
	P999     int64   `json:"p999_ms"`
	Max      int64   `json:"max_ms"`
	AppCPU   float64 `json:"app_cpu_seconds"`
}

// latency measures one plan: an aggregate's result carries the time of the record that
// caused it, so what passes until it is received is the latency.
func (c *cluster) latency(ctx context.Context, p latencyPlan, impl string) (l latencies, err error) {
	id := "lat-" + p.label + "-" + strconv.FormatInt(time.Now().UnixMilli(), 36)
	in, out := id+"-in", id+"-out"
	for _, topic := range []string{in, out} {
		if err := c.create(ctx, topic, nil); err != nil {
			return l, err
		}
	}
	app, err := p.start(id, in, out)
	if err != nil {
		return l, err
	}
	defer func() { err = errors.Join(err, interrupt(app), c.remove(context.WithoutCancel(ctx), id)) }()
	begin := time.Now()
	from, to := begin.Add(p.warmup), begin.Add(p.warmup+p.during)
	got, failed := make(chan []int64, 1), make(chan error, 1)
	watching, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		seen, err := c.receive(watching, out, from, to)
		got <- seen
		failed <- err
	}()
	if err := c.send(ctx, in, p.rate, begin, to); err != nil {
		return l, err
	}
	drain, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	<-drain.Done()
	l = latencies{Workload: "latency", Label: p.label, Impl: impl, Rate: p.rate, AppCPU: cpuOf(strconv.Itoa(app.Process.Pid)).Seconds()}
	stop()
	seen := <-got
	l.summarize(seen)
	if err := <-failed; err != nil {
		return l, err
	}
	// A cache sends only the last result of a key in each commit; half of them come all
	// the same with so many keys.
	if want := p.rate * int64(p.during/time.Second); int64(len(seen)) < want/2 {
		return l, fmt.Errorf("latency %s: %d results came for %d records", p.label, len(seen), want)
	}
	return l, nil
}

// send sends records at the rate until the end, each with the time of its sending.
func (c *cluster) send(ctx context.Context, topic string, rate int64, begin, end time.Time) error {
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.addrs...), kgo.ProducerLinger(0), kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)))
	if err != nil {
		return err
	}
	defer cl.Close()
	var failed atomic.Pointer[error]
	set := dataset{keys: 1000, seed: 7}
	pace := time.NewTicker(time.Millisecond)
	defer pace.Stop()
	for i := int64(0); time.Now().Before(end) && failed.Load() == nil; <-pace.C {
		for due := int64(time.Since(begin)) * rate / int64(time.Second); i < due; i++ {
			cl.Produce(ctx, &kgo.Record{Topic: topic, Timestamp: time.Now(), Key: appendKey(nil, set.keyNo(i)), Value: set.appendValue(nil, i)},
				func(_ *kgo.Record, err error) {
					if err != nil {
						failed.CompareAndSwap(nil, &err)
					}
				})
		}
	}
	if err := failed.Load(); err != nil {
		return *err
	}
	return cl.Flush(ctx)
}

// receive collects how old results are when they arrive, of those with times in [from, to).
func (c *cluster) receive(ctx context.Context, topic string, from, to time.Time) (seen []int64, err error) {
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.addrs...), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.FetchMinBytes(1))
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	for {
		fetches := cl.PollFetches(ctx)
		if ctx.Err() != nil {
			return seen, nil
		}
		if err := fetches.Err(); err != nil {
			return seen, err
		}
		now := time.Now()
		for r := range fetches.RecordsAll() {
			if !r.Timestamp.Before(from) && r.Timestamp.Before(to) {
				seen = append(seen, max(0, now.UnixMilli()-r.Timestamp.UnixMilli()))
			}
		}
	}
}

func (l *latencies) summarize(seen []int64) {
	slices.Sort(seen)
	at := func(share float64) int64 {
		if len(seen) == 0 {
			return -1
		}
		return seen[min(len(seen)-1, int(share*float64(len(seen))))]
	}
	l.Outputs, l.P50, l.P90, l.P99, l.P999, l.Max = len(seen), at(.5), at(.9), at(.99), at(.999), at(1)
}

func (l latencies) write(w io.Writer) error { return json.NewEncoder(w).Encode(l) }

// interrupt asks a program to end and waits until it has.
func interrupt(cmd *exec.Cmd) error {
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	err := cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) && (exit.ExitCode() == 143 || exit.ExitCode() == -1) { // a JVM's way to say that it was asked
		return nil
	}
	return err
}

// ourLatency starts Millrace for a latency plan.
func (s session) ourLatency(ctx context.Context, args ...string) func(id, in, out string) (*exec.Cmd, error) {
	return func(id, in, out string) (*exec.Cmd, error) {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		cmd := exec.CommandContext(ctx, self, append(append(slices.Clone(s.self), "-serve", "-application", id, "-input", in, "-output", out), args...)...)
		cmd.Stderr = s.log
		return cmd, cmd.Start()
	}
}

// peerLatency starts the peer for a latency plan.
func (s session) peerLatency(ctx context.Context, args ...string) func(id, in, out string) (*exec.Cmd, error) {
	return func(id, in, out string) (*exec.Cmd, error) {
		cmd := s.peer.command(ctx, "run.sh", append([]string{"count", "--serve=true", "--app-id=" + id, "--input=" + in, "--out=" + out}, args...)...)
		cmd.Stdout = s.chatter
		return cmd, cmd.Start()
	}
}

// latencies runs all plans on both sides.
func (s session) latencies(ctx context.Context, warmup, during time.Duration, w io.Writer) error {
	const noCache, noLinger = "--c.statestore.cache.max.bytes=0", "--c.producer.linger.ms=0"
	for _, p := range []struct {
		label      string
		ours, peer []string
	}{
		{"alo-nocache-linger0", []string{"-linger", "0", "run", "count"}, []string{noCache, noLinger}},
		{"alo-nocache", []string{"run", "count"}, []string{noCache}},
		{"eos-default", []string{"-eos", "run", "count-cache"}, []string{"--eos=true"}},
	} {
		plan := latencyPlan{p.label, 5000, warmup, during, s.ourLatency(ctx, p.ours...)}
		l, err := s.cluster.latency(ctx, plan, "millrace")
		if err := errors.Join(l.write(w), err); err != nil {
			return err
		}
		if s.peer == nil {
			continue
		}
		plan.start = s.peerLatency(ctx, p.peer...)
		l, err = s.cluster.latency(ctx, plan, "kafka-streams-4.3.1")
		if err := errors.Join(l.write(w), err); err != nil {
			return err
		}
	}
	return nil
}
