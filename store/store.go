// Package store is the contract between typed state and the engines that keep
// its bytes: what a store is ([Spec]), where it stands in its changelog
// ([Position]), what an engine must do ([DB], [Engine]), and the typed views
// that operators and processors use.
//
// State and its position are one atomic write. Writes are staged first and
// reach the engine's files only through [DB.Commit], which the runtime calls
// after Kafka has acknowledged the changelog records, so that a crash at any
// point leaves the store at a committed position.
package store

// Position says where a task's state stands: for each changelog topic the next
// offset to apply. The partition is the task's own.
type Position map[string]int64

// Mutation is one change of a store in its engine's own key layout. A nil Value
// deletes the key.
type Mutation struct {
	Key, Value []byte
}

// Reader is the reading half of an Engine. Keys are ordered bytewise.
type Reader interface {
	// Get returns the value of key. A slice from an Engine is valid until the next
	// call on any engine of the same DB, one from a Snapshot is the caller's; the
	// caller must not change it.
	Get(key []byte) (value []byte, ok bool, err error)

	// Scan calls visit for each key lo <= k < hi in ascending order, descending
	// if reverse, until visit returns false. A nil bound is open. The slices are
	// valid during the visit only, and visit must not write to the engine.
	Scan(lo, hi []byte, reverse bool, visit func(key, value []byte) bool) error
}

// Engine is the bytes of one store in one task. It belongs to the goroutine
// that runs the task and is not safe for concurrent use. Reads see staged writes.
type Engine interface {
	Reader

	// Put stages a write. Both slices are copied.
	Put(key, value []byte) error

	// Delete stages the removal of key, which need not exist.
	Delete(key []byte) error

	// DeleteRange stages the removal of all keys lo <= k < hi; a nil bound is open.
	// It is for expiry, and to empty a store that is rebuilt,
	// and is never logged to a changelog.
	DeleteRange(lo, hi []byte) error
}

// Backing is implemented by engines that hold in memory what was read and written
// lately.
type Backing interface {
	// BehindCache tells the engine that a cache in front of it does so already, and
	// writes each key once, in order. It comes before the first read and write.
	BehindCache()
}

// DB is the local state of one task: all its stores and the position they stand
// at. Engines and DB belong to one goroutine, except where a method says so.
type DB interface {
	// Engine returns the engine of a store and creates it when it is new. Two
	// calls with one name return the same engine.
	Engine(spec Spec) (Engine, error)

	// Position returns a copy of the committed position.
	Position() Position

	// Commit applies everything that is staged, in all engines, together with
	// pos, in one atomic write. Entries of topics that pos does not name stay.
	// On error nothing was applied and the DB must be closed.
	Commit(pos Position) error

	// Rollback drops everything that is staged.
	Rollback()

	// StagedBytes is the memory that staged writes hold.
	StagedBytes() int

	// Apply writes the mutations of a changelog to a store, past the staging
	// area, with pos, in one atomic write. It is for restoring and must not be
	// mixed with staged writes. The slices are not kept.
	Apply(store string, muts []Mutation, pos Position) error

	// Flush makes all committed state durable on the disk. Safe for concurrent use.
	Flush() error

	// Size is the space that the DB takes on disk, in bytes, or in memory where
	// there is no disk. Safe for concurrent use.
	Size() int64

	// Close drops what is staged, flushes what is committed and releases the
	// files. It is idempotent.
	Close() error
}
