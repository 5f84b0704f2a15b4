package streams

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/millrace/millrace/streams/internal/poller"
	"github.com/millrace/millrace/streams/internal/txn"
	"github.com/millrace/millrace/streams/internal/worker"
)

// lateGroup is the group before there is a member: workers are made first.
type lateGroup struct {
	member atomic.Pointer[poller.Poller]
}

func (g *lateGroup) set(p *poller.Poller) { g.member.Store(p) }

// Membership implements txn.Group.
func (g *lateGroup) Membership() txn.Membership {
	if p := g.member.Load(); p != nil {
		return p.Membership()
	}
	return txn.Membership{Generation: -1}
}

// Commit implements txn.Group.
func (g *lateGroup) Commit(ctx context.Context, m txn.Membership, offsets []txn.Offset) error {
	if p := g.member.Load(); p != nil {
		return p.Commit(ctx, m, offsets)
	}
	return fmt.Errorf("there is no group member yet: %w", kerr.UnknownMemberID)
}

// Await implements txn.Group.
func (g *lateGroup) Await(ctx context.Context, m txn.Membership) error {
	if p := g.member.Load(); p != nil {
		return p.Await(ctx, m)
	}
	return fmt.Errorf("there is no group member yet: %w", kerr.UnknownMemberID)
}

// alive asks the group about the member, if there is one.
func (g *lateGroup) alive(ctx context.Context) error {
	if p := g.member.Load(); p != nil {
		return p.Alive(ctx)
	}
	return nil
}

// restart has tasks begin again; none has begun before there is a member.
func (g *lateGroup) restart(tasks []*worker.Task) {
	if p := g.member.Load(); p != nil {
		p.Restart(tasks)
	}
}

// abandon has the tasks of a worker that hangs begin again elsewhere.
func (g *lateGroup) abandon(w *worker.Worker) {
	if p := g.member.Load(); p != nil {
		p.Abandon(w)
	}
}
