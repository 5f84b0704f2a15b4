package store

// Snapshotter is an optional interface of a DB: it lets other goroutines read what
// the task's own goroutine goes on to change.
type Snapshotter interface {
	// Snapshot returns the state as of the last commit; staged writes are not in
	// it. Safe for concurrent use, also while the task commits. The caller closes
	// it, and before the DB: an open snapshot keeps old data alive.
	Snapshot() (Snapshot, error)
}

// Snapshot is the committed state of one task at one position. It is safe for
// concurrent use and does not change.
type Snapshot interface {
	// Reader returns the bytes of one store. It is safe for concurrent use and
	// fails after Close. A store that has no engine is an error.
	Reader(store string) (Reader, error)

	// Position returns a copy of the position at which the state was committed.
	Position() Position

	// Close releases what the snapshot holds. It is idempotent. Scans that are
	// under way must have ended.
	Close() error
}
