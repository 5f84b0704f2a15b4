package streams

import (
	"sync"
	"time"

	"github.com/millrace/millrace/streams/internal/restore"
)

// progress observes the restorer for everybody who wants to know: the display,
// the user's listener, the counters of the snapshot.
type progress struct {
	display  display          // may be nil
	listener RestoreListener  // may be nil
	now      func() time.Time // time.Now, or a test's

	mu     sync.Mutex
	active map[restoring]restore.Event
	past   progressLine // stores that ended since restoring last began
	begun  time.Time
	shown  time.Time

	records, bytes int64 // of all times
}

// restoring names one store of one task.
type restoring struct{ task, store string }

func newProgress(d display, l RestoreListener) *progress {
	return &progress{display: d, listener: l, now: time.Now, active: make(map[restoring]restore.Event)}
}

// Start implements restore.Observer.
func (p *progress) Start(e restore.Event) {
	p.note(e, func(k restoring) {
		if len(p.active) == 0 {
			p.begun, p.past = p.now(), progressLine{}
			p.shown = p.begun
		}
		p.active[k] = e
	})
	if p.listener != nil {
		p.listener.OnRestoreStart(restoreEvent(e))
	}
}

// Batch implements restore.Observer.
func (p *progress) Batch(e restore.Event) {
	p.note(e, func(k restoring) { p.active[k] = e })
	if p.listener != nil {
		p.listener.OnRestoreBatch(restoreEvent(e))
	}
}

// End implements restore.Observer.
func (p *progress) End(e restore.Event) {
	p.note(e, func(k restoring) {
		delete(p.active, k)
		p.past = p.past.plus(e)
	})
	if p.listener != nil {
		p.listener.OnRestoreEnd(restoreEvent(e))
	}
}

// Abandon implements restore.Observer.
func (p *progress) Abandon(e restore.Event) {
	p.note(e, func(k restoring) { delete(p.active, k) })
}

// note updates the books and shows them if it is time.
func (p *progress) note(e restore.Event, change func(restoring)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	k := restoring{e.Task.String(), e.Store}
	old := p.active[k]
	p.records += e.Records - old.Records
	p.bytes += e.Bytes - old.Bytes
	change(k)
	if p.display == nil {
		return
	}
	line := p.line()
	if len(p.active) == 0 {
		if line.Records > 0 {
			p.display.finish(line)
		}
		return
	}
	if now := p.now(); now.Sub(p.shown) >= p.display.every() {
		p.shown = now
		p.display.show(line)
	}
}

// line sums up what ended and what is under way.
func (p *progress) line() progressLine {
	l := p.past
	for _, e := range p.active {
		l = l.plus(e)
	}
	l.Stores = len(p.active)
	l.Elapsed = p.now().Sub(p.begun)
	return l
}

func (l progressLine) plus(e restore.Event) progressLine {
	l.Done += max(0, min(e.Next, e.To)-e.From)
	l.Total += max(0, e.To-e.From)
	l.Records += e.Records
	l.Bytes += e.Bytes
	return l
}

// restored counts records and bytes of all times.
func (p *progress) restored() (records, bytes uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return uint64(p.records), uint64(p.bytes)
}
