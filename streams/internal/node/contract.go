// Package node has the typed operators: each is a function that takes the sinks
// of its children and returns its own. They are linked once per task; no type is
// erased, nothing is reflected and nothing allocated between source and sink.
//
// The package names no DSL type, so that growing types such as Change[V] or
// Windowed[K] raise no instantiation cycle (see typed-core in streams/DESIGN.md).
package node

import "github.com/millrace/millrace/streams/record"

// Sink takes the next record. The record is lent for the call.
type Sink[K, V any] func(*record.Record[K, V]) error

// Change is one change of a table: the value before and after. Has and Had say
// whether New and Old are there; !Has is a deletion.
type Change[V any] struct {
	New, Old V
	Has, Had bool
	// Stale says that a versioned table has a newer row of the key already.
	// Aggregations and joins of tables leave such a change out.
	Stale bool
}

// Current is the record that a task is processing. There is one a task, written
// by its sources; operators read it for context.
type Current struct {
	Topic      string
	Partition  int32
	Offset     int64
	Time       int64 // of the record, ms
	StreamTime int64 // of the task, ms; includes this record
	Headers    []record.Header
}

// Env is what one operator of one task knows about its surroundings.
type Env struct {
	// Cur is the task's current record; never nil.
	Cur *Current
	// Skip counts a record that this operator leaves out, by reason.
	Skip func(reason string)
	// At tells the runtime the time of what follows, in ms, which is that of
	// changelog records without one of their own, and returns what it was before.
	// Nil does nothing.
	At func(ms int64) (before int64)
}

// Reasons for which operators leave records out; see Env.Skip.
const (
	SkipNullKey   = "null-key"
	SkipNullValue = "null-value"
	SkipLate      = "late" // the window closed before the record came
	SkipDecode    = "undecodable"
	SkipDuplicate = "duplicate"    // one of its id passed within the span
	SkipStale     = "out-of-order" // a versioned table has a newer row of the key
)
