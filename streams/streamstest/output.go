package streamstest

import (
	"fmt"

	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/record"
	"github.com/millrace/millrace/streams/serde"
)

// OutputTopic reads typed records of a topic, each once, in the order in which
// they were written.
type OutputTopic[K, V any] struct {
	d     *Driver
	topic streams.Topic[K, V]
	read  int
}

// Output is a reader of a topic from its beginning. It may be made before or
// after the records are written, and any number of times.
func Output[K, V any](d *Driver, topic streams.Topic[K, V]) *OutputTopic[K, V] {
	return &OutputTopic[K, V]{d: d, topic: topic}
}

// Read returns the next record, false if there is none. A null key or value has
// NoKey or Null set. Headers is nil if there are none, so that records compare.
func (o *OutputTopic[K, V]) Read() (record.Record[K, V], bool) {
	o.d.t.Helper()
	all := o.d.Messages(o.topic.Name())
	if o.read >= len(all) {
		return record.Record[K, V]{}, false
	}
	m := all[o.read]
	o.read++
	r, err := typed(o.topic, &m)
	o.d.check(err)
	return r, true
}

// ReadAll returns the records that were not read yet.
func (o *OutputTopic[K, V]) ReadAll() (out []record.Record[K, V]) {
	o.d.t.Helper()
	for {
		r, ok := o.Read()
		if !ok {
			return out
		}
		out = append(out, r)
	}
}

// Values returns the values of the records that were not read yet; those of null
// are zero.
func (o *OutputTopic[K, V]) Values() (out []V) {
	o.d.t.Helper()
	for _, r := range o.ReadAll() {
		out = append(out, r.Value)
	}
	return out
}

// Empty says whether everything was read.
func (o *OutputTopic[K, V]) Empty() bool { return o.read >= len(o.d.Messages(o.topic.Name())) }

// Latest reads what was not read yet as a table: the last value of each key,
// without those that were deleted.
func Latest[K comparable, V any](o *OutputTopic[K, V]) map[K]V {
	o.d.t.Helper()
	table := map[K]V{}
	for _, r := range o.ReadAll() {
		switch {
		case r.NoKey:
		case r.Null:
			delete(table, r.Key)
		default:
			table[r.Key] = r.Value
		}
	}
	return table
}

// typed decodes a message.
func typed[K, V any](t streams.Topic[K, V], m *Message) (r record.Record[K, V], err error) {
	r.Time = m.Time
	if len(m.Headers) > 0 {
		r.Headers = record.NewHeaders(m.Headers...)
	}
	if r.Key, r.NoKey, err = decode(t.KeySerde(), m.Key); err != nil {
		return r, fmt.Errorf("%s/%d offset %d: decode the key: %w", m.Topic, m.Partition, m.Offset, err)
	}
	if r.Value, r.Null, err = decode(t.ValueSerde(), m.Value); err != nil {
		return r, fmt.Errorf("%s/%d offset %d: decode the value: %w", m.Topic, m.Partition, m.Offset, err)
	}
	return r, nil
}

func decode[T any](s serde.Serde[T], b []byte) (v T, null bool, err error) {
	if b == nil {
		if aware, ok := s.(serde.NullAware[T]); ok {
			v = aware.Null()
		}
		return v, true, nil
	}
	v, err = s.Decode(b)
	return v, false, err
}
