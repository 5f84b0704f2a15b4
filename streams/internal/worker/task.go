package worker

import (
	"sync/atomic"

	"github.com/millrace/millrace/streams/internal/restore"
	"github.com/millrace/millrace/streams/internal/task"
	"github.com/millrace/millrace/streams/internal/topo"
)

// State is what a task is doing.
type State int32

// The states of a task.
const (
	Restoring State = iota
	Running
	Closing
)

// String is the state in one word.
func (s State) String() string { return [...]string{"restoring", "running", "closing"}[s] }

// Start is where a source partition begins.
type Start struct {
	// Offset is the committed one, or -1.
	Offset int64
	// Metadata is what was committed with it.
	Metadata string
	// Next is the first offset that will be read, End where the partition ends at
	// the moment; -1 if unknown.
	Next, End int64
}

// Batch is what was fetched of one source partition in one go.
type Batch struct {
	Topic     string
	Partition int32
	Records   []task.Raw
	// Bytes is what the records weigh in the poller's books.
	Bytes int64
	// Next is the offset after the batch, End where the partition ends.
	Next, End int64
	// Release is told the bytes when the batch is processed.
	Release Release
}

// Release gives buffered bytes back. It is called on the worker's goroutine.
type Release func(bytes int64)

// Task is a task's face to the rest of the process: who it is, and how it is
// doing. Its methods are safe for concurrent use.
type Task struct {
	ID     topo.TaskID
	Sub    *topo.Subtopology
	Topics []string // sources, sorted
	Worker *Worker
	// Progress is that of its restore.
	Progress *restore.Progress

	state      atomic.Int32
	lost       atomic.Bool
	lag        atomic.Int64
	streamTime atomic.Int64
	processed  atomic.Uint64
	stateBytes atomic.Int64
}

// NewTask is a task that restores and will run on w.
func NewTask(id topo.TaskID, sub *topo.Subtopology, topics []string, w *Worker) *Task {
	t := &Task{ID: id, Sub: sub, Topics: topics, Worker: w, Progress: new(restore.Progress)}
	t.lag.Store(-1)
	t.streamTime.Store(-1)
	return t
}

// State is what the task is doing.
func (t *Task) State() State { return State(t.state.Load()) }

// Lose notes that the group took the task away: nothing of it may be committed any
// more, even by a worker that hangs now and does not hear of it.
func (t *Task) Lose() { t.lost.Store(true) }

// Lag is how many records are between the task and the ends of its partitions,
// as last fetched; -1 while unknown.
func (t *Task) Lag() int64 { return t.lag.Load() }

// StreamTime is the largest event time seen, -1 if none.
func (t *Task) StreamTime() int64 { return t.streamTime.Load() }

// Processed counts the records that went in.
func (t *Task) Processed() uint64 { return t.processed.Load() }

// StateBytes is the size of the task's stores, as measured about once a second.
func (t *Task) StateBytes() int64 { return t.stateBytes.Load() }
