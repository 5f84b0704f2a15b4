package store

// Follower is an optional interface of a DB: it lets other goroutines read what its own
// commits, always the latest, where a [Snapshotter] shows one moment.
type Follower interface {
	DB

	// Follow returns what makes readers of a store, safe for concurrent use. Each reader
	// belongs to one goroutine at a time; a value it returns is lent until its next
	// call. The readers must be at rest before the DB is closed.
	Follow(spec Spec) (func() Reader, error)
}
