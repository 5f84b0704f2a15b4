package txn

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Member commits offsets through the group member that a consumer client is.
// The client adds member id, generation and topic ids, waits for a join that is
// under way, and keeps commits in order. It is safe for concurrent use.
type Member struct {
	Client *kgo.Client
	// InstanceID is that of a static member.
	InstanceID string
}

// Membership is the member as the client knows it now.
func (m Member) Membership() Membership {
	id, generation := m.Client.GroupMetadata()
	return Membership{MemberID: id, Generation: generation, InstanceID: m.InstanceID}
}

// Commit sends one OffsetCommit with the offsets' metadata and returns the
// first error of the answer. If the client has another membership by now, it is not
// sent, and the error is the one that the coordinator would give.
func (m Member) Commit(ctx context.Context, as Membership, offsets []Offset) error {
	ctx = kgo.PreCommitFnContext(ctx, func(req *kmsg.OffsetCommitRequest) error {
		if req.MemberID != as.MemberID || req.Generation != as.Generation {
			return kerr.IllegalGeneration
		}
		writeMetadata(req, offsets)
		return nil
	})
	var failed error
	m.Client.CommitOffsetsSync(ctx, heads(offsets), func(_ *kgo.Client, req *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, err error) {
		failed = err
		if err == nil {
			failed = firstError(req, resp)
		}
	})
	return failed
}

// Alive asks the coordinator whether it still knows this member, in its present
// generation: FENCED_INSTANCE_ID says that another process has taken its place.
func (m Member) Alive(ctx context.Context) error {
	as := m.Membership()
	req := kmsg.NewPtrHeartbeatRequest()
	req.Group, _ = m.Client.OptValue(kgo.ConsumerGroup).(string)
	req.MemberID, req.Generation = as.MemberID, as.Generation
	if as.InstanceID != "" {
		req.InstanceID = &as.InstanceID
	}
	resp, err := req.RequestWith(ctx, m.Client)
	if err != nil {
		return fmt.Errorf("heartbeat: %w", err)
	}
	return kerr.ErrorForCode(resp.ErrorCode)
}

// heads are the offsets as the client wants them.
func heads(offsets []Offset) map[string]map[int32]kgo.EpochOffset {
	out := make(map[string]map[int32]kgo.EpochOffset)
	for _, o := range offsets {
		if out[o.Topic] == nil {
			out[o.Topic] = make(map[int32]kgo.EpochOffset)
		}
		out[o.Topic][o.Partition] = kgo.EpochOffset{Epoch: o.LeaderEpoch, Offset: o.Offset}
	}
	return out
}

// writeMetadata replaces the client's own metadata, the member id.
func writeMetadata(req *kmsg.OffsetCommitRequest, offsets []Offset) {
	type key struct {
		topic     string
		partition int32
	}
	metadata := make(map[key]*string, len(offsets))
	for i := range offsets {
		metadata[key{offsets[i].Topic, offsets[i].Partition}] = &offsets[i].Metadata
	}
	for _, t := range req.Topics {
		for i := range t.Partitions {
			t.Partitions[i].Metadata = metadata[key{t.Topic, t.Partitions[i].Partition}]
		}
	}
}

// firstError finds the partition that the coordinator refused. From version 10
// on, answers name topics by id only.
func firstError(req *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse) error {
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return refused(topicName(req, t), p.Partition, err)
			}
		}
	}
	return nil
}

func topicName(req *kmsg.OffsetCommitRequest, t kmsg.OffsetCommitResponseTopic) string {
	for _, r := range req.Topics {
		if t.Topic == "" && r.TopicID == t.TopicID {
			return r.Topic
		}
	}
	return t.Topic
}

func refused(topic string, partition int32, err error) error {
	if r := remedy(err); r != "" {
		return fmt.Errorf("offset of %s/%d: %w; %s", topic, partition, err, r)
	}
	return fmt.Errorf("offset of %s/%d: %w", topic, partition, err)
}
