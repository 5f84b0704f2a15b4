package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/millrace/millrace/streams/internal/txn"
)

const (
	// calm is how long nothing must fail for an earlier failure to be forgotten.
	calm = time.Minute
	// The first failure is met at once; then pauses double.
	firstPause = 100 * time.Millisecond
	lastPause  = 5 * time.Second
)

// errHung is why a worker whose callback did not return begins again.
var errHung = errors.New("a callback took longer than MaxPollInterval")

// failing is a row of failures without a commit in between.
type failing struct {
	since, last time.Time
	times       int
}

// again notes one more failure and says for how long it has been going on.
func (f *failing) again(now time.Time) time.Duration {
	if f.since.IsZero() || now.Sub(f.last) > calm {
		*f = failing{since: now}
	}
	f.last = now
	f.times++
	return now.Sub(f.since)
}

// pause is how long to wait before the next try.
func (f *failing) pause() time.Duration {
	if f.times <= 1 {
		return 0
	}
	return min(lastPause, firstPause<<min(f.times-2, 10))
}

// troubled decides what an error of a commit or of a record means. What user code
// returned is not Kafka's word, even if it is one of Kafka's errors.
func (w *Worker) troubled(err error) {
	var delivery *DeliveryError
	var commit *txn.Error
	verdict, delivered := txn.Fatal, true
	switch {
	case errors.As(err, &delivery):
		verdict, delivered = txn.Judge(delivery), false
	case errors.As(err, &commit) && commit.Step != txn.StepFlush && commit.Step != txn.StepState:
		verdict = txn.Judge(commit)
	}
	switch {
	case verdict == txn.Fatal:
		w.crash(err)
	case delivered && !w.opt.ExactlyOnce && verdict != txn.Abort: // a rebalance is under way, or will follow
		w.postpone(err)
	default:
		w.abort(err)
	}
}

// abort drops what all tasks of the worker have staged, since one producer sends for
// all of them, and gets a new producer beside the loop. Then the tasks begin again at
// the last commit.
func (w *Worker) abort(cause error) {
	if w.opt.Restart == nil || !w.opt.Sender.renewable() {
		w.fail(cause)
		return
	}
	if since := w.failing.again(time.Now()); since > w.opt.TaskTimeout {
		w.fail(fmt.Errorf("no commit has succeeded for %v: %w", since.Round(time.Second), cause))
		return
	}
	tasks := make([]*Task, len(w.owned))
	for i, o := range w.owned {
		tasks[i] = o.task
	}
	w.opt.Log.Warn("what was not committed is given up; the worker gets a new producer and its tasks begin again at the last commit",
		"worker", w.opt.Index, "tasks", len(tasks), "cause", cause)
	gone, pause := w.disown(tasks), w.failing.pause()
	w.renewing = true
	w.beside.Go(func() {
		w.close(gone)
		err := w.renew(pause)
		w.mail.post(func() { w.renewed(tasks, err) })
	})
}

// renew tries to get a producer until it has one, or it makes no sense any more.
func (w *Worker) renew(pause time.Duration) error {
	begun := time.Now()
	for {
		if err := w.hook(txn.StepAborted); err != nil {
			return err
		}
		if err := wait(w.opt.Hard, pause); err != nil {
			return err
		}
		err := w.replace()
		if err == nil || txn.Judge(err) == txn.Fatal || time.Since(begun) > w.opt.TaskTimeout {
			return err
		}
		w.opt.Log.Warn("no new producer yet", "worker", w.opt.Index, "err", err)
		pause = min(lastPause, max(firstPause, 2*pause))
	}
}

// replace makes one. A process whose place in the group another one has taken must not
// fence that one's producers.
func (w *Worker) replace() error {
	ctx, cancel := context.WithTimeout(w.opt.Hard, commitBudget)
	defer cancel()
	if w.opt.Alive != nil {
		if err := w.opt.Alive(ctx); errors.Is(err, kerr.FencedInstanceID) {
			return err
		}
	}
	return w.opt.Sender.Renew(ctx)
}

// renewed goes on with a new producer.
func (w *Worker) renewed(tasks []*Task, err error) {
	w.renewing = false
	w.pulse.hung.Store(false)
	if err == nil {
		err = w.hook(txn.StepRenewed)
	}
	if err != nil {
		if w.opt.Hard.Err() == nil {
			w.fail(err)
		}
		return
	}
	w.nextCommit = time.Now().Add(w.opt.CommitInterval)
	w.opt.Restart(tasks)
	w.begin()
}

func (w *Worker) hook(at txn.Step) error {
	if w.opt.Hook == nil {
		return nil
	}
	return w.opt.Hook(at)
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
