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

	// overlayShare of the budget is for clean rows, up to maxOverlay a store.
	overlayShare = 64
	maxOverlay   = 12 << 20
)

// Shared is what all DBs of a process have in common, so that a process with 200
// tasks takes no more memory and CPU than one with two: one block cache, one cache
// of open files, one limit on compactions, one allowance for restoring. It is safe
// for concurrent use.
type Shared struct {
	cache       *pebble.Cache
	files       *pebble.FileCache
	compactions *compactions
	loads       *allowance
	budget      int64        // bytes in all
	memTables   int64        // bytes for the memtables of all DBs
	announced   atomic.Int64 // DBs that there will be
	overlay     atomic.Int64 // bytes for the clean rows of one store

	mu     sync.Mutex
	dbs    map[*DB]struct{}
	past   DBMetrics // events of DBs that are closed
	closed bool
}

// NewShared divides a budget of memory, in bytes. A part of it is for what cannot be
// counted: open tables, batches, compactions in progress, and what allocators waste,
// which is more in builds with cgo. The block cache gets the rest, and gives way to
// the memtables of all DBs together (up to half of it) and to the runs that are
// sorted while restoring (up to a quarter): Pebble takes what memtables hold off the
// cache, and so do we for runs.
//
// In builds without cgo all of it is in Go's heap, and it takes a GOMEMLIMIT for the
// garbage collector to respect the budget.
func NewShared(memoryBudget int64) *Shared {
	memoryBudget = max(memoryBudget, 4*minMemTable)
	counted := memoryBudget / 4 * countedShare
	return &Shared{
		cache:       pebble.NewCache(counted),
		files:       pebble.NewFileCache(runtime.GOMAXPROCS(0), openFiles),
		compactions: newCompactions(max(1, runtime.GOMAXPROCS(0)/2)),
		loads:       &allowance{limit: counted / 4},
		budget:      memoryBudget,
		memTables:   counted / 2,
		dbs:         map[*DB]struct{}{},
	}
}

// Expect says how many DBs there will be. The size of a DB's memtable is fixed when
// it is opened, so the first ones would take too large a share without it.
func (s *Shared) Expect(dbs int) { s.announced.Store(int64(dbs)) }

// enter and leave count the DBs that are open.
func (s *Shared) enter(d *DB) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dbs[d] = struct{}{}
	s.share()
}

func (s *Shared) leave(d *DB, events DBMetrics) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.dbs, d)
	s.share()
	s.past.add(events)
}

func (s *Shared) open() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int64(len(s.dbs))
}

// memTableSize gives each DB its part, twice over, because one
// memtable fills while another is flushed or kept for the next.
func (s *Shared) memTableSize() uint64 {
	dbs := max(s.open(), s.announced.Load(), 1)
	return uint64(min(max(s.memTables/(2*dbs), minMemTable), maxMemTable))
}

// overlaySize is how much the overlay of one store may hold besides what is staged. It
// comes from the part of the budget that is not counted.
func (s *Shared) overlaySize() int64 { return s.overlay.Load() }

// share divides that part anew. The caller holds the lock.
func (s *Shared) share() {
	s.overlay.Store(min(s.budget/overlayShare/int64(max(len(s.dbs), 1)), maxOverlay))
}

// OutsideHeap is how much of the budget is not in Go's heap, in bytes, and so not a
// part of GOMEMLIMIT: all of it in builds with cgo, nothing in others.
func (s *Shared) OutsideHeap() int64 {
	if outsideHeap {
		return s.budget
	}
	return 0
}

// Close releases the caches. All DBs that use them must be closed before. It is
// idempotent.
func (s *Shared) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.files.Unref()
		s.cache.Unref()
	}
	s.closed = true
	return nil
}
