package txn

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Producer is the transactional half of a producer's client, by requests that the
// client does not send by itself: it and the consumer are two clients, and it would
// do this only for its own group. It belongs to one goroutine.
type Producer struct {
	Client *kgo.Client
	// ID is the transactional id, Group the consumer group.
	ID, Group string
	// Implicit says that the brokers add partitions and offsets to a transaction by
	// themselves (transaction.version 2, KIP-890).
	Implicit bool

	id    int64
	epoch int16
}

// Init asks for the producer's id. That aborts what an earlier producer of the same
// name has left open, and keeps that one from writing ever again.
func (p *Producer) Init(ctx context.Context) error {
	if _, _, err := p.Client.ProducerID(ctx); err != nil {
		return p.failed("the producer's id", err)
	}
	return p.Begin()
}

// Begin begins a transaction. Only the client knows until the first record.
func (p *Producer) Begin() error {
	if err := p.Client.BeginTransaction(); err != nil {
		return p.failed("beginning a transaction", err)
	}
	return nil
}

// Register tells the coordinator that the transaction has offsets of the group.
func (p *Producer) Register(ctx context.Context) (err error) {
	if p.id, p.epoch, err = p.Client.ProducerID(ctx); err != nil {
		return p.failed("the producer's id", err)
	}
	if p.Implicit {
		return nil
	}
	req := kmsg.NewPtrAddOffsetsToTxnRequest()
	req.TransactionalID, req.ProducerID, req.ProducerEpoch, req.Group = p.ID, p.id, p.epoch, p.Group
	return retrying(ctx, func() error {
		resp, err := req.RequestWith(ctx, p.Client)
		if err == nil {
			err = kerr.ErrorForCode(resp.ErrorCode)
		}
		return p.failed("adding offsets", err)
	})
}

// AddOffsets sends the offsets, in the name of a member of the group.
func (p *Producer) AddOffsets(ctx context.Context, m Membership, offsets []Offset) error {
	req := kmsg.NewPtrTxnOffsetCommitRequest()
	req.TransactionalID, req.ProducerID, req.ProducerEpoch, req.Group = p.ID, p.id, p.epoch, p.Group
	req.MemberID, req.Generation = m.MemberID, m.Generation
	if m.InstanceID != "" {
		req.InstanceID = &m.InstanceID
	}
	req.Topics = byTopic(offsets)
	resp, err := req.RequestWith(ctx, p.Client)
	if err != nil {
		return p.failed("sending offsets", err)
	}
	return p.firstError(resp)
}

func byTopic(offsets []Offset) (topics []kmsg.TxnOffsetCommitRequestTopic) {
	at := make(map[string]int)
	for i := range offsets {
		o := &offsets[i]
		n, ok := at[o.Topic]
		if !ok {
			n = len(topics)
			at[o.Topic] = n
			t := kmsg.NewTxnOffsetCommitRequestTopic()
			t.Topic = o.Topic
			topics = append(topics, t)
		}
		part := kmsg.NewTxnOffsetCommitRequestTopicPartition()
		part.Partition, part.Offset, part.LeaderEpoch, part.Metadata = o.Partition, o.Offset, o.LeaderEpoch, &o.Metadata
		topics[n].Partitions = append(topics[n].Partitions, part)
	}
	return topics
}

// firstError finds the partition that the coordinator refused.
func (p *Producer) firstError(resp *kmsg.TxnOffsetCommitResponse) error {
	for _, t := range resp.Topics {
		for _, part := range t.Partitions {
			if err := kerr.ErrorForCode(part.ErrorCode); err != nil {
				return refused(t.Topic, part.Partition, err)
			}
		}
	}
	return nil
}

// End commits the transaction, and begins the next one.
func (p *Producer) End(ctx context.Context) error {
	if err := p.Client.EndTransaction(ctx, kgo.TryCommit); err != nil {
		return p.failed("ending the transaction", err)
	}
	return p.Begin()
}

func (p *Producer) failed(what string, err error) error {
	if err == nil {
		return nil
	}
	if r := remedy(err); r != "" {
		return fmt.Errorf("transaction %s: %s: %w; %s", p.ID, what, err, r)
	}
	return fmt.Errorf("transaction %s: %s: %w", p.ID, what, err)
}
