package poller

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams/internal/restore"
	"github.com/millrace/millrace/streams/internal/topo"
	"github.com/millrace/millrace/streams/internal/txn"
	"github.com/millrace/millrace/streams/internal/worker"
)

// assigned starts the tasks of new partitions. It does nothing slow: opening and
// restoring state happens elsewhere. The partitions are paused until then, which
// works because the client fetches them only after this callback.
func (p *Poller) assigned(_ context.Context, _ *kgo.Client, added map[string][]int32) {
	<-p.ready
	p.noteRebalance(&p.counts.assigned, len(added) > 0)
	p.client.PauseFetchPartitions(added)
	if err := p.hook(txn.StepAssigned); err != nil {
		p.opt.Fail(err)
		return
	}
	tasks, err := p.group(added)
	if err != nil {
		p.opt.Fail(err)
		return
	}
	for _, id := range slices.SortedFunc(maps.Keys(tasks), topo.TaskID.Compare) {
		p.begin(id, tasks[id], false)
	}
	p.joined.Store(true)
	p.opt.Changed()
}

// group sorts partitions by the task that they belong to.
func (p *Poller) group(parts map[string][]int32) (map[topo.TaskID][]string, error) {
	out := make(map[topo.TaskID][]string)
	for topic, partitions := range parts {
		sub, ok := p.opt.Plan.SubtopologyOf(topic)
		if !ok {
			return nil, fmt.Errorf("the group assigned topic %s, which this topology does not read: do all members of %s run the same topology?", topic, p.opt.Plan.ApplicationID)
		}
		for _, n := range partitions {
			id := topo.TaskID{Subtopology: sub.ID, Partition: n}
			out[id] = append(out[id], topic)
		}
	}
	return out, nil
}

// begin registers a task with the worker that has the fewest and sends it off to
// be restored. Of one that the consumer has to go back for, no record is let through
// before it has.
//
// The order matters: only once the committed offsets are known, and no transaction
// holds them up, are the ends of the changelogs listed. What an earlier owner has
// committed is before those ends then.
func (p *Poller) begin(id topo.TaskID, topics []string, rewinding bool) *entry {
	slices.Sort(topics)
	sub := &p.opt.Plan.Subtopologies[id.Subtopology]
	ctx, cancel := context.WithCancel(p.ctx)
	e := &entry{
		task:  worker.NewTask(id, sub, topics, p.idlest()),
		parts: make(map[string]*part), ctx: ctx, cancel: cancel,
		fetched: make(chan struct{}), closed: make(chan struct{}),
		missing: len(topics), starts: make(map[string]worker.Start), rewinding: rewinding,
	}
	for _, t := range topics {
		e.parts[t] = &part{topic: t, partition: id.Partition, task: e}
		p.flow.open(e.parts[t])
	}
	p.registry.add(e)
	p.restore(e, time.Now())
	return e
}

// restore restores a task, again if brokers are in trouble. What was applied stays.
func (p *Poller) restore(e *entry, since time.Time) {
	id := e.task.ID
	p.opt.Restorer.Start(e.ctx, restore.Job{
		Task: id, Stores: e.task.Sub.Stores, Progress: e.task.Progress, After: e.fetched,
		Hook:      func(at string) error { return p.hook(txn.Step(at)) },
		Open:      func() (store.DB, error) { return p.open(e.ctx, id) },
		Committed: func() map[string]int64 { return committed(p.registry.startsOf(e)) },
	}, func(db store.DB, err error) {
		if err != nil && txn.Judge(err) == txn.Retry && time.Since(since) < p.opt.TaskTimeout && e.ctx.Err() == nil {
			p.opt.Log.Warn("restoring a task begins again where it stood", "task", id.String(), "err", err)
			time.AfterFunc(retryPause, func() { p.restore(e, since) })
			return
		}
		p.restored(e, db, err)
	})
}

// committed are the offsets that a task goes on from; negative for none.
func committed(starts map[string]worker.Start) map[string]int64 {
	out := make(map[string]int64, len(starts))
	for topic, s := range starts {
		out[topic] = s.Offset
	}
	return out
}

