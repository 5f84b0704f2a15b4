package node

import (
	"fmt"

	"github.com/millrace/millrace/streams/record"
)

// Address is where a sink writes next, in a topic whose partitions can be counted.
type Address struct {
	Topic string
	// Count is how many partitions the topic has now.
	Count func() (int32, error)
	// Set is told the partition of the next record; -1 is Kafka's own choice.
	Set func(partition int32)
}

func (a *Address) set(partition, count int32) error {
	if partition >= count {
		return fmt.Errorf("the partitioner chose partition %d of topic %s, which has %d", partition, a.Topic, count)
	}
	a.Set(max(-1, partition))
	return nil
}

// Partition has each record written to the partition that choose returns, out of so
// many; one that is negative leaves the choice to Kafka's rule.
func Partition[K, V any](to Address, choose func(record.Record[K, V], int32) int32, write Sink[K, V]) Sink[K, V] {
	return func(r *record.Record[K, V]) error {
		n, err := to.Count()
		if err != nil {
			return err
		}
		if err := to.set(choose(*r, n), n); err != nil {
			return err
		}
		return write(r)
	}
}

// Multicast has each record written to all partitions that choose returns, in that
// order; if it returns none the record goes nowhere.
func Multicast[K, V any](to Address, choose func(record.Record[K, V], int32) []int32, write Sink[K, V]) Sink[K, V] {
	return func(r *record.Record[K, V]) error {
		n, err := to.Count()
		if err != nil {
			return err
		}
		for _, p := range choose(*r, n) {
			if err := to.set(p, n); err != nil {
				return err
			}
			if err := write(r); err != nil {
				return err
			}
		}
		return nil
	}
}
