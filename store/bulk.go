package store

// BulkLoader is an optional interface of a DB that can be filled from changelogs
// faster than by [DB.Apply].
type BulkLoader interface {
	// Load begins to restore. It refuses to while writes are staged, or while another
	// Loader is open. Until the Loader is closed, Commit and Apply are refused.
	Load() (Loader, error)
}

// Loader fills a DB from its changelogs. It belongs to the goroutine of its DB.
// Closing the DB ends it without what was not written.
type Loader interface {
	// Add takes over mutations of a store, in the order of its changelog, after which
	// the store stands at pos. The slices are copied, pos too. What was added becomes
	// readable and durable later, together with its position in one step, some calls at
	// a time and never a part of one. On error the DB must be closed.
	Add(store string, muts []Mutation, pos Position) error

	// Sync writes what was added; then it is readable and durable, with its position.
	Sync() error

	// Close is Sync, and ends the load. It is idempotent.
	Close() error
}
