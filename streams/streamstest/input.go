package streamstest

import (
	"fmt"
	"time"

	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/record"
	"github.com/millrace/millrace/streams/serde"
)

// InputTopic sends typed records to a topic that the topology reads.
type InputTopic[K, V any] struct {
	d     *Driver
	topic streams.Topic[K, V]
}

// Input is the way into a topic. A topic that the topology does not read ends the
// test.
func Input[K, V any](d *Driver, topic streams.Topic[K, V]) *InputTopic[K, V] {
	d.t.Helper()
	if !d.reads(topic.Name()) {
		d.check(d.unread(topic.Name()))
	}
	return &InputTopic[K, V]{d, topic}
}

// SendOption says more about a record that is sent.
type SendOption func(*Message)

// At sets the record's time, cut to milliseconds; it is the driver's clock
// otherwise.
func At(t time.Time) SendOption { return func(m *Message) { m.Time = t.UnixMilli() } }

// AtMs is At for milliseconds since the Unix epoch.
func AtMs(ms int64) SendOption { return func(m *Message) { m.Time = ms } }

// WithHeaders adds headers to the record.
func WithHeaders(h ...record.Header) SendOption {
	return func(m *Message) { m.Headers = append(m.Headers, h...) }
}

// ToPartition sends to that partition, past the partitioner.
func ToPartition(p int32) SendOption { return func(m *Message) { m.Partition = p } }

// Send sends a record and returns when the topology has processed it, and all
// that follows from it.
func (in *InputTopic[K, V]) Send(k K, v V, opts ...SendOption) {
	in.d.t.Helper()
	in.d.check(in.Try(k, v, opts...))
}

// Try is Send, except that it returns the error of processing, as Run would.
// After one the driver can only be restarted.
func (in *InputTopic[K, V]) Try(k K, v V, opts ...SendOption) error {
	key, err := encode(in.topic.KeySerde(), k)
	if err != nil {
		return fmt.Errorf("topic %s: encode the key: %w", in.topic.Name(), err)
	}
	value, err := encode(in.topic.ValueSerde(), v)
	if err != nil {
		return fmt.Errorf("topic %s: encode the value: %w", in.topic.Name(), err)
	}
	return in.d.send(in.topic.Name(), key, value, in.hash(key), opts)
}

// SendNull sends a record whose value is null: in a table, a deletion.
func (in *InputTopic[K, V]) SendNull(k K, opts ...SendOption) {
	in.d.t.Helper()
	key, err := encode(in.topic.KeySerde(), k)
	in.d.check(err)
	in.d.check(in.d.send(in.topic.Name(), key, nil, in.hash(key), opts))
}

// SendNoKey sends a record whose key is null, to partition 0.
func (in *InputTopic[K, V]) SendNoKey(v V, opts ...SendOption) {
	in.d.t.Helper()
	value, err := encode(in.topic.ValueSerde(), v)
	in.d.check(err)
	in.d.check(in.d.send(in.topic.Name(), nil, value, nil, opts))
}

// hash is what the key's partition is derived from.
func (in *InputTopic[K, V]) hash(key []byte) []byte {
	if s, ok := in.topic.KeySerde().(serde.InnerKey); ok && key != nil {
		return s.InnerKey(key)
	}
	return key
}

// SendRaw sends bytes that no serde has made, nil for null, and returns the error
// of processing. They are copied.
func (d *Driver) SendRaw(topic string, key, value []byte, opts ...SendOption) error {
	return d.send(topic, keep(key), keep(value), key, opts)
}

func (d *Driver) send(topic string, key, value, hash []byte, opts []SendOption) error {
	m := Message{Topic: topic, Partition: -1, Time: d.clock, Key: key, Value: value}
	for _, o := range opts {
		o(&m)
	}
	if !d.reads(topic) {
		return d.unread(topic)
	}
	if n := d.topics[topic].partitions; m.Partition >= n {
		return fmt.Errorf("the topic %s has %d partitions, no number %d; see WithPartitions", topic, n, m.Partition)
	}
	return d.run(func() error { d.write(m, hash); return nil })
}

// encode returns nil for a null of a serde that has one, and never nil otherwise.
func encode[T any](s serde.Serde[T], v T) ([]byte, error) {
	if aware, ok := s.(serde.NullAware[T]); ok && aware.IsNull(v) {
		return nil, nil
	}
	return s.Append([]byte{}, v)
}
