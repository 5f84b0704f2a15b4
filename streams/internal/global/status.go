package global

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/millrace/millrace/streams/internal/restore"
	"github.com/millrace/millrace/streams/internal/topo"
)

// Status is how one global store is doing.
type Status struct {
	Store, Topic string
	// Records were read since Open began.
	Records uint64
	// Lag is how many offsets of the topic the store is behind, as last fetched.
	Lag int64
}

// publish notes the status for others to read.
func (k *Keeper) publish() {
	out := make([]Status, 0, len(k.inputs))
	for topic, in := range k.inputs {
		s := Status{Store: in.Store.Spec.Name, Topic: topic}
		for _, c := range in.cursors {
			s.Records += uint64(c.records)
			s.Lag += c.lag()
		}
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b Status) int { return strings.Compare(a.Store, b.Store) })
	k.mu.Lock()
	defer k.mu.Unlock()
	k.status = out
}

// Status tells of each store, sorted by name.
func (k *Keeper) Status() []Status {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.status)
}

// Skipped counts the records that were left out since Open.
func (k *Keeper) Skipped() map[SkipKey]uint64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	return maps.Clone(k.skipped)
}

// StateBytes is the size of all the stores.
func (k *Keeper) StateBytes() int64 { return k.opt.DB.Size() }

// announce tells the observer about every partition, and about the end of those of
// which nothing is to be read; it returns the others.
func (k *Keeper) announce() map[*cursor]restore.Event {
	open := map[*cursor]restore.Event{}
	for topic, in := range k.inputs {
		for p, c := range in.cursors {
			c.begun = time.Now()
			open[c] = restore.Event{
				Task: topo.TaskID{Subtopology: in.Subtopology, Partition: p}, Store: in.Store.Spec.Name, Topic: topic,
				From: c.from, To: c.end, Next: c.next,
			}
			k.tell(func(o restore.Observer) { o.Start(c.event(open[c])) })
		}
	}
	k.publish()
	return k.progress(open)
}

// progress tells the observer how far partitions have come, and returns those that go
// on.
func (k *Keeper) progress(open map[*cursor]restore.Event) map[*cursor]restore.Event {
	for c, e := range open {
		if c.next < c.end {
			if c.next != e.Next {
				open[c] = c.event(e)
				k.tell(func(o restore.Observer) { o.Batch(open[c]) })
			}
			continue
		}
		k.tell(func(o restore.Observer) { o.End(c.event(e)) })
		delete(open, c)
	}
	return open
}

// abandon tells the observer about partitions that will not be complete.
func (k *Keeper) abandon(open map[*cursor]restore.Event) {
	for c, e := range open {
		k.tell(func(o restore.Observer) { o.Abandon(c.event(e)) })
	}
}

// event is the moment that the cursor has come to.
func (c *cursor) event(e restore.Event) restore.Event {
	e.Next, e.Records, e.Bytes, e.Elapsed = c.next, c.records, c.bytes, time.Since(c.begun)
	return e
}

func (k *Keeper) tell(what func(restore.Observer)) {
	if k.opt.Observer != nil {
		what(k.opt.Observer)
	}
}
