package restore

import (
	"fmt"

	"github.com/millrace/millrace/store"
)

const (
	// batchBytes is how much is applied to a store in one atomic write.
	batchBytes = 4 << 20
	// bulkOffsets is how long changelogs must be for a bulk load: it writes tables of
	// its own and waits for the disk, which a short tail is not worth.
	bulkOffsets = 10_000
)

// target is where the records of a task's changelogs go.
type target interface {
	// add takes over what one record changes. The slices are lent.
	add(c *cursor, muts []store.Mutation) error
	// pause comes when there are no more records for now; the cursor's position may
	// have moved without changes.
	pause(c *cursor) error
	// done makes all of a store readable.
	done(c *cursor) error
	// close makes everything readable and ends the target.
	close() error
}

// newTarget chooses the way into the DB.
func newTarget(db store.DB, cursors map[string]*cursor, p *Progress) (target, error) {
	var offsets int64
	for _, c := range cursors {
		offsets += c.end - c.next
	}
	if bulk, ok := db.(store.BulkLoader); ok && offsets >= bulkOffsets {
		l, err := bulk.Load()
		return &load{Loader: l, progress: p}, err
	}
	return &batches{db: db, progress: p}, nil
}

// load fills the DB in runs as large as memory allows; the DB ends them.
type load struct {
	store.Loader
	progress *Progress
}

func (l *load) add(c *cursor, muts []store.Mutation) error {
	return c.failed(l.Add(c.store.Spec.Name, muts, c.position()))
}

func (l *load) pause(c *cursor) error {
	l.progress.advance(c)
	return l.add(c, nil)
}

func (l *load) done(c *cursor) error { return c.failed(l.Sync()) }

func (l *load) close() error { return l.Close() }

// batches applies a few megabytes at a time, with the position that follows them.
type batches struct {
	db       store.DB
	progress *Progress
	muts     []store.Mutation
	arena    []byte // backs muts
}

func (b *batches) add(c *cursor, muts []store.Mutation) error {
	for _, m := range muts {
		b.muts = append(b.muts, store.Mutation{Key: b.keep(m.Key), Value: b.keep(m.Value)})
	}
	if len(b.arena) < batchBytes {
		return nil
	}
	return b.pause(c)
}

// keep copies what the decoder lends. Nil, a deletion, stays nil, and nothing else
// does.
func (b *batches) keep(from []byte) []byte {
	if from == nil {
		return nil
	}
	if b.arena == nil {
		b.arena = make([]byte, 0, 1<<10)
	}
	at := len(b.arena)
	b.arena = append(b.arena, from...)
	return b.arena[at:len(b.arena):len(b.arena)]
}

// pause writes, so that what is held always belongs to one store.
func (b *batches) pause(c *cursor) error {
	if err := c.failed(b.db.Apply(c.store.Spec.Name, b.muts, c.position())); err != nil {
		return err
	}
	b.drop()
	b.progress.advance(c)
	return nil
}

// drop forgets what could not be written.
func (b *batches) drop() { b.muts, b.arena = b.muts[:0], b.arena[:0] }

func (b *batches) done(*cursor) error { return nil }

func (b *batches) close() error { return nil }

// position is where the cursor stands, until it moves.
func (c *cursor) position() store.Position {
	c.pos[c.store.Changelog] = c.next
	return c.pos
}

// failed says which store could not be written.
func (c *cursor) failed(err error) error {
	if err != nil {
		return fmt.Errorf("task %s: restoring store %s: %w", c.task, c.store.Spec.Name, err)
	}
	return nil
}
