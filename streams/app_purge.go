package streams

import (
	"context"
	"log/slog"
	"sync"

	"github.com/millrace/millrace/streams/internal/topo"
	"github.com/millrace/millrace/streams/internal/txn"
)

// purger deletes processed records of repartition topics, which are kept for
// ever otherwise. It works behind the commits: what is left over only takes
// space, so a failure is logged and the next commit tries again.
type purger struct {
	ours   map[string]bool // repartition topics
	remove func(ctx context.Context, below map[string]map[int32]int64) error
	log    *slog.Logger

	mu   sync.Mutex
	due  map[string]map[int32]int64
	wake chan struct{}
}

func newPurger(plan *topo.Plan, log *slog.Logger, remove func(context.Context, map[string]map[int32]int64) error) *purger {
	p := &purger{ours: make(map[string]bool), remove: remove, log: log, wake: make(chan struct{}, 1), due: make(map[string]map[int32]int64)}
	for _, s := range plan.Subtopologies {
		for _, r := range s.Repartitions {
			p.ours[r.Topic] = true
		}
	}
	return p
}

// committed takes offsets that are safe. It never blocks; workers call it.
func (p *purger) committed(offsets []txn.Offset) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, o := range offsets {
		if !p.ours[o.Topic] {
			continue
		}
		if p.due[o.Topic] == nil {
			p.due[o.Topic] = make(map[int32]int64)
		}
		p.due[o.Topic][o.Partition] = o.Offset
	}
	if len(p.due) == 0 {
		return
	}
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// run purges until ctx ends.
func (p *purger) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.wake:
		}
		p.mu.Lock()
		due := p.due
		p.due = make(map[string]map[int32]int64)
		p.mu.Unlock()
		if err := p.remove(ctx, due); err != nil && ctx.Err() == nil {
			p.log.Warn("repartition topics were not purged", "err", err)
		}
	}
}
