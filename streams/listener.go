package streams

import (
	"time"

	"github.com/millrace/millrace/streams/internal/restore"
)

// RestoreListener is told how the restoring of stores goes. Its methods are
// called on restoring goroutines, for several stores at once, and should return
// soon.
type RestoreListener interface {
	// OnRestoreStart comes first, for every store with a changelog, also if there
	// is nothing to restore.
	OnRestoreStart(RestoreEvent)
	// OnRestoreBatch comes after each batch that was written to the store.
	OnRestoreBatch(RestoreEvent)
	// OnRestoreEnd comes when the store is complete. It does not come if restoring
	// was given up, because the task moved or the application ended.
	OnRestoreEnd(RestoreEvent)
}

// RestoreEvent is one moment in the restore of one store of one task.
type RestoreEvent struct {
	// Task is the id of the task, as in "0_1".
	Task  string
	Store string
	// Topic is the changelog, Partition the task's.
	Topic     string
	Partition int32
	// From is the offset that restoring began at, To the end of the changelog at
	// that time, Next the next offset to read.
	From, To, Next int64
	// Records and Bytes were restored so far. At the end, 0 records say that the
	// local state was complete.
	Records, Bytes int64
	// Elapsed is since the start.
	Elapsed time.Duration
}

func restoreEvent(e restore.Event) RestoreEvent {
	return RestoreEvent{
		Task: e.Task.String(), Store: e.Store, Topic: e.Topic, Partition: e.Task.Partition,
		From: e.From, To: e.To, Next: e.Next, Records: e.Records, Bytes: e.Bytes, Elapsed: e.Elapsed,
	}
}
