package poller

import (
	"context"
	"sync"

	"github.com/millrace/millrace/streams/internal/worker"
)

const (
	// minHigh keeps pausing rare when very many partitions share the budget.
	minHigh = 512 << 10
	// lowShare is the part of the high mark at which a partition resumes.
	lowShare = 4
	// recordOverhead is what a record costs beside its key and value.
	recordOverhead = 128
)

// flow bounds the bytes between the poller and the workers. It is safe for
// concurrent use; it is touched once a batch, never for each record.
type flow struct {
	mu     sync.Mutex
	limit  int64
	total  int64
	parts  map[*part]struct{}
	drain  chan struct{} // a token when total fell below the limit
	resume func([]*part)
}

// part is one source partition of a task.
type part struct {
	topic     string
	partition int32
	task      *entry

	// Guarded by flow.mu.
	buffered int64
	paused   bool
}

func newFlow(limit int64, resume func([]*part)) *flow {
	return &flow{limit: limit, parts: make(map[*part]struct{}), drain: make(chan struct{}, 1), resume: resume}
}

// open adds a partition, paused, as it is until its task runs.
func (f *flow) open(p *part) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p.paused = true
	f.parts[p] = struct{}{}
}

// close forgets a partition and what it had buffered.
func (f *flow) close(p *part) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.parts[p]; ok {
		delete(f.parts, p)
		f.total -= p.buffered
		f.signal()
	}
}

// add counts what was handed over and says whether to pause the partition now.
func (f *flow) add(p *part, bytes int64) (pause bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.parts[p]; !ok {
		return false
	}
	p.buffered += bytes
	f.total += bytes
	pause = !p.paused && p.buffered > f.high()
	p.paused = p.paused || pause
	return pause
}

// sub counts what was processed and resumes the partition when little is left.
func (f *flow) sub(p *part, bytes int64) {
	f.mu.Lock()
	_, ok := f.parts[p]
	if ok {
		p.buffered -= bytes
		f.total -= bytes
		f.signal()
	}
	resume := ok && p.paused && p.buffered <= f.high()/lowShare
	if resume {
		p.paused = false
	}
	f.mu.Unlock()
	if resume {
		f.resume([]*part{p})
	}
}

// start resumes the partitions of a task that is ready.
func (f *flow) start(parts []*part) {
	f.mu.Lock()
	for _, p := range parts {
		p.paused = false
	}
	f.mu.Unlock()
	f.resume(parts)
}

// wait blocks while all partitions together hold too much.
func (f *flow) wait(ctx context.Context) {
	for {
		f.mu.Lock()
		over := f.total > f.limit
		f.mu.Unlock()
		if !over {
			return
		}
		select {
		case <-f.drain:
		case <-ctx.Done():
			return
		}
	}
}

// high is a partition's share of the limit.
func (f *flow) high() int64 { return max(minHigh, f.limit/int64(max(1, len(f.parts)))) }

// signal wakes wait. Called with mu held.
func (f *flow) signal() {
	if f.total > f.limit {
		return
	}
	select {
	case f.drain <- struct{}{}:
	default:
	}
}

// released is called by workers for batches that are processed.
func (f *flow) released(p *part) worker.Release {
	return func(bytes int64) { f.sub(p, bytes) }
}
