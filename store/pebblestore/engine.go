package pebblestore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2"

	"github.com/millrace/millrace/store"
)

// engine is one store of a DB: all keys that begin with its number.
type engine struct {
	db *DB
	// key, lo and hi are scratch; each begins with the store's number.
	key, lo, hi []byte
	end         []byte // the number after it: above all keys
	// over is in front of a store that is asked by key; nil for others.
	over   *overlay
	spills int // in a row that were hardly worth an overlay
}

func newEngine(d *DB, id uint16, spec store.Spec) *engine {
	e := &engine{db: d, key: prefixOf(id), lo: prefixOf(id), hi: prefixOf(id), end: prefixOf(id + 1)}
	if spec.Kind == store.KindKeyValue || spec.Kind == store.KindWindow && !spec.RetainDuplicates {
		e.over = newOverlay()
	}
	return e
}

// prefixOf is what all keys of a store begin with.
func prefixOf(id uint16) []byte { return binary.BigEndian.AppendUint16(nil, id) }

// at is the full key, until the next call.
func (e *engine) at(key []byte) []byte {
	e.key = append(e.key[:prefixSize], key...)
	return e.key
}

// bounds are the full bounds of a range, until the next call.
func (e *engine) bounds(lo, hi []byte) (from, to []byte) {
	e.lo = append(e.lo[:prefixSize], lo...)
	if hi == nil {
		return e.lo, e.end
	}
	e.hi = append(e.hi[:prefixSize], hi...)
	return e.lo, e.hi
}

func (e *engine) Get(key []byte) (value []byte, ok bool, err error) {
	if err := e.db.usable(); err != nil {
		return nil, false, err
	}
	e.db.takeBack()
	if e.over != nil {
		if value, there, known := e.over.get(key); known {
			return value, there, nil
		}
	}
	value, closer, err := e.db.get(e.at(key))
	switch {
	case errors.Is(err, pebble.ErrNotFound):
		return nil, false, nil
	case err != nil:
		return nil, false, explain("read the state", e.db.dir, err)
	}
	e.db.lent = closer
	if e.over != nil && e.over.held < e.db.shared.overlaySize() {
		e.over.remember(key, value)
	}
	return value, true, nil
}

// get looks at what is committed alone if nothing is staged, which costs less.
func (d *DB) get(key []byte) ([]byte, io.Closer, error) {
	if d.staged.Empty() {
		return d.db.Get(key)
	}
	return d.staged.Get(key)
}

func (e *engine) Put(key, value []byte) error {
	if err := e.writable(len(key) + len(value)); err != nil {
		return err
	}
	if e.over != nil {
		e.over.put(key, value)
		return nil
	}
	return explain("write the state", e.db.dir, e.db.staged.Set(e.at(key), value, nil))
}

func (e *engine) Delete(key []byte) error {
	if err := e.writable(len(key)); err != nil {
		return err
	}
	if e.over != nil {
		e.over.remove(key)
		return nil
	}
	return explain("write the state", e.db.dir, e.db.staged.Delete(e.at(key), nil))
}

func (e *engine) DeleteRange(lo, hi []byte) error {
	if err := e.writable(len(lo) + len(hi)); err != nil {
		return err
	}
	from, to := e.bounds(lo, hi)
	if bytes.Compare(from, to) >= 0 {
		return nil
	}
	if err := e.spill(); err != nil {
		return err
	}
	if e.over != nil {
		e.over.cut(lo, hi)
	}
	return explain("write the state", e.db.dir, e.db.staged.DeleteRange(from, to, nil))
}

// BehindCache implements [store.Backing].
func (e *engine) BehindCache() {
	if e.over != nil && len(e.over.rows) == 0 {
		e.over = nil
	}
}

// spill takes what the overlay holds back to the batch, which ranges work on.
func (e *engine) spill() error {
	if e.over == nil || len(e.over.dirty) == 0 {
		return nil
	}
	few := len(e.over.dirty) < worthwhile
	if err := e.drain(e.db.staged); err != nil {
		return err
	}
	// A store that is scanned after every few writes is better off without.
	if e.spills++; !few {
		e.spills = 0
	}
	if e.spills >= maxSpills {
		e.over = nil
	}
	return nil
}

const (
	// worthwhile is how many writes an overlay should gather between two scans.
	worthwhile = 16
	// maxSpills is how often in a row it may have fewer.
	maxSpills = 64
)

// drain writes what the overlay holds back into a batch, in the order of the keys.
func (e *engine) drain(b *pebble.Batch) error {
	return explain("write the state", e.db.dir, e.over.drain(
		func(key, value []byte) error { return b.Set(e.at(key), value, nil) },
		func(key []byte) error { return b.Delete(e.at(key), nil) },
	))
}

// writable refuses what Pebble would answer with a panic.
func (e *engine) writable(size int) error {
	if e.db.StagedBytes()+size > maxStaged {
		return fmt.Errorf("stage the state of %s: over %d bytes since the last commit; commit more often", e.db.dir, maxStaged)
	}
	return e.db.usable()
}

// mutate writes one change of a changelog into a batch.
func (e *engine) mutate(b *pebble.Batch, m store.Mutation) error {
	if m.Value == nil {
		return b.Delete(e.at(m.Key), nil)
	}
	return b.Set(e.at(m.Key), m.Value, nil)
}

func (e *engine) Scan(lo, hi []byte, reverse bool, visit func(key, value []byte) bool) (err error) {
	if err := e.db.usable(); err != nil {
		return err
	}
	from, to := e.bounds(lo, hi)
	if bytes.Compare(from, to) >= 0 {
		return nil // Pebble's iterators do not bear inverted bounds
	}
	if err := e.spill(); err != nil {
		return err
	}
	it, own, err := e.db.iterate(from, to)
	if err != nil {
		return explain("read the state", e.db.dir, err)
	}
	// Deferred, because visit is user code and may panic.
	defer func() {
		if closing := e.db.stop(it, own); err == nil {
			err = explain("read the state", e.db.dir, closing)
		}
	}()
	err = walk(it, reverse, visit)
	return explain("read the state", e.db.dir, err)
}

// walk visits what the iterator covers.
func walk(it *pebble.Iterator, reverse bool, visit func(key, value []byte) bool) error {
	start, step := it.First, it.Next
	if reverse {
		start, step = it.Last, it.Prev
	}
	for ok := start(); ok; ok = step() {
		value, err := it.ValueAndErr()
		if err != nil {
			return err
		}
		if !visit(it.Key()[prefixSize:], value) {
			return nil
		}
	}
	return it.Error()
}

// iterate gives an iterator over staged and committed keys. The DB's cursor is used
// again, which spares building the stack of levels for each scan; a scan inside
// another one gets an iterator of its own.
func (d *DB) iterate(lo, hi []byte) (it *pebble.Iterator, own bool, err error) {
	o := pebble.IterOptions{LowerBound: lo, UpperBound: hi}
	if d.inUse {
		it, err = d.staged.NewIter(&o)
		return it, true, err
	}
	if d.cursor == nil {
		d.cursor, err = d.staged.NewIter(&o)
	} else {
		d.cursor.SetOptions(&o) // shows what was staged since, too
	}
	d.inUse = err == nil
	return d.cursor, false, err
}

// stop ends the use of an iterator.
func (d *DB) stop(it *pebble.Iterator, own bool) error {
	if own {
		return it.Close()
	}
	d.inUse = false
	return nil
}
