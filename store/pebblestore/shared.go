package pebblestore

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
)

const (
	// DefaultMemoryBudget is for a DB that has no Shared.
	DefaultMemoryBudget = 32 << 20

	minMemTable = 256 << 10
	maxMemTable = 64 << 20
	openFiles   = 1000
)

// Shared is what all DBs of a process have in common, so that a process with 200
// tasks takes no more memory and CPU than one with two: one block cache, one cache
// of open files, and one limit on compactions. It is safe for concurrent use.
type Shared struct {
	cache       *pebble.Cache
	files       *pebble.FileCache
	compactions *compactions
	budget      int64
	dbs         atomic.Int64 // open, or announced if that is more
	announced   atomic.Int64
	close       sync.Once
}

// NewShared divides a budget of memory, in bytes: half for the block cache, half for
// the memtables of all DBs together.
func NewShared(memoryBudget int64) *Shared {
	memoryBudget = max(memoryBudget, 2*minMemTable)
	return &Shared{
		cache:       pebble.NewCache(memoryBudget / 2),
		files:       pebble.NewFileCache(runtime.GOMAXPROCS(0), openFiles),
		compactions: newCompactions(max(1, runtime.GOMAXPROCS(0)/2)),
		budget:      memoryBudget,
	}
}

// Expect says how many DBs there will be. The size of a DB's memtable is fixed when
// it is opened, so the first ones would take too large a share without it.
func (s *Shared) Expect(dbs int) { s.announced.Store(int64(dbs)) }

// memTableSize gives each DB its part of half the budget, twice over, because one
// memtable fills while another is flushed.
func (s *Shared) memTableSize() uint64 {
	dbs := max(s.dbs.Load(), s.announced.Load(), 1)
	return uint64(min(max(s.budget/2/(2*dbs), minMemTable), maxMemTable))
}

// Close releases the caches. All DBs that use them must be closed before. It is
// idempotent.
func (s *Shared) Close() error {
	s.close.Do(func() {
		s.files.Unref()
		s.cache.Unref()
	})
	return nil
}
