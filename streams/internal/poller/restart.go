package poller

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/millrace/millrace/streams/internal/restore"
	"github.com/millrace/millrace/streams/internal/txn"
	"github.com/millrace/millrace/streams/internal/worker"
)

// retryPause is between two tries of what brokers in trouble hold up.
const retryPause = 100 * time.Millisecond

// Restart has tasks of this process begin again at the last commit: their offsets are
// asked for anew, their stores restored, and the consumer goes back. Tasks that have
// moved away meanwhile are left alone. It does not block, and is safe for concurrent
// use.
func (p *Poller) Restart(tasks []*worker.Task) {
	p.calls.post(func() { p.restart(tasks) })
}

// Abandon has the tasks of a worker that hangs begin again, elsewhere if there is
// another one. The group is not told: they stay in this process. Their stores open
// once the hanging callback has returned and let go of them. It does not block, and is
// safe for concurrent use.
func (p *Poller) Abandon(w *worker.Worker) {
	p.calls.post(func() {
		var tasks []*worker.Task
		for _, t := range p.registry.tasks() {
			if t.Worker == w && t.State() == worker.Running {
				t.Lose()
				tasks = append(tasks, t)
			}
		}
		p.restart(tasks)
	})
}

// restart runs on the polling goroutine, while no callback of the group can.
func (p *Poller) restart(tasks []*worker.Task) {
	for _, t := range tasks {
		e := p.registry.take(t)
		if e == nil {
			continue
		}
		for _, part := range e.parts {
			p.flow.close(part)
		}
		close(e.closed)
		p.client.PauseFetchPartitions(partitionsOf(t))
		again := p.begin(t.ID, t.Topics, true)
		go p.rewind(again)
	}
	p.opt.Changed()
}

func partitionsOf(t *worker.Task) map[string][]int32 {
	out := make(map[string][]int32, len(t.Topics))
	for _, topic := range t.Topics {
		out[topic] = []int32{t.ID.Partition}
	}
	return out
}

// rewind finds out where a task goes on and sets the consumer there.
func (p *Poller) rewind(e *entry) {
	starts, err := p.startsAnew(e)
	if err != nil {
		if e.ctx.Err() == nil {
			p.opt.Fail(fmt.Errorf("task %s: where to go on: %w", e.task.ID, err))
		}
		return
	}
	p.calls.post(func() {
		if e.ctx.Err() != nil {
			return
		}
		to := make(map[string]map[int32]kgo.EpochOffset)
		for topic, s := range starts {
			to[topic] = map[int32]kgo.EpochOffset{e.task.ID.Partition: {Epoch: -1, Offset: s.Next}}
		}
		p.client.SetOffsets(to)
		p.registry.rewound(e)
		for topic, s := range starts {
			p.registry.known(topic, e.task.ID.Partition, s)
		}
	})
}

// startsAnew asks for committed offsets until no transaction holds them up, and for
// the bounds of partitions that have none.
func (p *Poller) startsAnew(e *entry) (starts map[string]worker.Start, err error) {
	err = p.patiently(e.ctx, func() error {
		if starts, err = p.fetchOffsets(e.ctx, e.task); err != nil {
			return err
		}
		bounds, err := restore.List(e.ctx, p.client, e.task.Topics, e.task.ID.Partition, restore.Committed)
		for topic, s := range starts {
			s.Next, s.End = p.next(e, topic, s.Offset, bounds[topic]), bounds[topic].End
			starts[topic] = s
		}
		return err
	})
	return starts, err
}

// patiently repeats what brokers in trouble, or an open transaction, hold up, for as
// long as a task may wait for them.
func (p *Poller) patiently(ctx context.Context, what func() error) error {
	begun := time.Now()
	for {
		err := what()
		if err == nil || txn.Judge(err) != txn.Retry || time.Since(begun) > p.opt.TaskTimeout {
			return err
		}
		select {
		case <-time.After(retryPause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (p *Poller) fetchOffsets(ctx context.Context, t *worker.Task) (map[string]worker.Start, error) {
	ids, err := p.topicIDs(ctx, t.Topics)
	if err != nil {
		return nil, err
	}
	group := kmsg.NewOffsetFetchRequestGroup()
	group.Group = p.opt.Plan.ApplicationID
	for _, name := range t.Topics {
		topic := kmsg.NewOffsetFetchRequestGroupTopic()
		topic.Topic, topic.TopicID, topic.Partitions = name, ids[name], []int32{t.ID.Partition}
		group.Topics = append(group.Topics, topic)
	}
	req := kmsg.NewPtrOffsetFetchRequest()
	req.RequireStable, req.Groups = true, append(req.Groups, group)
	resp, err := req.RequestWith(ctx, p.client)
	if err != nil {
		return nil, fmt.Errorf("committed offsets: %w", err)
	}
	return readStarts(resp, t, ids)
}

// readStarts finds the answer for each topic, by name or by id.
func readStarts(resp *kmsg.OffsetFetchResponse, t *worker.Task, ids map[string][16]byte) (map[string]worker.Start, error) {
	out := make(map[string]worker.Start, len(t.Topics))
	for _, g := range resp.Groups {
		if err := kerr.ErrorForCode(g.ErrorCode); err != nil {
			return nil, fmt.Errorf("committed offsets: %w", err)
		}
		for _, answer := range g.Topics {
			for _, name := range t.Topics {
				if answer.Topic != name && (answer.Topic != "" || answer.TopicID != ids[name]) {
					continue
				}
				for _, o := range answer.Partitions {
					if err := kerr.ErrorForCode(o.ErrorCode); err != nil {
						return nil, fmt.Errorf("committed offset of %s/%d: %w", name, o.Partition, err)
					}
					out[name] = start(o.Offset, o.Metadata, o.ErrorCode)
				}
			}
		}
	}
	if len(out) != len(t.Topics) {
		return nil, fmt.Errorf("committed offsets: the coordinator answered for %d of %d topics", len(out), len(t.Topics))
	}
	return out, nil
}

// topicIDs resolves names for requests that have ids only.
func (p *Poller) topicIDs(ctx context.Context, topics []string) (map[string][16]byte, error) {
	req := kmsg.NewPtrMetadataRequest()
	for _, name := range topics {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = kmsg.StringPtr(name)
		req.Topics = append(req.Topics, t)
	}
	meta, err := p.client.RequestCachedMetadata(ctx, req, metadataAge)
	if err != nil {
		return nil, fmt.Errorf("topic ids: %w", err)
	}
	ids := make(map[string][16]byte, len(meta.Topics))
	for _, t := range meta.Topics {
		if t.Topic != nil {
			ids[*t.Topic] = t.TopicID
		}
	}
	return ids, nil
}

// take removes the entry of a task that begins again; nil if it is not ours any more.
func (r *registry) take(t *worker.Task) *entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.entries[t.ID]
	if e == nil || e.task != t {
		return nil
	}
	r.drop(e)
	return e
}

// rewound lets fetched records through to the task again.
func (r *registry) rewound(e *entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e.rewinding = false
}

// drop takes an entry out, so that no record reaches it any more. Called with mu held.
func (r *registry) drop(e *entry) {
	delete(r.entries, e.task.ID)
	for topic, p := range e.parts {
		if r.byTopic[topic][p.partition] == p {
			delete(r.byTopic[topic], p.partition)
		}
	}
	e.closing = true
	e.cancel()
}
