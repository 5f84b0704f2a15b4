// Package task is one task: its queues, the choice of the next record, stream
// time, punctuation and positions. It is passive: it has no client, no goroutine
// and no clock; the worker that owns it calls it and carries out what it returns.
package task

import (
	"context"
	"time"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams/internal/topo"
	"github.com/millrace/millrace/streams/record"
)

// Raw is one fetched record. Its bytes are never written again: typed values may
// alias them. A nil Key or Value is null; an empty one is not.
type Raw struct {
	Topic       string
	Partition   int32
	Offset      int64
	LeaderEpoch int32
	Time        int64 // ms since the epoch
	Key, Value  []byte
	Headers     []record.Header
}

// Out is one record on its way to a topic. All slices are lent for the call.
type Out struct {
	Topic string
	// Partition is the partition to write to, or -1: murmur2 over HashKey, as
	// Kafka's default partitioner does; any partition if HashKey is nil.
	Partition  int32
	Key, Value []byte // nil = null
	// HashKey is what the partition is derived from: the key, or the inner key of
	// a windowed one.
	HashKey []byte
	Time    int64
	Headers *record.Headers
}

// Runtime is what a task's operators need from whoever runs it: the worker, or
// the test driver. Its methods are called on the task's own goroutine.
type Runtime interface {
	// Engine returns the bytes of a store of this task. Writes to it are logged
	// to the store's changelog.
	Engine(store string) (store.Engine, error)
	// Emit sends a record. It copies what it keeps; a failure to deliver shows up
	// at the next commit.
	Emit(out *Out) error
	// Skipped counts a record that an operator left out, by operator and reason.
	Skipped(operator, reason string)
}

// Timed is an optional interface of a Runtime: record caches tell it the time of
// what they write, which is that of an earlier record.
type Timed interface {
	// At makes ms the time of changelog records that have none of their own, and
	// returns what it was before.
	At(ms int64) (before int64)
}

// Clocked is an optional interface of a Runtime: it tells processors the time.
type Clocked interface {
	// WallClock is the time in ms since the epoch.
	WallClock() int64
}

// Committer is an optional interface of a Runtime: processors may ask it to
// commit soon.
type Committer interface{ RequestCommit() }

// Entry brings one record of a source topic into the typed world.
type Entry func(*Raw) error

// Stamp is the event time of a record, in ms, given the highest time of its partition
// so far or -1. A record whose time is negative is left out; the Stamp counts it.
type Stamp func(r *Raw, partitionTime int64) (ms int64, err error)

// PunctuationClock says which clock drives a punctuator.
type PunctuationClock uint8

// The clocks of punctuators.
const (
	StreamTime PunctuationClock = iota
	WallClock
)

// Punctuator is a callback on a schedule.
type Punctuator struct {
	Clock    PunctuationClock
	Interval time.Duration
	// Start is the time of its clock, in ms, at which it is called first. Zero, for
	// stream time, is as soon as a record comes, and for the wall clock one interval
	// after it was scheduled.
	Start int64
	// Call gets the time of its clock, ms since the epoch.
	Call func(now int64) error
	// Cancelled ends the schedule once it is true. Nil never does.
	Cancelled *bool
}

// KeptTime is a time that an operator keeps across restarts: it travels with the
// committed offsets, in Kafka Streams' own format.
type KeptTime struct {
	// Name is the key under which it is committed, that of the operator's store.
	Name string
	// MS is the time in ms, or -1. The operator moves it forward.
	MS int64
}

// Partitioned is an optional interface of a Runtime: it counts a topic's partitions for
// sinks that choose one themselves.
type Partitioned interface {
	Partitions(topic string) (int32, error)
}

// Waker is an optional interface of a Runtime: operators whose calls go on beside the
// task tell it that there may be something to release. It is called on any goroutine
// and must not block.
type Waker interface{ Wake() }

// Lifetime is an optional interface of a Runtime: a commit waits for what operators
// hold until this context is done.
type Lifetime interface{ Context() context.Context }

// Holder is an operator that holds records back while calls for them go on beside the
// task. It sends them on in their order, never by itself.
type Holder interface {
	// Held is the number of records that were not sent on yet.
	Held() int
	// Full says that no further record should be taken in.
	Full() bool
	// Release sends on, in order, what may go; it does not wait.
	Release() error
	// Wait waits until Release has something to do, if anything is held.
	Wait(context.Context) error
	// Close gives up what is held.
	Close()
}

// Linked is a sub-topology made of live, typed closures for one task.
type Linked struct {
	// Entries has the entry of each source topic.
	Entries map[string]Entry
	// Flush is called in order before a commit, parents before children.
	Flush []func() error
	// Trim is called between records: who holds more memory than it may, since others
	// came, gives it back.
	Trim []func() error
	// Punctuators are scheduled when the task starts. Operators may append to them
	// later: what is new is scheduled before the next record or punctuation.
	Punctuators []Punctuator
	// Stamps give the records of some source topics another time than their own.
	Stamps map[string]Stamp
	// Holders hold records back, parents before children. Each is drained by Flush, too.
	Holders []Holder
	// Times are kept across restarts.
	Times []*KeptTime
	// StreamTime, if set, is told the task's stream time before each record.
	StreamTime func(ms int64)
}

// Program makes tasks: it links one sub-topology for one partition. The built
// topology implements it.
type Program interface {
	Link(id topo.TaskID, rt Runtime) (*Linked, error)
}
