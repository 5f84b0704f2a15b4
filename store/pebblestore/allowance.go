package pebblestore

import "sync"

const (
	minRun = 1 << 20
	maxRun = 256 << 20
	// loadsAtOnce is how many tasks are taken to restore at the same time, so that
	// the first one does not get it all.
	loadsAtOnce = 4
)

// allowance is the memory for sorted runs, over all DBs. A part is taken for each
// run and given back after it, so the parts follow the number of restoring tasks.
type allowance struct {
	mu     sync.Mutex
	limit  int64 // bytes
	used   int64
	takers int64
}

// join and part count those who take.
func (a *allowance) join() { a.change(0, 1) }
func (a *allowance) part() { a.change(0, -1) }

func (a *allowance) change(bytes, takers int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.used += bytes
	a.takers += takers
}

// take returns how large the next run may be. It is never less than minRun, since a
// task that waits for memory would hold up its group.
func (a *allowance) take() int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	size := min(a.limit/max(a.takers, loadsAtOnce), a.limit-a.used)
	size = min(max(size, minRun), maxRun)
	a.used += size
	return size
}

func (a *allowance) giveBack(size int64) { a.change(-size, 0) }

func (a *allowance) held() int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.used
}
