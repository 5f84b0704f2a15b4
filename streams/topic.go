package streams

import "github.com/millrace/millrace/streams/serde"

// Topic is a Kafka topic with the types of its records. It is a value: declare
// topics once, as package variables if you like, and use them in any builder.
type Topic[K, V any] struct {
	name string
	ks   serde.Serde[K]
	vs   serde.Serde[V]
	// time is the event time of a record, if it is not the record's own.
	time func(Record[K, V], int64) int64
	// to is the topic's own partitioner, if it has one.
	to chooser[K, V]
}

// NewTopic describes a topic; it makes none. A wrong name or a missing serde is
// reported where the topic is used.
func NewTopic[K, V any](name string, key serde.Serde[K], value serde.Serde[V]) Topic[K, V] {
	return Topic[K, V]{name: name, ks: key, vs: value}
}

// Name is the topic's name in Kafka.
func (t Topic[K, V]) Name() string { return t.name }

// KeySerde is the serde of the keys.
func (t Topic[K, V]) KeySerde() serde.Serde[K] { return t.ks }

// ValueSerde is the serde of the values.
func (t Topic[K, V]) ValueSerde() serde.Serde[V] { return t.vs }

func (t Topic[K, V]) check(c *call) { c.checkTopic(t.name, t.ks != nil && t.vs != nil) }
