package cached

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// Budget is the memory of all caches of a process, in bytes. Each cache is sure of
// an equal part of one half; the rest goes to whoever asks first and is given back
// when a cache is flushed. It is safe for concurrent use.
type Budget struct {
	limit int64
	over  atomic.Bool // the caches hold more than that together

	mu     sync.Mutex
	leases []*lease
}

// lease is one cache's part of a budget.
type lease struct {
	budget *Budget
	bytes  int64 // under budget.mu
}

// NewBudget is a budget of so many bytes.
func NewBudget(bytes int64) *Budget { return &Budget{limit: max(bytes, 0)} }

// Limit is the budget, in bytes.
func (b *Budget) Limit() int64 { return b.limit }

// Used is what the caches hold together, in bytes, rounded up by a little for
// each. It may be over the limit after tasks have come, by what those before them
// hold, never by more than half, until each has had its next [Cache.Trim].
func (b *Budget) Used() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.sum()
}

// sum is called with the mutex held.
func (b *Budget) sum() (bytes int64) {
	for _, l := range b.leases {
		bytes += l.bytes
	}
	return bytes
}

// step is by how much leases grow, so that the lock is taken seldom.
func (b *Budget) step() int64 { return min(max(b.limit/1024, 4<<10), 1<<20) }

// open starts the lease of a cache. It ends when the owner is garbage, because
// until then its memory is in use, whatever became of its task.
func open[T any](b *Budget, owner *T) *lease {
	l := &lease{budget: b}
	b.mu.Lock()
	b.leases = append(b.leases, l)
	b.mu.Unlock()
	runtime.AddCleanup(owner, (*lease).close, l)
	return l
}

func (l *lease) close() {
	l.budget.mu.Lock()
	defer l.budget.mu.Unlock()
	if i := slices.Index(l.budget.leases, l); i >= 0 {
		l.budget.leases = slices.Delete(l.budget.leases, i, i+1)
	}
	l.budget.over.Store(l.budget.sum() > l.budget.limit)
}

// ask makes the lease as large as wanted, or as there is room for, and returns what
// it is now. The equal part is always granted.
func (l *lease) ask(want int64) (granted int64) {
	b := l.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	sure := b.limit / int64(2*max(len(b.leases), 1))
	room := b.limit
	for _, o := range b.leases {
		if o != l {
			room -= max(o.bytes, sure)
		}
	}
	l.bytes = min(want, max(room, sure))
	b.over.Store(b.sum() > b.limit)
	return l.bytes
}
