package streams

import (
	"time"

	"github.com/millrace/millrace/store/pebblestore"
)

// State says what an application is doing as a whole.
type State uint8

// The states of an application, in the order in which a life passes them;
// rebalancing, restoring and running may alternate.
const (
	// StateCreated is an App that New returned and nobody has run yet.
	StateCreated State = iota
	// StateStarting opens the state directory, checks the broker and the topics.
	StateStarting
	// StateRebalancing waits for the group to hand out tasks.
	StateRebalancing
	// StateRestoring has tasks whose stores are not complete yet; others may run. It is
	// also the state while global stores are filled, before there are tasks.
	StateRestoring
	// StateRunning has all its tasks running. A member of a large group may well
	// run with no task at all.
	StateRunning
	// StateStopping commits, flushes and closes.
	StateStopping
	// StateStopped is the end of a life that was asked to end.
	StateStopped
	// StateFailed is the end of a life that an error ended; see Status.Err.
	StateFailed
)

// String is the state in one lower-case word.
func (s State) String() string {
	names := [...]string{"created", "starting", "rebalancing", "restoring", "running", "stopping", "stopped", "failed"}
	if int(s) < len(names) {
		return names[s]
	}
	return "unknown"
}

// Status is what an App knows about itself at one moment: plain data, shared
// with nobody. Counters count since the App was made and never go down.
type Status struct {
	ApplicationID string
	State         State
	// Err is why the application failed; empty unless State is StateFailed.
	Err string
	// Started is when Run was called; zero before.
	Started time.Time

	// Generation, MemberID and InstanceID are the membership in the group.
	// Generation is -1 and MemberID empty while the App is no member.
	Generation int32
	MemberID   string
	InstanceID string

	// Workers is the number of goroutines that process records.
	Workers int
	// Tasks are the tasks of this process, sorted by id.
	Tasks []TaskStatus
	// Standbys are the copies of other processes' tasks that this one keeps, sorted by
	// id: standby replicas, and warm-ups of tasks that are to move here.
	Standbys []StandbyStatus
	// Globals are the global stores, sorted by name.
	Globals []GlobalStatus

	// Processed counts records that went into the topology, Emitted those that it
	// sent, changelog records included.
	Processed, Emitted uint64
	// Skipped counts records that were left out, by operator and reason.
	Skipped map[SkipKey]uint64
	// ProcessErrors counts errors that processing raised, handled ones included.
	ProcessErrors uint64

	// Commits counts commits, one for each task with progress; CommitSeconds is
	// how long they took.
	Commits       uint64
	CommitSeconds Histogram

	// Rebalances counts by cause: "assigned", "revoked", "lost".
	Rebalances map[string]uint64
	// LastRebalance is when the assignment last changed; zero before.
	LastRebalance time.Time

	// RestoredRecords and RestoredBytes count what came out of changelogs.
	RestoredRecords, RestoredBytes uint64

	// Stores is what the local stores use and do; zero while no task can be here.
	Stores pebblestore.Metrics
	// RecordCaches is what the record caches hold.
	RecordCaches RecordCaches
}

// StandbyStatus tells how one copy of a task is doing.
type StandbyStatus struct {
	// ID is that of the task, as in "0_1".
	ID string
	// Restoring is set until the copy has caught up for the first time.
	Restoring bool
	// Lag is how many changelog records the copy is behind, as last fetched.
	Lag int64
}

// GlobalStatus tells how one global store is doing.
type GlobalStatus struct {
	Store, Topic string
	// Records were read from the topic since the App began to run, Lag is how many
	// offsets the store is behind, as last fetched.
	Records uint64
	Lag     int64
}

// RecordCaches is the memory of all record caches of a process, in bytes; zero if
// there are none.
type RecordCaches struct {
	Bytes, Limit int64
}

// SkipKey names a kind of skipped records: the operator that skipped them and
// its reason, such as "late" or "null-key".
type SkipKey struct {
	Operator, Reason string
}

// TaskState says what one task is doing.
type TaskState string

// The states of a task.
const (
	TaskRestoring TaskState = "restoring"
	TaskRunning   TaskState = "running"
	TaskClosing   TaskState = "closing"
)

// TaskStatus is one task at one moment.
type TaskStatus struct {
	// ID is sub-topology and partition, as in "0_1".
	ID    string
	State TaskState
	// Worker is the index of the worker that owns the task.
	Worker int
	// Sources are the topics it reads, sorted; the partition is the task's own.
	Sources []string
	// Lag is the number of records between what was processed and the ends of the
	// source partitions, as last fetched; -1 while unknown.
	Lag int64
	// StreamTime is the largest event time seen, ms since the epoch; -1 if none.
	StreamTime int64
	// Processed counts the records that went into this task.
	Processed uint64
	// Restore is the progress of the stores being restored, the whole task's in
	// one; nil unless State is TaskRestoring.
	Restore *RestoreStatus
	// StateBytes is the size of the task's stores.
	StateBytes int64
}

// RestoreStatus is how far a restore has come.
type RestoreStatus struct {
	// Store is the store being restored.
	Store string
	// Done and Total count changelog offsets; compaction makes Done jump.
	Done, Total int64
	// Bytes counts keys and values read so far.
	Bytes int64
	// Rate is in records a second, over the last seconds.
	Rate float64
	// ETA is how long the rest takes at that rate; 0 while unknown.
	ETA time.Duration
}

// Histogram counts observations by size.
type Histogram struct {
	// Bounds are the upper bounds of the buckets, ascending, inclusive.
	Bounds []float64
	// Counts has one entry for each bound and a last one for what is larger. They
	// are not cumulative.
	Counts []uint64
	// Sum and Count are over all observations.
	Sum   float64
	Count uint64
}
