package worker

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/millrace/millrace/streams/internal/txn"
)

const (
	// retryCommit is the pause before a commit is tried again during a rebalance.
	retryCommit = 200 * time.Millisecond
	// commitBudget bounds one commit while tasks stay, so that a coordinator that
	// does not answer shows in the log.
	commitBudget = 60 * time.Second
	// commitPatience is how long postponed commits are nobody's concern.
	commitPatience = 30 * time.Second
)

// commitDue commits all tasks with progress when it is time, or earlier when too
// many writes are waiting.
func (w *Worker) commitDue(now time.Time) {
	if w.failed || w.renewing || now.Before(w.nextCommit) && w.staged() < w.opt.MaxStaged {
		return
	}
	if w.settling() {
		return
	}
	ctx, cancel := context.WithTimeout(w.opt.Hard, commitBudget)
	defer cancel()
	err := w.commitTasks(ctx, w.owned)
	w.nextCommit = time.Now().Add(w.opt.CommitInterval)
	if err != nil {
		w.troubled(err)
		return
	}
	w.postponed = time.Time{}
}

// postpone tries again soon. A rebalance or a broker that restarts takes seconds;
// what takes longer should show.
func (w *Worker) postpone(err error) {
	now := time.Now()
	if w.postponed.IsZero() {
		w.postponed = now
	}
	w.nextCommit = now.Add(retryCommit)
	if since := now.Sub(w.postponed); since > commitPatience {
		w.postponed = now
		w.opt.Log.Warn("commits are not possible for a while; processing goes on", "worker", w.opt.Index, "for", since.Round(time.Second).String(), "err", err)
	}
}

// staged is the memory that writes of all tasks hold.
func (w *Worker) staged() (bytes int64) {
	for _, o := range w.owned {
		bytes += int64(o.db.StagedBytes())
	}
	return bytes
}

// commitTasks runs the protocol over the tasks that have something to commit.
func (w *Worker) commitTasks(ctx context.Context, tasks []*owned) error {
	if err := settle(ctx, tasks); err != nil {
		return err
	}
	var parts []txn.Part
	for _, o := range tasks {
		if o.dirty() {
			parts = append(parts, o)
		}
	}
	if len(parts) == 0 {
		return nil
	}
	begun := time.Now()
	if err := w.commit.Commit(ctx, parts); err != nil {
		return err
	}
	w.count.commit(len(parts), time.Since(begun).Seconds())
	w.failing = failing{}
	return nil
}

// stop ends tasks. It runs on the loop; closing runs beside it, because another
// task's records need not wait for this one's disk.
func (w *Worker) stop(ctx context.Context, tasks []*Task, commit bool, done func()) {
	var failed error
	if commit && !w.failed {
		if failed = w.lastCommit(ctx, w.sharing(tasks)); failed != nil {
			w.opt.Log.Error("the last commit of tasks that end failed; their newest records are processed again elsewhere",
				"worker", w.opt.Index, "tasks", len(tasks), "err", failed)
		}
	}
	gone := w.disown(tasks)
	if w.spoilt(gone, failed) {
		w.abort(cmp.Or(failed, errSpoilt))
	}
	w.publish(time.Now())
	w.beside.Go(func() {
		defer done()
		w.close(gone)
	})
}

// sharing are the tasks to commit when some of them end: exactly-once, one
// transaction has the records of all.
func (w *Worker) sharing(tasks []*Task) (all []*owned) {
	for _, o := range w.owned {
		if w.opt.ExactlyOnce || contains(tasks, o.task) {
			all = append(all, o)
		}
	}
	return all
}

// errSpoilt is why a transaction is given up that nothing else is wrong with.
var errSpoilt = errors.New("it has records of tasks that are not ours any more")

// spoilt reports whether the transaction has records of tasks that were given up.
func (w *Worker) spoilt(gone []*owned, failed error) bool {
	if !w.opt.ExactlyOnce || w.failed || w.renewing {
		return false
	}
	return failed != nil || len(gone) > 0 && !w.opt.Sender.Empty()
}

// lastCommit tries until it is done, the group says no, or time is up. What failed in
// a transaction is not tried again.
func (w *Worker) lastCommit(ctx context.Context, tasks []*owned) error {
	for {
		err := w.commitTasks(ctx, tasks)
		if err == nil || w.opt.ExactlyOnce || txn.Judge(err) != txn.Retry || ctx.Err() != nil {
			if err != nil && txn.Judge(err) == txn.Fatal {
				w.fail(err)
			}
			return err
		}
		select {
		case <-time.After(retryCommit):
		case <-ctx.Done():
			return err
		}
	}
}

// disown takes tasks out of the loop.
func (w *Worker) disown(tasks []*Task) (gone []*owned) {
	kept := w.owned[:0]
	for _, o := range w.owned {
		if contains(tasks, o.task) {
			o.task.state.Store(int32(Closing))
			o.publish(time.Now())
			if o.live != nil {
				o.live.Close()
			}
			gone = append(gone, o)
		} else {
			kept = append(kept, o)
		}
	}
	clear(w.owned[len(kept):])
	w.owned = kept
	return gone
}

func contains(tasks []*Task, t *Task) bool {
	for _, x := range tasks {
		if x == t {
			return true
		}
	}
	return false
}

// close closes stores, all at once.
func (w *Worker) close(tasks []*owned) {
	var all sync.WaitGroup
	for _, o := range tasks {
		all.Go(func() {
			o.db.Rollback()
			if err := o.db.Close(); err != nil {
				w.opt.Log.Error("closing the state of a task", "task", o.task.ID.String(), "err", err)
			}
		})
	}
	all.Wait()
}
