package poller

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/millrace/millrace/streams/internal/topo"
	"github.com/millrace/millrace/streams/internal/worker"
)

// entry is one task from its assignment to its end. It is with the restorer
// first and handed to its worker when its stores are complete and its offsets
// known; whoever has it closes it.
type entry struct {
	task  *worker.Task
	parts map[string]*part // by topic

	ctx     context.Context // ends when the task is given up before it runs
	cancel  context.CancelFunc
	fetched chan struct{} // closed when all committed offsets are known
	closed  chan struct{} // closed when its state is closed

	// Guarded by registry.mu.
	missing int // partitions whose committed offset is not known yet
	starts  map[string]worker.Start
	handed  bool
	closing bool
	// rewinding: what is fetched is from before the place to go on at.
	rewinding bool
}

// registry knows the tasks of this process. It is safe for concurrent use.
type registry struct {
	mu      sync.Mutex
	entries map[topo.TaskID]*entry
	// byTopic finds the partition that fetched records belong to.
	byTopic map[string]map[int32]*part
}

func newRegistry() *registry {
	return &registry{entries: make(map[topo.TaskID]*entry), byTopic: make(map[string]map[int32]*part)}
}

// add registers a new task.
func (r *registry) add(e *entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entries[e.task.ID] = e
	for topic, p := range e.parts {
		if r.byTopic[topic] == nil {
			r.byTopic[topic] = make(map[int32]*part)
		}
		r.byTopic[topic][p.partition] = p
	}
}

// part finds a partition of a task that takes records.
func (r *registry) part(topic string, partition int32) *part {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := r.byTopic[topic][partition]; p != nil && !p.task.rewinding {
		return p
	}
	return nil
}

// known notes a committed offset and says when the task has all of them.
func (r *registry) known(topic string, partition int32, s worker.Start) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.byTopic[topic][partition]
	if p == nil {
		return
	}
	e := p.task
	if _, again := e.starts[topic]; !again {
		e.missing--
	}
	e.starts[topic] = s
	if e.missing == 0 {
		e.missing = -1
		close(e.fetched)
	}
}

// startsOf copies where a task's partitions begin.
func (r *registry) startsOf(e *entry) map[string]worker.Start {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(e.starts)
}

// hand gives the task over to its worker, unless it is closing already.
func (r *registry) hand(e *entry, post func()) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e.closing {
		return false
	}
	e.handed = true
	post()
	return true
}

// remove takes tasks out, so that no record reaches them any more, and says
// which of them are with their worker.
func (r *registry) remove(ids []topo.TaskID) (handed, restoring []*entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range ids {
		e := r.entries[id]
		if e == nil {
			continue
		}
		r.drop(e)
		if e.handed {
			handed = append(handed, e)
		} else {
			restoring = append(restoring, e)
		}
	}
	return handed, restoring
}

// ids lists all tasks, sorted.
func (r *registry) ids() []topo.TaskID {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.SortedFunc(maps.Keys(r.entries), topo.TaskID.Compare)
}

// tasks lists all tasks, sorted by id.
func (r *registry) tasks() []*worker.Task {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]*worker.Task, 0, len(r.entries))
	for _, id := range slices.SortedFunc(maps.Keys(r.entries), topo.TaskID.Compare) {
		out = append(out, r.entries[id].task)
	}
	return out
}

// load counts the tasks of each worker.
func (r *registry) load() map[*worker.Worker]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make(map[*worker.Worker]int)
	for _, e := range r.entries {
		out[e.task.Worker]++
	}
	return out
}
