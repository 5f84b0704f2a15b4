package pebblestore

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/millrace/millrace/store"
)

// mostSublevels is how many runs may lie on top of each other before compactions
// are let go on although a load is under way.
const mostSublevels = 64

// Load is a [store.Loader]: it restores a DB faster than [DB.Apply]. It gathers a run
// of records in memory, sorts them, and hands them to the DB as finished tables
// together with the position, in one step. It spares the memtable and its flush,
// and compactions wait until the end.
//
// What was added is neither readable nor durable until its run is full or Sync is
// called; then it is both. After a crash the DB stands at the end of a run. The
// memory of runs comes out of the budget of [Shared].
//
// A Load belongs to the goroutine of its DB. While it is open, Commit and Apply are
// refused.
type Load struct {
	db      *DB
	run     run
	granted int64  // bytes of the allowance that this run holds; 0 if there is no run
	shrink  func() // gives the cache its memory back
	pos     store.Position
}

var _ store.BulkLoader = (*DB)(nil)

// Load implements [store.BulkLoader]. The caller closes the result, a *[Load].
func (d *DB) Load() (store.Loader, error) {
	switch err := d.writable(); {
	case err != nil:
		return nil, err
	case d.StagedBytes() > 0:
		return nil, fmt.Errorf("load the state of %s: commit or roll back what is staged before", d.dir)
	}
	d.forget()
	d.loading = &Load{db: d, pos: store.Position{}}
	d.scheduler.hold(true)
	d.shared.loads.join()
	return d.loading, nil
}

// Add takes over mutations of a store, in the order of its changelog, after which
// the store stands at pos. The slices are copied. The engine of the store must have
// been opened. On error the DB must be closed; it stands where the last run ended.
func (l *Load) Add(name string, muts []store.Mutation, pos store.Position) error {
	if err := l.usable(); err != nil {
		return err
	}
	e, ok := l.db.engines[name]
	if !ok {
		return fmt.Errorf("store %q: open its engine before restoring it", name)
	}
	// A run ends between two calls, never within one: what is written is always what
	// the position says.
	if err := l.room(muts); err != nil {
		return err
	}
	for _, m := range muts {
		l.run.add(e.at(m.Key), m.Value)
	}
	maps.Copy(l.pos, pos)
	return nil
}

// room makes sure that there is a run that takes so much.
func (l *Load) room(muts []store.Mutation) error {
	size := 0
	for _, m := range muts {
		size += prefixSize + len(m.Key) + len(m.Value) + refSize
	}
	if l.granted != 0 && !l.run.fits(size) {
		if err := l.Sync(); err != nil {
			return err
		}
	}
	if l.granted == 0 {
		l.begin()
	}
	return nil
}

// begin gets the memory for the next run.
func (l *Load) begin() {
	l.granted = l.db.shared.loads.take()
	l.shrink = l.db.shared.cache.Reserve(int(l.granted))
	l.run.reset(l.granted)
}

// end gives it back.
func (l *Load) end() {
	if l.granted == 0 {
		return
	}
	l.shrink()
	l.db.shared.loads.giveBack(l.granted)
	l.granted, l.shrink = 0, nil
}

// Sync writes what was added; then it is readable and durable, with the position.
func (l *Load) Sync() error {
	if err := l.usable(); err != nil {
		return err
	}
	if l.granted == 0 {
		return nil
	}
	defer l.end()
	if err := l.db.ingest(&l.run, l.pos); err != nil {
		return err
	}
	l.run.clear()
	clear(l.pos)
	l.db.scheduler.hold(l.db.sublevels() < mostSublevels)
	return nil
}

func (l *Load) usable() error {
	if l.db.loading != l {
		return fmt.Errorf("load the state of %s: %w", l.db.dir, store.ErrClosed)
	}
	return l.db.usable()
}

// Close writes what was added, and lets compactions go on in the background. It is
// idempotent.
func (l *Load) Close() error {
	if l.db.loading != l {
		return nil
	}
	err := l.Sync()
	l.abandon()
	return err
}

// abandon ends the load without what was not written.
func (l *Load) abandon() {
	l.end()
	l.run = run{}
	l.db.shared.loads.part()
	l.db.loading = nil
	if l.db.health.check() == nil {
		l.db.brake.grace = l.db.sublevels()
	}
	l.db.scheduler.hold(false)
}

// ingest makes tables of a run and a position and adds them in one step. Everything
// committed before is flushed first: Pebble would wait for its memtable, and without
// watching for failures.
func (d *DB) ingest(r *run, pos store.Position) (err error) {
	defer func() { err = recovered(recover(), "load the state", d.dir, err) }()
	if err := d.letGo(); err != nil {
		return err
	}
	if err := d.flush(); err != nil {
		return err
	}
	r.sort()
	w := d.newTables()
	err = errors.Join(w.position(pos), w.run(r), w.finish())
	if err == nil {
		err = d.db.Ingest(context.Background(), w.paths)
	}
	if err != nil {
		w.remove()
		return explain("load the state", d.dir, err)
	}
	if err := d.health.check(); err != nil {
		return err
	}
	d.forget() // what was read since the run before
	maps.Copy(d.position, pos)
	return nil
}

// position writes the catalogue's entries, in order.
func (w *tables) position(pos store.Position) error {
	var offset [8]byte
	for _, topic := range slices.Sorted(maps.Keys(pos)) {
		binary.BigEndian.PutUint64(offset[:], uint64(pos[topic]))
		if err := w.set(metaKey(metaPosition, topic), offset[:]); err != nil {
			return err
		}
	}
	return nil
}
