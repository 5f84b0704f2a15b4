package store

import (
	"errors"
	"fmt"
	"time"
)

// Kind is the shape of a store: what its keys look like and how it expires.
type Kind uint8

// The kinds of stores. Their numbers are on the disk.
const (
	// KindKeyValue maps a key to a value.
	KindKeyValue Kind = iota + 1
	// KindWindow maps a key and a window start to a value, or to several values if
	// it retains duplicates; it forgets windows older than its retention.
	KindWindow
	// KindSession maps a key and a session's bounds to a value; it forgets
	// sessions that ended longer ago than its retention.
	KindSession
	// KindVersioned maps a key to the values it had, each from a time on; it forgets
	// values that were replaced longer ago than its history.
	KindVersioned
	// KindLRU is KindKeyValue with a bound: the entry that was not touched for
	// longest goes.
	KindLRU
	// KindList maps a key to a list of values: the shared store of an outer join.
	KindList
	// KindBuffer is the buffer of a suppress: held in memory, written at each flush.
	KindBuffer
	// KindGraceBuffer is the buffer of a stream-table join with grace.
	KindGraceBuffer

	lastKind = KindGraceBuffer
)

// Spec declares one state store of a topology. It is plain data, fixed at Build.
type Spec struct {
	// Name is unique in the topology and names the changelog topic.
	Name string
	// Kind is the store's shape.
	Kind Kind
	// Timestamped values are stored as a big-endian int64 of milliseconds
	// followed by the value; the changelog carries the time as the record's own.
	// All tables and aggregates are; sessions, lists and buffers are not. Versions
	// have their time in the key.
	Timestamped bool
	// WindowSize is the length of the windows of a KindWindow store.
	WindowSize time.Duration
	// Retention is how long windows and sessions are kept behind the store's
	// stream time, and for how long a KindGraceBuffer holds records back. Zero for
	// the other kinds.
	Retention time.Duration
	// RetainDuplicates keeps all values that are put into one window of a
	// KindWindow store, instead of the last: the sides of stream-stream joins.
	RetainDuplicates bool
	// History is how long a KindVersioned store keeps a value after it was
	// replaced, and how late a put may be.
	History time.Duration
	// MaxEntries bounds a KindLRU store.
	MaxEntries int
	// TTL is how long the entries of a Timestamped KindKeyValue store live behind a
	// sweep's time; zero is for ever. The engine of such a store is a [TTL].
	TTL time.Duration
	// InMemory says that the store is kept in memory only, and restored whole from
	// its changelog; see memstore.Beside.
	InMemory bool
	// LogHeaders gives changelog records the headers of the record being
	// processed, as Kafka Streams does for the sides of stream-stream joins and for
	// foreign-key subscriptions.
	LogHeaders bool
	// LogRemovalHeaders gives those of removals the headers of the record being
	// processed: what is seen of Kafka Streams' stores that keep headers.
	LogRemovalHeaders bool
	// LoggingOff says that the store has no changelog topic and is lost with its
	// disk.
	LoggingOff bool
	// LogConfig overrides the changelog topic's configuration.
	LogConfig map[string]string
}

// minSegmentInterval keeps stores of short retention from having many segments.
const minSegmentInterval = time.Minute

// SegmentInterval is the span of event time, in ms, that one segment of a window
// or session store covers. It is a part of the local key layout: a store that was
// written with another interval must be rebuilt. As in Kafka Streams it is half
// the retention, at least a minute.
func (s Spec) SegmentInterval() int64 {
	return max(s.Retention/2, minSegmentInterval).Milliseconds()
}

// ttlSegments is how many segments of its index a store's TTL spans: so often does an
// entry that is always written to have rows there.
const ttlSegments = 16

// TTLInterval is the span of time, in ms, that one segment of the index of a store
// with a TTL covers, and how much later than its TTL an entry may expire: a sixteenth
// of it, at least a millisecond. Like SegmentInterval it is a part of the layout.
func (s Spec) TTLInterval() int64 { return max(s.TTL.Milliseconds()/ttlSegments, 1) }

// Segmented reports whether the store's keys carry event time and expire by
// segments.
func (s Spec) Segmented() bool { return s.Kind == KindWindow || s.Kind == KindSession }

// Validate reports all that is wrong with the declaration, joined.
func (s Spec) Validate() error {
	var faults []error
	fault := func(bad bool, text string) {
		if bad {
			faults = append(faults, fmt.Errorf("store %q: %s", s.Name, text))
		}
	}
	timed := s.Kind == KindKeyValue || s.Kind == KindWindow || s.Kind == KindLRU
	fault(s.Name == "", "it needs a name")
	fault(s.Kind < KindKeyValue || s.Kind > lastKind, "unknown kind "+s.Kind.String())
	fault(s.Retention < 0 || s.History < 0, "the retention is negative")
	fault(s.Retention > 0 && !s.Segmented() && s.Kind != KindGraceBuffer, "a "+s.Kind.String()+" store has no retention")
	fault(s.History > 0 && s.Kind != KindVersioned, "a "+s.Kind.String()+" store has no history")
	fault(s.Kind == KindWindow && s.WindowSize <= 0, "a window store needs the size of its windows")
	fault(s.RetainDuplicates && s.Kind != KindWindow, "only a window store can retain duplicates")
	fault((s.MaxEntries > 0) != (s.Kind == KindLRU) || s.MaxEntries < 0, "MaxEntries is the bound of an LRU store, which needs one, and of no other")
	fault(s.TTL < 0, "the TTL is negative")
	fault(s.TTL > 0 && (s.Kind != KindKeyValue || !s.Timestamped), "only a timestamped key-value store has a TTL")
	fault(s.Timestamped && !timed, "the values of a "+s.Kind.String()+" store have no timestamps; unset Spec.Timestamped")
	return errors.Join(faults...)
}

// String is the kind's name, for messages.
func (k Kind) String() string {
	if k < KindKeyValue || k > lastKind {
		return fmt.Sprintf("Kind(%d)", uint8(k))
	}
	return [...]string{
		KindKeyValue: "key-value", KindWindow: "window", KindSession: "session", KindVersioned: "versioned",
		KindLRU: "LRU", KindList: "list", KindBuffer: "buffer", KindGraceBuffer: "grace buffer",
	}[k]
}
