package worker

import (
	"maps"
	"sync"
)

// SkipKey names a kind of skipped records.
type SkipKey struct {
	Operator, Reason string
}

// Buckets are the upper bounds, in seconds, of the commit latency histogram.
func Buckets() []float64 { return []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30} }

// Status is what a worker has done so far.
type Status struct {
	Processed, Emitted, Errors uint64
	Skipped                    map[SkipKey]uint64
	Commits                    uint64
	// CommitCounts has one entry for each of Buckets and one for what is larger.
	CommitCounts  []uint64
	CommitSeconds float64
}

// counters are a worker's own, plain numbers: the record path touches no lock
// and no atomic. They are published once in a round of the loop.
type counters struct {
	processed, errors uint64
	lastSkip          SkipKey
	lastCount         *uint64
	skipCells         map[SkipKey]*uint64
	commits           uint64
	commitCounts      []uint64
	commitSeconds     float64
}

func newCounters() *counters {
	return &counters{skipCells: make(map[SkipKey]*uint64), commitCounts: make([]uint64, len(Buckets())+1)}
}

// skip counts one record. A run of one kind costs a comparison each.
func (c *counters) skip(key SkipKey) {
	if c.lastCount == nil || key != c.lastSkip {
		cell := c.skipCells[key]
		if cell == nil {
			cell = new(uint64)
			c.skipCells[key] = cell
		}
		c.lastSkip, c.lastCount = key, cell
	}
	*c.lastCount++
}

// commit counts one commit of n tasks.
func (c *counters) commit(tasks int, seconds float64) {
	c.commits += uint64(tasks)
	c.commitSeconds += seconds
	bounds := Buckets()
	i := 0
	for i < len(bounds) && seconds > bounds[i] {
		i++
	}
	c.commitCounts[i]++
}

// board is where a worker publishes its counters. It is safe for concurrent use.
type board struct {
	mu     sync.Mutex
	status Status
}

func (b *board) publish(c *counters, emitted uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := &b.status
	s.Processed, s.Emitted, s.Errors = c.processed, emitted, c.errors
	s.Commits, s.CommitSeconds = c.commits, c.commitSeconds
	s.CommitCounts = append(s.CommitCounts[:0], c.commitCounts...)
	if s.Skipped == nil {
		s.Skipped = make(map[SkipKey]uint64)
	}
	for k, n := range c.skipCells {
		s.Skipped[k] = *n
	}
}

func (b *board) read() Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.status
	s.Skipped = maps.Clone(s.Skipped)
	s.CommitCounts = append([]uint64(nil), s.CommitCounts...)
	return s
}
