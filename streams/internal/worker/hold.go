package worker

import (
	"context"
	"time"

	"github.com/millrace/millrace/streams/internal/task"
)

var (
	_ task.Waker    = (*owned)(nil)
	_ task.Lifetime = (*owned)(nil)
)

// Wake implements task.Waker.
func (o *owned) Wake() { o.worker.mail.nudge() }

// Context implements task.Lifetime.
func (o *owned) Context() context.Context { return o.worker.opt.Hard }

// release sends on what operators need not hold any longer.
func (o *owned) release() error {
	released, err := o.live.Release()
	o.pending = o.pending || released
	return err
}

// settling holds a commit that is due back while operators hold records: their tasks
// take no further ones, and all others go on.
func (w *Worker) settling() (waits bool) {
	for _, o := range w.owned {
		o.settling = o.live != nil && o.live.Held() > 0
		waits = waits || o.settling
	}
	return waits
}

// settle waits for what operators hold, as a commit must.
func settle(ctx context.Context, tasks []*owned) error {
	for _, o := range tasks {
		if o.live == nil || o.live.Held() == 0 {
			continue
		}
		if err := o.live.Settle(ctx); err != nil {
			return err
		}
		o.pending = true
	}
	return nil
}

// idleOf is how long a source must be silent to be idle; 0 if it never is.
func (o *owned) idleOf(topic string) time.Duration {
	for _, s := range o.task.Sub.Sources {
		if s.Topic == topic && s.IdleAfter > 0 {
			return s.IdleAfter
		}
	}
	return o.worker.opt.SourceIdle
}
