package worker

import (
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// countAge is how old the knowledge of a topic's partitions may be.
const countAge = time.Minute

// Partitions implements task.Partitioned.
func (o *owned) Partitions(topic string) (int32, error) { return o.worker.opt.Sender.Partitions(topic) }

// Partitions says how many partitions a topic has. It asks the broker when the topic is
// first written to, and again after a flush that is a while later.
func (s *Sender) Partitions(topic string) (int32, error) {
	if n, ok := s.counts[topic]; ok {
		return n, nil
	}
	req := kmsg.NewPtrMetadataRequest()
	t := kmsg.NewMetadataRequestTopic()
	t.Topic = kmsg.StringPtr(topic)
	req.Topics = append(req.Topics, t)
	resp, err := s.lane.client.RequestCachedMetadata(s.ctx, req, countAge)
	if err == nil && len(resp.Topics) != 1 {
		err = errors.New("the broker answered for another topic")
	}
	if err == nil {
		err = kerr.ErrorForCode(resp.Topics[0].ErrorCode)
	}
	if err != nil {
		return 0, fmt.Errorf("counting the partitions of %s for its partitioner: %w", topic, err)
	}
	if s.counts == nil {
		s.counts = map[string]int32{}
	}
	s.counts[topic] = int32(len(resp.Topics[0].Partitions))
	return s.counts[topic], nil
}
