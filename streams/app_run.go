package streams

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/millrace/millrace/streams/internal/group"
)

// run works until ctx ends or polling fails for good.
func (e *engine) run(ctx context.Context) error {
	var all sync.WaitGroup
	for _, w := range e.workers {
		all.Go(w.Run)
	}
	all.Go(func() { e.state.clean(e.soft) })
	all.Go(e.keepGlobals)
	e.done = make(chan struct{})
	go func() {
		defer close(e.done)
		e.purger.run(e.soft)
		all.Wait()
	}()
	return e.poller.Run(ctx)
}

// close ends what open has made, whatever of it there is. The first part, commit
// and close of all tasks, has Config.StopTimeout; then waiting for brokers is cut
// off.
func (e *engine) close(commit bool) error {
	budget := e.app.cfg.StopTimeout
	ctx, cancel := context.WithTimeout(context.Background(), budget)
	defer cancel()
	cutOff := context.AfterFunc(ctx, e.abort)
	defer cutOff()

	if e.poller != nil {
		e.poller.Close(commit, budget)
		e.leave(ctx)
	}
	e.quitWorkers()
	e.cancel()
	<-e.done
	e.abort()
	err := e.closeGlobals()
	for _, s := range e.senders {
		s.Close()
	}
	if e.admin != nil {
		e.admin.Close()
	}
	if e.state != nil {
		err = errors.Join(err, e.state.close())
	}
	return err
}

// quitWorkers ends the workers that run. One that hangs in user code is left
// behind after a while; the process is about to end anyway.
func (e *engine) quitWorkers() {
	select {
	case <-e.done: // they never ran
		return
	default:
	}
	const grace = 5 * time.Second
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	for _, w := range e.workers {
		w.Quit(ctx)
	}
}

// leave takes a static member out of the group if it is not to come back. One that was
// fenced has no place any more: the name is another's.
func (e *engine) leave(ctx context.Context) {
	c := e.app.cfg
	if c.InstanceID == "" || errors.Is(e.app.failure(), kerr.FencedInstanceID) || !e.app.leaves() {
		return
	}
	if err := group.Leave(ctx, e.admin, c.ApplicationID, c.InstanceID); err != nil {
		c.Logger.Warn("the member stays in the group until its session timeout", "err", err)
	}
}
