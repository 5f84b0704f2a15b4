package streams

import (
	"time"

	"github.com/millrace/millrace/store"
)

// WithHistory makes the store of a table versioned: it knows which value a key had
// at a time, for as long as d behind the newest record. Joins of streams look rows
// up as of the record's time, tables and aggregations below leave records out that
// come after a newer one of the same key. It has no record cache.
func WithHistory(d time.Duration) StoreOption {
	return storeSetting(func(s *settings) {
		if d < 0 || d%time.Millisecond != 0 {
			s.fault("the history %v is negative, or not in whole milliseconds", d)
		}
		s.history, s.versioned = d, true
	})
}

// tableKind is the kind of a table's store, as the options ask for it.
func (c *call) tableKind() store.Kind {
	if c.versioned {
		return store.KindVersioned
	}
	return store.KindKeyValue
}
