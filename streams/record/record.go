// Package record holds what user functions see of a Kafka record: the record
// itself, its headers, and the optional value of a join's missing side.
//
// It is a leaf: it imports nothing of Millrace, so that serdes, stores and
// operators can share its types without meeting each other.
package record

import "time"

// Record is one typed record on its way through a topology.
//
// Operators share a Record among the children of a node: nobody writes to a
// record that came in and nobody keeps a pointer to it. User code gets it by
// value. Values may be kept, but not changed: siblings share them.
type Record[K, V any] struct {
	// Key is the record's key; the zero value if NoKey is set.
	Key K
	// Value is the record's value; the zero value if Null is set.
	Value V
	// Time is the event time in milliseconds since the Unix epoch, as in Kafka.
	Time int64
	// Headers are shared among the children of the node that sent the record;
	// see [Headers]. Nil in records that user code made.
	Headers *Headers
	// NoKey says that the key is null on the wire.
	NoKey bool
	// Null says that the value is null on the wire: a deletion in a table.
	Null bool
}

// EventTime is the record's event time as a [time.Time] in UTC.
func (r Record[K, V]) EventTime() time.Time { return time.UnixMilli(r.Time).UTC() }

// Opt is a value that may be missing, such as the other side of a left join.
// It is passed by value, so that a missing side costs no allocation.
type Opt[V any] struct {
	// V is the value; the zero value unless OK.
	V V
	// OK says whether the value is there.
	OK bool
}

// Some is an Opt that holds v.
func Some[V any](v V) Opt[V] { return Opt[V]{V: v, OK: true} }