// restored hands a task to its worker. It runs on the restoring goroutine.
func (p *Poller) restored(e *entry, db store.DB, err error) {
	if err != nil {
		if e.ctx.Err() == nil {
			p.opt.Fail(err)
		}
		close(e.closed)
		return
	}
	if err := p.hook(txn.StepRestored); err != nil {
		p.opt.Fail(err)
	} else if e.ctx.Err() == nil {
		starts := p.bounded(e, p.registry.startsOf(e))
		if p.registry.hand(e, func() { e.task.Worker.Start(e.task, db, starts, func() { p.running(e) }) }) {
			return
		}
	}
	if err := db.Close(); err != nil {
		p.opt.Log.Error("closing the state of a task that moved away", "task", e.task.ID.String(), "err", err)
	}
	close(e.closed)
}

// running opens the tap. It runs on the worker's goroutine.
func (p *Poller) running(e *entry) {
	p.flow.start(slices.Collect(maps.Values(e.parts)))
	p.opt.Changed()
}

// idlest is the worker with the fewest tasks, of those that do not hang.
func (p *Poller) idlest() *worker.Worker {
	load := p.registry.load()
	return slices.MinFunc(p.opt.Workers, func(a, b *worker.Worker) int {
		if a.Hung() != b.Hung() {
			if a.Hung() {
				return 1
			}
			return -1
		}
		return load[a] - load[b]
	})
}

// revoked commits and closes the tasks of partitions that move elsewhere, within
// the time budget of the group.
func (p *Poller) revoked(_ context.Context, _ *kgo.Client, gone map[string][]int32) {
	<-p.ready
	p.noteRebalance(&p.counts.revoked, len(gone) > 0)
	if err := p.hook(txn.StepRevoked); err != nil {
		p.opt.Fail(err)
		return
	}
	p.drop(gone, true)
}

// lost closes without a commit what the group took away: another member may have
// it already.
func (p *Poller) lost(_ context.Context, _ *kgo.Client, gone map[string][]int32) {
	<-p.ready
	p.noteRebalance(&p.counts.lost, len(gone) > 0)
	p.standing.lost()
	p.drop(gone, false)
	p.joined.Store(false)
}

func (p *Poller) drop(parts map[string][]int32, commit bool) {
	tasks, err := p.group(parts)
	if err != nil {
		p.opt.Fail(err)
		return
	}
	p.release(slices.Collect(maps.Keys(tasks)), commit, p.opt.RebalanceTimeout*9/10)
}

// release ends tasks, all workers at once, and waits for it up to the budget. A
// worker that hangs costs its own tasks, not the member.
func (p *Poller) release(ids []topo.TaskID, commit bool, budget time.Duration) {
	if len(ids) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), budget)
	defer cancel()
	handed, restoring := p.registry.remove(ids)
	if !commit {
		lose(handed)
	}
	for w, entries := range byWorker(handed) {
		w.Stop(ctx, tasksOf(entries), commit, func() {
			for _, e := range entries {
				close(e.closed)
			}
		})
	}
	for _, e := range append(handed, restoring...) {
		p.awaitClosed(ctx, e)
	}
	p.opt.Changed()
}

func (p *Poller) awaitClosed(ctx context.Context, e *entry) {
	for _, part := range e.parts {
		p.flow.close(part)
	}
	select {
	case <-e.closed:
	case <-ctx.Done():
		e.task.Lose()
		p.opt.Log.Error("a task could not be closed within the time budget and is given up; its worker is stuck in a record or a commit",
			"task", e.task.ID.String())
	}
}

// lose keeps a worker that does not listen from committing what is not ours any more.
func lose(entries []*entry) {
	for _, e := range entries {
		e.task.Lose()
	}
}

func (p *Poller) hook(at txn.Step) error {
	if p.opt.Hook == nil {
		return nil
	}
	return p.opt.Hook(at)
}

func byWorker(entries []*entry) map[*worker.Worker][]*entry {
	out := make(map[*worker.Worker][]*entry)
	for _, e := range entries {
		out[e.task.Worker] = append(out[e.task.Worker], e)
	}
	return out
}

func tasksOf(entries []*entry) []*worker.Task {
	out := make([]*worker.Task, len(entries))
	for i, e := range entries {
		out[i] = e.task
	}
	return out
}
