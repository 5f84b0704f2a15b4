package worker

import (
	"fmt"
	"time"

	"github.com/millrace/millrace/store"
)

// input is one source partition's books.
type input struct {
	topic string
	next  int64 // next offset to process, -1 unknown
	end   int64 // where the partition ends, as last seen, -1 unknown
	// fetched is the offset after all that was delivered; it may be behind control
	// records, which are no work.
	fetched int64
	owing   []owing
	// emptySince is when others began to wait for this one; zero if they do not.
	emptySince time.Time
	// idle is how long it must be silent to be idle, 0 for never; heard is when it last
	// was not.
	idle  time.Duration
	heard time.Time
}

// owing is what the poller gets back when the task has passed an offset.
type owing struct {
	upTo    int64 // offset after the batch
	bytes   int64
	release Release
}

// settle gives back what lies before the next offset to process.
func (in *input) settle(next int64) {
	in.next = max(in.next, next)
	for len(in.owing) > 0 && in.owing[0].upTo <= next {
		in.owing[0].release(in.owing[0].bytes)
		in.owing = in.owing[1:]
	}
}

// lag is how many offsets are left; 0 while unknown.
func (in *input) lag() (offsets int64, known bool) {
	if in.end < 0 || in.next < 0 {
		return 0, false
	}
	return max(0, in.end-in.next), true
}

// start makes a task live and opens the tap. A task that cannot be linked stays
// with the worker, lifeless, until it is stopped, because its stores are open.
func (w *Worker) start(t *Task, db store.DB, starts map[string]Start, running func()) {
	o := &owned{task: t, worker: w, db: db}
	w.owned = append(w.owned, o)
	o.begin = func() {
		if err := o.link(starts); err != nil {
			w.fail(err)
			return
		}
		t.state.Store(int32(Running))
		running()
	}
	w.begin()
}

// begin starts tasks that came while nothing could run.
func (w *Worker) begin() {
	for _, o := range w.owned {
		if o.begin != nil && !w.failed && !w.renewing {
			begin := o.begin
			o.begin = nil
			begin()
		}
	}
}

// deliver queues a batch. A batch for a task that is gone, or that never became
// live, has nobody to go to; its partition is closed in the poller's books.
func (w *Worker) deliver(t *Task, b Batch) {
	for _, o := range w.owned {
		if o.task == t && o.live != nil {
			if err := o.add(b); err != nil {
				w.fail(err)
			}
			return
		}
	}
}

// add takes a batch into the task's queue and into the books.
func (o *owned) add(b Batch) error {
	for _, in := range o.inputs {
		if in.topic != b.Topic {
			continue
		}
		in.end, in.fetched, in.emptySince = b.End, b.Next, time.Time{}
		if len(b.Records) > 0 {
			in.heard = time.Now()
		}
		in.owing = append(in.owing, owing{b.Next, b.Bytes, b.Release})
		return o.live.Add(b.Topic, b.Records)
	}
	return fmt.Errorf("task %s got records of %s, which it does not read", o.task.ID, b.Topic)
}

// process gives the task its turn of at most limit records.
func (o *owned) process(now time.Time, limit int) (n int, err error) {
	o.decided = 0
	if err := o.release(); err != nil {
		return 0, err
	}
	for n < limit && !o.settling && o.ready(now) {
		if _, err := o.live.Process(); err != nil {
			return n, err
		}
		n++
	}
	o.processed += uint64(n)
	o.pending = o.pending || n > 0
	return n, o.settle()
}

// settle brings the books up to date with what was processed.
func (o *owned) settle() error {
	for _, in := range o.inputs {
		if o.live.Buffered(in.topic) == 0 && in.fetched > 0 {
			if err := o.live.Pass(in.topic, in.fetched); err != nil {
				return err
			}
		}
		in.settle(o.live.Position(in.topic))
	}
	return nil
}

// publish shows the task's numbers to the rest of the process.
func (o *owned) publish(now time.Time) {
	if o.live == nil {
		return
	}
	t := o.task
	t.processed.Store(o.processed)
	t.streamTime.Store(o.live.StreamTime())
	t.lag.Store(o.lag())
	if now.Sub(o.measured) >= measureEvery {
		o.measured = now
		t.stateBytes.Store(o.db.Size())
	}
}

// lag sums up the inputs; -1 if any is unknown.
func (o *owned) lag() (sum int64) {
	for _, in := range o.inputs {
		lag, known := in.lag()
		if !known {
			return -1
		}
		sum += lag
	}
	return sum
}
