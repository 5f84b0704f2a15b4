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
	// front holds what was written and read lately; nil for stores that need none.
	front  front
	spills int // in a row that were hardly worth a front
}

// front is what lies in memory before the batch and Pebble. Slices are lent both ways.
type front interface {
	// get knows a key, or knows that it is nowhere, or does not know.
	get(key []byte) (value []byte, there, known bool, err error)
	// put and remove stage a write, if they take it.
	put(key, value []byte) (taken bool, err error)
	remove(key []byte) (taken bool, err error)
	// remember is told what get did not know.
	remember(key, value []byte)
	// scan does a scan if it can without what is below.
	scan(lo, hi []byte, reverse bool, visit func(key, value []byte) bool) (done bool, err error)
	// drain writes what is staged, in the order of the keys, and keeps it as clean.
	drain(set func(key, value []byte) error, remove func(key []byte) error) error
	// waiting is how much is staged.
	waiting() (rows int, bytes int64)
	// cut forgets a range, sweep what is beyond a limit after a commit, forget all.
	cut(lo, hi []byte)
	sweep(limit int64)
	forget()
	// idle tells whether it holds nothing.
	idle() bool
}

func newEngine(d *DB, id uint16, spec store.Spec) *engine {
	e := &engine{db: d, key: prefixOf(id), lo: prefixOf(id), hi: prefixOf(id), end: prefixOf(id + 1)}
	switch spec.Kind {
	case store.KindKeyValue:
		e.front = newOverlay(d.shared.overlaySize)
	case store.KindWindow, store.KindSession:
		e.front = newRecent(e, d.shared.overlaySize)
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
	if e.front != nil {
		if value, there, known, err := e.front.get(key); known || err != nil {
			return value, there, err
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
	if e.front != nil {
		e.front.remember(key, value)
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
	if e.front != nil {
		if taken, err := e.front.put(key, value); taken || err != nil {
			return err
		}
	}
	return explain("write the state", e.db.dir, e.db.staged.Set(e.at(key), value, nil))
}

func (e *engine) Delete(key []byte) error {
	if err := e.writable(len(key)); err != nil {
		return err
	}
	if e.front != nil {
		if taken, err := e.front.remove(key); taken || err != nil {
			return err
		}
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
	if e.front != nil {
		e.front.cut(lo, hi)
	}
	return explain("write the state", e.db.dir, e.db.staged.DeleteRange(from, to, nil))
}

// BehindCache implements [store.Backing].
func (e *engine) BehindCache() {
	if e.front != nil && e.front.idle() {
		e.front = nil
	}
}

// spill takes what the front holds back to the batch, for scans.
func (e *engine) spill() error {
	if e.front == nil {
		return nil
	}
	rows, _ := e.front.waiting()
	if rows == 0 {
		return nil
	}
	if err := e.drain(e.db.staged); err != nil {
		return err
	}
	// A store that is scanned after every few writes is better off without.
	if e.spills++; rows >= worthwhile {
		e.spills = 0
	}
	if e.spills >= maxSpills {
		e.front = nil
	}
	return nil
}

const (
	// worthwhile is how many writes a front should gather between two scans.
	worthwhile = 16
	// maxSpills is how often in a row it may have fewer.
	maxSpills = 64
)

// drain writes what the front holds back into a batch, in the order of the keys.
func (e *engine) drain(b *pebble.Batch) error {
	return explain("write the state", e.db.dir, e.front.drain(
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

func (e *engine) Scan(lo, hi []byte, reverse bool, visit func(key, value []byte) bool) error {
	if err := e.db.usable(); err != nil {
		return err
	}
	if hi != nil && bytes.Compare(lo, hi) >= 0 {
		return nil // Pebble's iterators do not bear inverted bounds
	}
	if e.front != nil {
		if done, err := e.front.scan(lo, hi, reverse, visit); done || err != nil {
			return err
		}
		if err := e.spill(); err != nil {
			return err
		}
	}
	return e.scan(lo, hi, reverse, visit)
}

// each implements below for the front.
func (e *engine) each(lo, hi []byte, visit func(key, value []byte) bool) error {
	return e.scan(lo, hi, false, visit)
}

// scan visits what is staged in the batch and what is committed.
func (e *engine) scan(lo, hi []byte, reverse bool, visit func(key, value []byte) bool) (err error) {
	from, to := e.bounds(lo, hi)
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
