package poller

import (
	"context"
	"sync"
)

// calls bring work to the polling goroutine, to be done while no callback of the
// group can run. Posting never blocks.
type calls struct {
	mu   sync.Mutex
	list []func()
	wake context.CancelFunc // ends the poll under way
}

// post leaves a call and ends the poll, or the wait for buffers, that is under way.
func (c *calls) post(call func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list = append(c.list, call)
	if c.wake != nil {
		c.wake()
	}
}

// context is for the next poll; it has ended already if there are calls.
func (c *calls) context(ctx context.Context) (context.Context, context.CancelFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ctx, c.wake = context.WithCancel(ctx)
	if len(c.list) > 0 {
		c.wake()
	}
	return ctx, c.wake
}

// run makes the calls that were posted.
func (c *calls) run() {
	c.mu.Lock()
	list := c.list
	c.list = nil
	c.mu.Unlock()
	for _, call := range list {
		call()
	}
}
