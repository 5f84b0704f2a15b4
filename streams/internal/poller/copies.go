package poller

import (
	"context"
	"maps"
	"slices"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams/internal/group"
	"github.com/millrace/millrace/streams/internal/restore"
	"github.com/millrace/millrace/streams/internal/topo"
)

// A task has one owner and may have copies: standby replicas, and warm-ups of tasks
// that are to move. The group says which copies this process keeps. They need no
// partition of the consumer, so that nothing has to be released before they begin.

// newStandbys adds to the options what only the Poller knows.
func (p *Poller) newStandbys() *restore.Standbys {
	if p.opt.Standbys == nil {
		return nil
	}
	opt := *p.opt.Standbys
	opt.Stores = func(id topo.TaskID) []topo.Store { return p.opt.Plan.Subtopologies[id.Subtopology].Stores }
	opt.Open = func(id topo.TaskID) (store.DB, error) {
		ctx, cancel := context.WithTimeout(p.ctx, p.opt.RebalanceTimeout)
		defer cancel()
		return p.opt.Open(ctx, id)
	}
	opt.Changed = p.opt.Changed
	opt.CaughtUp = p.caughtUp
	opt.Log = p.opt.Log
	return restore.NewStandbys(opt)
}

// keep says which copies to keep. That of a task which is to run here stays until the
// task takes it over; that is soon, or the next assignment says otherwise.
func (p *Poller) keep(a group.Assignment) {
	if p.standbys == nil || a.Err != nil {
		return
	}
	ids := slices.Collect(maps.Keys(a.Standby))
	for _, r := range p.standbys.List() {
		if _, active := a.Active[r.ID]; active {
			ids = append(ids, r.ID)
		}
	}
	p.standbys.Set(ids)
}

// open is a task's state: its copy if there is one, which needs not be opened.
func (p *Poller) open(ctx context.Context, id topo.TaskID) (store.DB, error) {
	if p.standbys != nil {
		if db, ok := p.standbys.Take(id); ok {
			return db, nil
		}
	}
	return p.opt.Open(ctx, id)
}

// caughtUp asks the group to assign again at once: a task that waits for one of the
// copies here need not wait for the leader's next probing rebalance.
func (p *Poller) caughtUp() {
	p.opt.Log.Info("all copies here have caught up")
	p.client.ForceRebalance()
}

// copied adds what copies have to what the group is told of the state here.
func (p *Poller) copied(sums map[topo.TaskID]int64) {
	for _, r := range p.Standbys() {
		sums[r.ID] = max(sums[r.ID], r.Sum)
	}
}

// Standbys lists the copies that this process keeps, sorted by task. Safe for
// concurrent use.
func (p *Poller) Standbys() []restore.Replica {
	if p.standbys == nil {
		return nil
	}
	return p.standbys.List()
}
