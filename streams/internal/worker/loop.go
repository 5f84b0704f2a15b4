package worker

import "time"

// roundRecords is how many records of one task are processed before the next
// task has its turn.
const roundRecords = 256

// Run is the loop: take, process, punctuate, commit. It returns after Quit.
func (w *Worker) Run() {
	defer close(w.done)
	defer w.beside.Wait()
	w.nextCommit = time.Now().Add(w.opt.CommitInterval)
	w.pulse.stack.Store(goroutineID())
	go w.watch(w.opt.Hard)
	rest := time.NewTimer(0)
	defer rest.Stop()
	for {
		w.back()
		w.take()
		if w.quit {
			return
		}
		now := time.Now()
		busy := w.process(now)
		w.punctuate(now)
		w.commitDue(now)
		w.publish(now)
		if !busy {
			w.rest(rest)
		}
	}
}

// take carries out what was posted.
func (w *Worker) take() {
	for _, call := range w.mail.take() {
		call()
	}
}

// process gives each task one turn and reports whether any had work.
func (w *Worker) process(now time.Time) (busy bool) {
	for _, o := range w.owned {
		if w.failed || w.renewing {
			return false
		}
		w.pulse.begin(o.task, "")
		n, err := o.process(now, roundRecords)
		w.pulse.end()
		w.count.processed += uint64(n)
		busy = busy || n > 0
		if err != nil {
			w.count.errors++
			w.troubled(err)
		}
	}
	return busy
}

// punctuate calls what is due by stream time or wall clock, after caches gave back
// what others need.
func (w *Worker) punctuate(now time.Time) {
	for _, o := range w.owned {
		if w.failed || w.renewing {
			return
		}
		w.pulse.begin(o.task, "")
		err := o.live.Trim()
		if err == nil {
			err = o.live.Punctuate(now.UnixMilli())
		}
		w.pulse.end()
		if err != nil {
			w.count.errors++
			w.troubled(err)
		}
	}
}

// publish shows the counters to the rest of the process.
func (w *Worker) publish(now time.Time) {
	for _, o := range w.owned {
		o.publish(now)
	}
	w.board.publish(w.count, w.opt.Sender.Emitted())
}

// rest waits for mail or for the next thing that is due.
func (w *Worker) rest(timer *time.Timer) {
	timer.Reset(w.untilDue(time.Now()))
	select {
	case <-w.mail.wake:
	case <-timer.C:
	}
}

// untilDue is how long nothing can happen by itself.
func (w *Worker) untilDue(now time.Time) time.Duration {
	due := w.nextCommit
	for _, o := range w.owned {
		if at, ok := o.due(now); ok && at.Before(due) {
			due = at
		}
	}
	const shortest = time.Millisecond // never spin on something that stays due
	return max(shortest, due.Sub(now))
}

// fail stops processing for good and tells the application, which will stop the
// tasks. Their state stays at the last commit.
func (w *Worker) fail(err error) {
	w.failed = true
	w.opt.Fail(err)
}
