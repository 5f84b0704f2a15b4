package restore

import (
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millrace/millrace/changelog"
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams/internal/topo"
	"github.com/millrace/millrace/streams/record"
)

// cursor is one changelog partition on its way into its store.
type cursor struct {
	task   topo.TaskID
	store  topo.Store
	engine store.Engine
	decode *changelog.Decoder

	start, end int64 // of the log, as listed at the start; read uncommitted
	from, next int64 // first and next offset to read
	begun      time.Time
	records    int64
	bytes      int64

	headers []record.Header
	pos     store.Position
}

func newCursor(task topo.TaskID, s topo.Store, e store.Engine) *cursor {
	return &cursor{task: task, store: s, engine: e, decode: changelog.NewDecoder(s.Spec), pos: store.Position{}}
}

func (c *cursor) done() bool { return c.next >= c.end }

// read sends records on their way into the store.
func (c *cursor) read(into target, records []*kgo.Record) error {
	for _, r := range records {
		if c.store.FromSource && r.Offset >= c.end {
			c.next = c.end
			break
		}
		if err := c.add(into, r); err != nil {
			return err
		}
	}
	return into.pause(c)
}

// add takes one record up. Control records, the ends of transactions, move the
// position only. A null key, which no changelog of ours has, is left out.
func (c *cursor) add(into target, r *kgo.Record) error {
	c.next = r.Offset + 1
	if r.Attrs.IsControl() || r.Key == nil {
		return nil
	}
	c.headers = c.headers[:0]
	for _, h := range r.Headers {
		c.headers = append(c.headers, record.Header{Key: h.Key, Value: h.Value})
	}
	muts, err := c.decode.Mutations(r.Key, r.Value, r.Timestamp.UnixMilli(), c.headers...)
	if err != nil {
		return fmt.Errorf("task %s: store %s: changelog %s/%d offset %d: %w",
			c.task, c.store.Spec.Name, r.Topic, r.Partition, r.Offset, err)
	}
	c.records++
	c.bytes += int64(len(r.Key) + len(r.Value))
	return into.add(c, muts)
}

func (c *cursor) event() Event {
	return Event{
		Task: c.task, Store: c.store.Spec.Name, Topic: c.store.Changelog,
		From: c.from, To: c.end, Next: c.next,
		Records: c.records, Bytes: c.bytes, Elapsed: time.Since(c.begun),
	}
}
