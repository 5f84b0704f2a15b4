package restore

import (
	"sync"
	"time"

	"github.com/millrace/millrace/streams/internal/topo"
)

// Event is a moment in the restore of one store.
type Event struct {
	Task  topo.TaskID
	Store string
	Topic string // the changelog; its partition is the task's
	// From is the first offset read, To the end of the log when the restore began,
	// Next the next offset to read. From == To: there was nothing to restore.
	From, To, Next int64
	// Records and Bytes were applied since the restore of this store began.
	Records, Bytes int64
	Elapsed        time.Duration
}

// Observer is told how restoring goes. Its methods are called on restoring
// goroutines, several at once; they should return soon.
type Observer interface {
	Start(Event)
	Batch(Event)
	End(Event)
	// Abandon comes instead of End when restoring was given up.
	Abandon(Event)
}

type silent struct{}

func (silent) Start(Event)   {}
func (silent) Batch(Event)   {}
func (silent) End(Event)     {}
func (silent) Abandon(Event) {}

// Progress is how far the restore of one task has come. It is safe for
// concurrent use; a nil Progress takes no notes.
type Progress struct {
	mu      sync.Mutex
	store   string
	done    int64
	total   int64
	records int64
	bytes   int64
	rate    float64 // records a second, exponentially averaged
	last    time.Time
	seen    map[*cursor]counted
}

// counted is what of a cursor is in the sums already.
type counted struct {
	next, records, bytes int64
}

// Status is a copy of a Progress.
type Status struct {
	// Store is the one that was written last.
	Store string
	// Done and Total are changelog offsets, over all stores of the task.
	Done, Total int64
	// Records and Bytes were applied.
	Records, Bytes int64
	// Rate is in offsets a second, as is the rest of the way.
	Rate float64
	// ETA is 0 while unknown.
	ETA time.Duration
}

// Status copies the progress.
func (p *Progress) Status() Status {
	if p == nil {
		return Status{}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	s := Status{Store: p.store, Done: p.done, Total: p.total, Records: p.records, Bytes: p.bytes, Rate: p.rate}
	if p.rate > 0 {
		s.ETA = time.Duration(float64(p.total-p.done) / p.rate * float64(time.Second))
	}
	return s
}

// Sum is the sum of the next offsets to restore, which is how the group compares
// what processes have of a task.
func (p *Progress) Sum() (sum int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, at := range p.seen {
		sum += at.next
	}
	return sum
}

// begin counts what is to do. A restore that starts over begins again.
func (p *Progress) begin(cursors []*cursor) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done, p.total, p.last = 0, 0, time.Now()
	p.seen = make(map[*cursor]counted, len(cursors))
	for _, c := range cursors {
		p.total += max(0, c.end-c.next)
		p.seen[c] = counted{next: c.next}
	}
}

// advance adds what the cursor did since it was last seen.
func (p *Progress) advance(c *cursor) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	old, now := p.seen[c], time.Now()
	delta := min(c.next, c.end) - min(old.next, c.end)
	p.store = c.store.Spec.Name
	p.done += delta
	p.records += c.records - old.records
	p.bytes += c.bytes - old.bytes
	p.average(delta, now.Sub(p.last))
	p.last = now
	p.seen[c] = counted{c.next, c.records, c.bytes}
}

// average weighs the newest stretch by how long it took, so that the rate looks
// back about five seconds whatever the size of batches.
func (p *Progress) average(offsets int64, took time.Duration) {
	if took <= 0 {
		return
	}
	const memory = 5 * time.Second
	latest := float64(offsets) / took.Seconds()
	weight := min(1, float64(took)/float64(memory))
	if p.rate == 0 {
		weight = 1
	}
	p.rate += weight * (latest - p.rate)
}
