package async

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// Options bound the calls. The zero value is one call at a time, without a timeout
// and without retries.
type Options struct {
	// Concurrency is how many calls may be in flight, that is without a result that
	// was taken; at least 1.
	Concurrency int
	// Timeout bounds one attempt; 0 does not.
	Timeout time.Duration
	// Retries is how often a call that failed is tried again.
	Retries int
	// Backoff is the pause before the first retry; each further one is twice as long,
	// up to MaxBackoff.
	Backoff time.Duration
}

// MaxBackoff is the longest pause between two attempts.
const MaxBackoff = 30 * time.Second

// Func is what is called. It must return soon after its context is done.
type Func[In, Out any] func(context.Context, *In) (Out, error)

// Calls are the calls of one operator in one task. Its methods belong to the task's
// goroutine. Close it.
type Calls[In, Out any] struct {
	opt    Options
	f      Func[In, Out]
	wake   func()
	ctx    context.Context
	cancel context.CancelFunc
	// finished holds a token when a call has ended since it was last looked at.
	finished chan struct{}

	flight []*Call[In, Out] // the oldest first
	free   []*Call[In, Out]

	mu      sync.Mutex
	waiting []*Call[In, Out] // to be made, the oldest first
	running int              // goroutines
}

// Call is one call with its argument, and its result once it has ended.
type Call[In, Out any] struct {
	In  In
	Out Out
	Err error

	ended atomic.Bool
}

// New returns calls of f. wake is called on another goroutine whenever a call has
// ended; it must not block.
func New[In, Out any](opt Options, f Func[In, Out], wake func()) *Calls[In, Out] {
	opt.Concurrency = max(1, opt.Concurrency)
	c := &Calls[In, Out]{opt: opt, f: f, wake: wake, finished: make(chan struct{}, 1)}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}

// Add is a call that is not made yet, the youngest in flight: the caller fills in
// its argument, and then either has it made by [Calls.Start] or gives it no more
// than its place by [Calls.Skip].
func (c *Calls[In, Out]) Add() *Call[In, Out] {
	var call *Call[In, Out]
	if n := len(c.free); n > 0 {
		call, c.free = c.free[n-1], c.free[:n-1]
	} else {
		call = &Call[In, Out]{}
	}
	c.flight = append(c.flight, call)
	return call
}

// Skip ends a call without making it. Its result is zero.
func (c *Calls[In, Out]) Skip(call *Call[In, Out]) { call.ended.Store(true) }

// Start has a call made, as soon as fewer than Concurrency are.
func (c *Calls[In, Out]) Start(call *Call[In, Out]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = append(c.waiting, call)
	if c.running < c.opt.Concurrency {
		c.running++
		go c.run()
	}
}

// Again has the oldest call, which must have ended, made once more, in its place.
func (c *Calls[In, Out]) Again() {
	call := c.flight[0]
	call.Err = nil
	call.ended.Store(false)
	c.Start(call)
}

// Held is the number of calls in flight.
func (c *Calls[In, Out]) Held() int { return len(c.flight) }

// Full says whether as many are in flight as there should be. More can be added,
// but wait for their turn.
func (c *Calls[In, Out]) Full() bool { return len(c.flight) >= c.opt.Concurrency }

// Ended is the oldest call in flight if it has ended, else nil. It stays in flight
// until it is dropped.
func (c *Calls[In, Out]) Ended() *Call[In, Out] {
	if len(c.flight) == 0 || !c.flight[0].ended.Load() {
		return nil
	}
	return c.flight[0]
}

// Drop forgets the oldest call, which must have ended. It may be used anew.
func (c *Calls[In, Out]) Drop() {
	call := c.flight[0]
	c.flight[0] = nil
	if c.flight = c.flight[1:]; len(c.flight) == 0 {
		c.flight = nil
	}
	*call = Call[In, Out]{}
	c.free = append(c.free, call)
}

// Wait waits until the oldest call in flight has ended, if there is one.
func (c *Calls[In, Out]) Wait(ctx context.Context) error {
	for len(c.flight) > 0 && c.Ended() == nil {
		select {
		case <-c.finished:
		case <-ctx.Done():
			return ctx.Err()
		case <-c.ctx.Done():
			return c.ctx.Err()
		}
	}
	return nil
}

// Close cancels what is in flight; nobody gets the results. It does not wait: what
// does not heed its context runs on beside.
func (c *Calls[In, Out]) Close() {
	c.cancel()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = nil
}

// run makes calls until none waits.
func (c *Calls[In, Out]) run() {
	for {
		call := c.next()
		if call == nil {
			return
		}
		call.Out, call.Err = c.try(&call.In)
		call.ended.Store(true)
		select {
		case c.finished <- struct{}{}:
		default:
		}
		c.wake()
	}
}

// next takes the oldest call that waits; after nil the goroutine must end.
func (c *Calls[In, Out]) next() *Call[In, Out] {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.waiting) == 0 {
		c.running--
		return nil
	}
	call := c.waiting[0]
	c.waiting[0] = nil
	c.waiting = c.waiting[1:]
	return call
}

// try makes one call and, if need be, again.
func (c *Calls[In, Out]) try(in *In) (out Out, err error) {
	pause := c.opt.Backoff
	for attempt := 0; ; attempt++ {
		out, err = c.once(in)
		if final, ok := errors.AsType[*Final](err); ok {
			return out, final.Err
		}
		if err == nil || attempt >= c.opt.Retries || !c.pause(pause) {
			return out, err
		}
		pause = min(2*pause, MaxBackoff)
	}
}

// once is one attempt. A panic of the function is an error.
func (c *Calls[In, Out]) once(in *In) (out Out, err error) {
	ctx := c.ctx
	if c.opt.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.opt.Timeout)
		defer cancel()
	}
	defer recovered(&err)
	return c.f(ctx, in)
}

// pause waits, and reports false if the calls were closed.
func (c *Calls[In, Out]) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-c.ctx.Done():
		return false
	}
}
