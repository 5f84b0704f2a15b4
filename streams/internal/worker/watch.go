package worker

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"
)

const (
	// watchEvery is how often a worker is looked at from outside.
	watchEvery = time.Second
	// reportAfter is how long a callback may take before it is reported; then the time
	// doubles from report to report.
	reportAfter = 10 * time.Second
)

// pulse is what can be seen of a worker from outside: what it is doing. A callback that
// hangs cannot tell by itself.
type pulse struct {
	busy   atomic.Bool // in user code, or about to be
	beats  atomic.Uint64
	doing  atomic.Pointer[doing]
	offset atomic.Int64 // of the record under way, -1 in a punctuation or a flush
	stack  atomic.Uint64
	hung   atomic.Bool // declared dead, until its callback has returned
}

// doing is the task and input under way.
type doing struct {
	task  *Task
	topic string
}

// Hang is a callback that does not return.
type Hang struct {
	// Task, Topic and Offset say where: Offset is -1 in a punctuation or a flush.
	Task   *Task
	Topic  string
	Offset int64
	For    time.Duration
	// Stack is the goroutine's; its first lines outside this module are the callback.
	Stack string
}

// String is one line, without the stack.
func (h Hang) String() string {
	if h.Offset < 0 {
		return fmt.Sprintf("task %s: a callback has not returned for %v", h.Task.ID, h.For)
	}
	return fmt.Sprintf("task %s: %s/%d offset %d: a callback has not returned for %v", h.Task.ID, h.Topic, h.Task.ID.Partition, h.Offset, h.For)
}

// begin notes that a task has its turn; end that it is over.
func (p *pulse) begin(t *Task, topic string) {
	if d := p.doing.Load(); d == nil || d.task != t || d.topic != topic {
		p.doing.Store(&doing{t, topic})
	}
	p.offset.Store(-1)
	p.beats.Add(1)
	p.busy.Store(true)
}

func (p *pulse) end() { p.busy.Store(false) }

// watch looks at the worker until ctx ends or the loop does. A callback that hangs is
// reported, and after MaxPollInterval the worker is given up until it returns.
func (w *Worker) watch(ctx context.Context) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	var last sight
	since, report := time.Now(), reportAfter
	for {
		select {
		case <-tick.C:
		case <-w.done:
			return
		case <-ctx.Done():
			return
		}
		now := w.sight()
		if now != last || !now.busy {
			last, since, report = now, time.Now(), reportAfter
			continue
		}
		stuck := time.Since(since)
		if stuck >= report {
			report *= 2
			h := w.hang(now, stuck)
			w.opt.Log.Warn(h.String(), "worker", w.opt.Index, "stack", h.Stack)
		}
		if stuck >= w.opt.MaxPollInterval && w.opt.Hung != nil && !w.pulse.hung.Swap(true) {
			w.opt.Log.Error("the worker is given up until its callback returns; its tasks begin again elsewhere",
				"worker", w.opt.Index, "hang", w.hang(now, stuck).String())
			w.opt.Sender.cut()
			w.opt.Hung(w)
		}
	}
}

// sight is one look; two that are equal are of one callback.
type sight struct {
	busy   bool
	beats  uint64
	doing  *doing
	offset int64
}

func (w *Worker) sight() sight {
	p := &w.pulse
	return sight{busy: p.busy.Load(), beats: p.beats.Load(), doing: p.doing.Load(), offset: p.offset.Load()}
}

func (w *Worker) hang(s sight, since time.Duration) Hang {
	return Hang{
		Task: s.doing.task, Topic: s.doing.topic, Offset: s.offset, For: since.Round(time.Second), Stack: stackOf(w.pulse.stack.Load()),
	}
}

// Hung reports that the worker was given up and has not come back. It is safe for
// concurrent use.
func (w *Worker) Hung() bool { return w.pulse.hung.Load() }

// back is called on the loop: a callback of a worker that was given up has returned.
// What it had in hand is dropped, and its stores are let go.
func (w *Worker) back() {
	if !w.pulse.hung.Load() || w.failed || w.renewing {
		return
	}
	w.abort(errHung)
}

// goroutineID is the number of the calling goroutine in stack traces.
func goroutineID() (id uint64) {
	b := make([]byte, 64)
	b = b[:runtime.Stack(b, false)]
	_, _ = fmt.Sscanf(string(b), "goroutine %d ", &id)
	return id
}

// stackOf finds a goroutine among all.
func stackOf(id uint64) string {
	b := make([]byte, 1<<20)
	b = b[:runtime.Stack(b, true)]
	head := fmt.Appendf(nil, "goroutine %d ", id)
	for _, one := range bytes.Split(b, []byte("\n\n")) {
		if bytes.HasPrefix(one, head) {
			return string(one)
		}
	}
	return ""
}
