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

// batchBytes is how much is applied to a store in one atomic write.
const batchBytes = 4 << 20

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
	muts    []store.Mutation
	arena   []byte // backs muts
}

func newCursor(task topo.TaskID, s topo.Store, e store.Engine) *cursor {
	return &cursor{task: task, store: s, engine: e, decode: changelog.NewDecoder(s.Spec), arena: []byte{}}
}

func (c *cursor) done() bool { return c.next >= c.end }

// apply writes records to the store, a few megabytes at a time, each time with
// the position that follows them.
func (c *cursor) apply(db store.DB, records []*kgo.Record, p *Progress) error {
	for _, r := range records {
		if err := c.add(r); err != nil {
			return err
		}
		if len(c.arena) >= batchBytes {
			if err := c.write(db, p); err != nil {
				return err
			}
		}
	}
	return c.write(db, p)
}

// add takes one record up. Control records, the ends of transactions, move the
// position only. A null key, which no changelog of ours has, is left out.
func (c *cursor) add(r *kgo.Record) error {
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
	for _, m := range muts {
		c.muts = append(c.muts, store.Mutation{Key: c.keep(m.Key), Value: c.keep(m.Value)})
	}
	c.records++
	c.bytes += int64(len(r.Key) + len(r.Value))
	return nil
}

// keep copies what the decoder lends. Nil, a deletion, stays nil.
func (c *cursor) keep(b []byte) []byte {
	if b == nil {
		return nil
	}
	at := len(c.arena)
	c.arena = append(c.arena, b...)
	return c.arena[at:len(c.arena):len(c.arena)]
}

func (c *cursor) write(db store.DB, p *Progress) error {
	err := db.Apply(c.store.Spec.Name, c.muts, store.Position{c.store.Changelog: c.next})
	if err != nil {
		return fmt.Errorf("task %s: restoring store %s: %w", c.task, c.store.Spec.Name, err)
	}
	p.advance(c)
	c.muts, c.arena = c.muts[:0], c.arena[:0]
	return nil
}

func (c *cursor) event() Event {
	return Event{
		Task: c.task, Store: c.store.Spec.Name, Topic: c.store.Changelog,
		From: c.from, To: c.end, Next: c.next,
		Records: c.records, Bytes: c.bytes, Elapsed: time.Since(c.begun),
	}
}
