package poller

import (
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millrace/millrace/streams/internal/assign/wire"
	"github.com/millrace/millrace/streams/internal/group"
	"github.com/millrace/millrace/streams/internal/topo"
	"github.com/millrace/millrace/streams/internal/worker"
)

// balancer is the group protocol, told what this process has and what it is
// given.
func (p *Poller) balancer() kgo.GroupBalancer {
	opt := p.opt.Group
	onDisk := opt.Offsets
	opt.Offsets = func() map[topo.TaskID]int64 { return p.offsets(onDisk) }
	opt.OnAssignment = p.onAssignment
	return group.New(opt)
}

// offsets tells the group how complete the state of each task is here: what runs,
// what is being restored, and what else lies on the disk.
func (p *Poller) offsets(onDisk func() map[topo.TaskID]int64) map[topo.TaskID]int64 {
	out := make(map[topo.TaskID]int64)
	if onDisk != nil {
		out = onDisk()
	}
	p.copied(out)
	for _, t := range p.registry.tasks() {
		if !logged(t.Sub) {
			continue
		}
		if t.State() == worker.Running {
			out[t.ID] = wire.Running
		} else {
			out[t.ID] = max(out[t.ID], t.Progress.Sum()) // which is 0 before it begins
		}
	}
	return out
}

// logged reports whether the sub-topology has state that can be restored.
func logged(sub *topo.Subtopology) bool {
	for _, s := range sub.Stores {
		if s.Changelog != "" {
			return true
		}
	}
	return false
}

// onAssignment acts on what the group protocol itself asks for; tasks start and
// end in the client's callbacks, which follow.
func (p *Poller) onAssignment(a group.Assignment) {
	<-p.ready
	p.standing.assigned(p.Membership().Generation)
	p.probe.stop()
	p.keep(a)
	switch {
	case a.Err != nil:
		p.opt.Fail(a.Err)
	case a.RejoinNow:
		p.client.ForceRebalance()
	case a.NextRebalance != wire.NoRebalance:
		p.probe.start(time.Until(time.UnixMilli(a.NextRebalance)), p.client.ForceRebalance)
	}
}

// probe is a rebalance that the leader has scheduled.
type probe struct {
	mu    sync.Mutex
	timer *time.Timer
}

func (p *probe) start(in time.Duration, rejoin func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.timer = time.AfterFunc(max(0, in), rejoin)
}

func (p *probe) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timer != nil {
		p.timer.Stop()
	}
}
