package statedir

import (
	"context"
	"fmt"
	"sync"

	"github.com/millrace/millrace/streams/internal/topo"
)

// claims is the registry of tasks that are in use in this process. A task has a
// channel of one slot: who has put something into it owns the task.
type claims struct {
	mu    *sync.Mutex
	slots map[topo.TaskID]chan struct{}
}

// newClaims returns a registry in which every task is free.
func newClaims() claims {
	return claims{mu: new(sync.Mutex), slots: make(map[topo.TaskID]chan struct{})}
}

// slot makes a task's channel on first use; they are few and stay.
func (c claims) slot(id topo.TaskID) chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.slots[id] == nil {
		c.slots[id] = make(chan struct{}, 1)
	}
	return c.slots[id]
}

// Claim takes a task's directory for the caller and waits until the former owner
// in this process has released it. Calling release again does nothing.
func (d *Dir) Claim(ctx context.Context, id topo.TaskID) (release func(), err error) {
	slot := d.claims.slot(id)
	select {
	case slot <- struct{}{}:
		return sync.OnceFunc(func() { <-slot }), nil
	case <-ctx.Done():
		return nil, fmt.Errorf("task %s: its former owner in this process has not released its state: %w", id, ctx.Err())
	}
}

// tryClaim takes a task that nobody has, and does not wait.
func (d *Dir) tryClaim(id topo.TaskID) (release func(), ok bool) {
	slot := d.claims.slot(id)
	select {
	case slot <- struct{}{}:
		return sync.OnceFunc(func() { <-slot }), true
	default:
		return nil, false
	}
}
