package streamstest

import (
	"bytes"

	"github.com/millrace/millrace/streams/internal/task"
	"github.com/millrace/millrace/streams/record"
	"github.com/millrace/millrace/streams/serde"
)

// Message is one record of a topic as it is in Kafka. Nil bytes are null. It must
// not be changed: the topology may still use it.
type Message struct {
	Topic      string
	Partition  int32
	Offset     int64
	Time       int64 // ms since the Unix epoch
	Key, Value []byte
	Headers    []record.Header
}

func (m *Message) raw() task.Raw {
	return task.Raw{
		Topic: m.Topic, Partition: m.Partition, Offset: m.Offset,
		Time: m.Time, Key: m.Key, Value: m.Value, Headers: m.Headers,
	}
}

// topic has everything that was ever written to it, in that order.
type topic struct {
	partitions int32
	messages   []Message
	next       []int64 // offset, by partition
}

// Messages are all records of a topic in the order of writing, across partitions:
// those that were sent, and those that the topology wrote. It works for internal
// topics too, such as changelogs.
func (d *Driver) Messages(topic string) []Message {
	if t, ok := d.topics[topic]; ok {
		return t.messages[:len(t.messages):len(t.messages)]
	}
	return nil
}

// Changelog are the records of a store's changelog topic.
func (d *Driver) Changelog(store string) []Message {
	d.t.Helper()
	decl, err := d.store(store)
	d.check(err)
	return d.Messages(decl.Changelog)
}

// write appends a record, which it owns from here on, to its topic. A partition
// of -1 is the one that Kafka's default partitioner takes, or 0 without a key.
func (d *Driver) write(m Message, hash []byte) Message {
	t, ok := d.topics[m.Topic]
	if !ok {
		t = &topic{partitions: d.partitions}
		d.topics[m.Topic] = t
	}
	if m.Partition < 0 {
		m.Partition = max(0, serde.Partition(hash, t.partitions))
	}
	for int(m.Partition) >= len(t.next) {
		t.next = append(t.next, 0)
	}
	m.Offset = t.next[m.Partition]
	t.next[m.Partition]++
	t.messages = append(t.messages, m)
	d.moved = append(d.moved, m)
	return m
}

// keep copies what was lent for a call. Empty is not null.
func keep(b []byte) []byte {
	if b == nil {
		return nil
	}
	return append([]byte{}, b...)
}

func keepHeaders(h *record.Headers) (out []record.Header) {
	for _, e := range h.All() {
		out = append(out, record.Header{Key: e.Key, Value: bytes.Clone(e.Value)})
	}
	return out
}
