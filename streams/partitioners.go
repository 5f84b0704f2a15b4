package streams

import (
	"fmt"

	"github.com/millrace/millrace/streams/internal/node"
	"github.com/millrace/millrace/streams/internal/task"
	"github.com/millrace/millrace/streams/internal/topo"
	"github.com/millrace/millrace/streams/serde"
)

// PartitionedBy is the topic with a partitioner of its own: f returns the partition of
// a record, of so many, or a negative number for Kafka's rule, which is the hash of the
// key. It counts for writing only. All writers of a topic that is joined or read as a
// table must agree about it.
func (t Topic[K, V]) PartitionedBy(f func(r Record[K, V], partitions int32) int32) Topic[K, V] {
	t.to = chooser[K, V]{one: f}
	return t
}

// Multicast is the topic with a partitioner that sends a record to several partitions:
// f returns which, of so many, and the record is written to each; none is nowhere. It
// counts for writing only. See KIP-837.
func (t Topic[K, V]) Multicast(f func(r Record[K, V], partitions int32) []int32) Topic[K, V] {
	t.to = chooser[K, V]{many: f}
	return t
}

// RepartitionBy is [Stream.Repartition] with a partitioner for the topic, in place of
// Kafka's rule; see [Topic.PartitionedBy]. What is grouped or joined behind it must be
// partitioned the same way.
func (s Stream[K, V]) RepartitionBy(f func(r Record[K, V], partitions int32) int32, opts ...RepartitionOption) Stream[K, V] {
	return Stream[K, V]{through(s.h.owned(), f == nil, chooser[K, V]{one: f}, opts)}
}

// RepartitionMulticast is RepartitionBy for a partitioner that sends a record to
// several partitions; see [Topic.Multicast].
func (s Stream[K, V]) RepartitionMulticast(f func(r Record[K, V], partitions int32) []int32, opts ...RepartitionOption) Stream[K, V] {
	return Stream[K, V]{through(s.h.owned(), f == nil, chooser[K, V]{many: f}, opts)}
}

// chooser is a partitioner of one of two kinds, or none.
type chooser[K, V any] struct {
	one  func(Record[K, V], int32) int32
	many func(Record[K, V], int32) []int32
}

// leave is the link of a sink: typed records become bytes, in the partitions chosen.
func (c chooser[K, V]) leave(ks serde.Serde[K], vs serde.Serde[V]) link {
	if c.one == nil && c.many == nil {
		return leave(ks, vs)
	}
	return func(l *linking, id topo.NodeID) {
		out := &task.Out{Topic: l.graph.Nodes[id].TopicName(l.appID)}
		write := node.Out(l.env(id), ks, vs, emitter(l.rt, out))
		to := node.Address{Topic: out.Topic, Count: l.partitions(out.Topic), Set: func(p int32) { out.Partition = p }}
		if c.one != nil {
			input(l, id, node.Partition(to, c.one, write))
		} else {
			input(l, id, node.Multicast(to, c.many, write))
		}
	}
}

// partitions counts those of a topic.
func (l *linking) partitions(topic string) func() (int32, error) {
	rt, ok := l.rt.(task.Partitioned)
	if !ok {
		return func() (int32, error) { return 0, fmt.Errorf("the partitions of %s cannot be counted here", topic) }
	}
	return func() (int32, error) { return rt.Partitions(topic) }
}
