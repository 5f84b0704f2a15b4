package embedded

import (
	"errors"
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
)

// DefaultPartitions is the count of a topic that is created without one.
const DefaultPartitions = 4

// Broker is a running in-process Kafka broker on a loopback port. It is safe for
// concurrent use.
type Broker struct {
	cluster *kfake.Cluster
	close   sync.Once
}

// Start runs a broker. The caller closes it; clients should be closed first.
func Start(opts ...Option) (*Broker, error) {
	var s settings
	for _, o := range opts {
		o(&s)
	}
	if err := errors.Join(s.faults...); err != nil {
		return nil, fmt.Errorf("embedded broker: %w", err)
	}
	cluster, err := kfake.NewCluster(s.cluster()...)
	if err != nil {
		return nil, fmt.Errorf("embedded broker: %w", err)
	}
	return &Broker{cluster: cluster}, nil
}

// Addrs are the host:port addresses to give to clients. The slice is the
// caller's.
func (b *Broker) Addrs() []string { return b.cluster.ListenAddrs() }

// CreateTopic creates a topic, with DefaultPartitions if partitions is 0. A topic
// that exists is an error.
func (b *Broker) CreateTopic(name string, partitions int32) error {
	err := b.cluster.CreateTopic(name, count(partitions), nil)
	if errors.Is(err, kerr.TopicAlreadyExists) {
		return fmt.Errorf("embedded broker: topic %s exists already: %w", name, err)
	}
	if err != nil {
		return fmt.Errorf("embedded broker: creating topic %s: %w", name, err)
	}
	return nil
}

// Compact compacts all topics with cleanup.policy=compact now, as a real broker
// does from time to time.
func (b *Broker) Compact() { b.cluster.Compact() }

// Close stops the broker and drops all data. It is idempotent.
func (b *Broker) Close() { b.close.Do(b.cluster.Close) }

func count(partitions int32) int32 {
	if partitions <= 0 {
		return DefaultPartitions
	}
	return partitions
}
