package poller

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/millrace/millrace/streams/internal/restore"
	"github.com/millrace/millrace/streams/internal/topo"
	"github.com/millrace/millrace/streams/internal/worker"
)

// metadataAge is how old the client's idea of topic ids may be.
const metadataAge = time.Minute

// committedOffsets are the answers of one OffsetFetch.
type committedOffsets map[string]map[int32]worker.Start

func (c committedOffsets) put(topic string, partition int32, s worker.Start) {
	if c[topic] == nil {
		c[topic] = make(map[int32]worker.Start)
	}
	c[topic][partition] = s
}

// offsetsFetched keeps the metadata of committed offsets, which the client does
// not hand out otherwise. adjustOffsets follows at once, on the same goroutine.
func (p *Poller) offsetsFetched(ctx context.Context, _ *kgo.Client, resp *kmsg.OffsetFetchResponse) error {
	p.committed = make(committedOffsets)
	names, err := p.topicNames(ctx, resp)
	if err != nil {
		return err
	}
	for _, g := range resp.Groups {
		for _, t := range g.Topics {
			for _, o := range t.Partitions {
				p.committed.put(or(t.Topic, names[t.TopicID]), o.Partition, start(o.Offset, o.Metadata, o.ErrorCode))
			}
		}
	}
	for _, t := range resp.Topics { // before version 8
		for _, o := range t.Partitions {
			p.committed.put(t.Topic, o.Partition, start(o.Offset, o.Metadata, o.ErrorCode))
		}
	}
	return nil
}

func or(name, other string) string {
	if name != "" {
		return name
	}
	return other
}

// topicNames resolves topic ids, which are all that newer brokers answer with.
func (p *Poller) topicNames(ctx context.Context, resp *kmsg.OffsetFetchResponse) (map[[16]byte]string, error) {
	if resp.Version < 10 {
		return nil, nil
	}
	req := kmsg.NewPtrMetadataRequest()
	for _, name := range p.opt.Plan.SourceTopics() {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = kmsg.StringPtr(name)
		req.Topics = append(req.Topics, t)
	}
	meta, err := p.client.RequestCachedMetadata(ctx, req, metadataAge)
	if err != nil {
		return nil, fmt.Errorf("topic ids: %w", err)
	}
	names := make(map[[16]byte]string, len(meta.Topics))
	for _, t := range meta.Topics {
		if t.Topic != nil {
			names[t.TopicID] = *t.Topic
		}
	}
	return names, nil
}

func start(offset int64, metadata *string, code int16) worker.Start {
	s := worker.Start{Offset: -1, Next: -1, End: -1}
	if code == 0 && offset >= 0 {
		s.Offset = offset
		if metadata != nil {
			s.Metadata = *metadata
		}
	}
	return s
}

// adjustOffsets tells the tasks where they start and applies each source's own
// reset policy where there is no committed offset; the client's is earliest.
func (p *Poller) adjustOffsets(_ context.Context, offsets map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	for topic, parts := range offsets {
		for n := range parts {
			s, ok := p.committed[topic][n]
			if !ok {
				s = start(-1, nil, 0)
			}
			if s.Offset < 0 {
				parts[n] = first(p.resets[topic], parts[n])
			}
			p.registry.known(topic, n, s)
		}
	}
	return offsets, nil
}

// first is where a source without a committed offset starts, in place of the client's
// own policy.
func first(r topo.Reset, otherwise kgo.Offset) kgo.Offset {
	switch r.By {
	case topo.ResetLatest:
		return kgo.NewOffset().AtEnd()
	case topo.ResetAgo:
		return kgo.NewOffset().AfterMilli(time.Now().Add(-r.Ago).UnixMilli())
	}
	return otherwise
}

// next is the offset at which a partition starts, given the committed one or -1.
func (p *Poller) next(e *entry, topic string, committed int64, b restore.Bounds) int64 {
	reset := p.resets[topic]
	switch {
	case committed >= 0:
		return max(committed, b.Start)
	case reset.By == topo.ResetLatest:
		return b.End
	case reset.By == topo.ResetAgo:
		at, err := restore.After(e.ctx, p.client, topic, e.task.ID.Partition, time.Now().Add(-reset.Ago))
		if err != nil || at < 0 {
			return b.End // nothing to wait for
		}
		return at
	}
	return b.Start
}

// bounded adds to a task's starts what the source partitions hold at the moment,
// so that its lag is known, and what is worth waiting for. It is a convenience: on
// error the bounds stay unknown until the first fetch.
func (p *Poller) bounded(e *entry, starts map[string]worker.Start) map[string]worker.Start {
	bounds, err := restore.List(e.ctx, p.client, e.task.Topics, e.task.ID.Partition, restore.Committed)
	if err != nil {
		if e.ctx.Err() == nil {
			p.opt.Log.Warn("the ends of source partitions are unknown for now", "task", e.task.ID.String(), "err", err)
		}
		return starts
	}
	for topic, s := range starts {
		b := bounds[topic]
		s.Next = p.next(e, topic, s.Offset, b)
		s.End = b.End
		starts[topic] = s
	}
	return starts
}
