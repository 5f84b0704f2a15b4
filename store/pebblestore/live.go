package pebblestore

import (
	"bytes"
	"errors"

	"github.com/cockroachdb/pebble/v2"

	"github.com/millrace/millrace/store"
)

var _ store.Follower = (*DB)(nil)

// Follow implements [store.Follower]. Readers read past what is staged, so that they
// need no lock; Pebble's own reads are safe for concurrent use.
func (d *DB) Follow(spec store.Spec) (func() store.Reader, error) {
	if _, err := d.Engine(spec); err != nil {
		return nil, err
	}
	id, err := d.number(spec)
	if err != nil {
		return nil, err
	}
	return func() store.Reader {
		return &live{db: d, value: []byte{}, key: prefixOf(id), lo: prefixOf(id), hi: prefixOf(id), end: prefixOf(id + 1)}
	}, nil
}

// live reads one store as it is committed, for one goroutine at a time.
type live struct {
	db          *DB
	key, lo, hi []byte // scratch; each begins with the store's number
	end         []byte
	value       []byte // that the last Get returned
}

// Get implements [store.Reader]. The value is copied: lent by Pebble, it would hold on
// to old files for as long as the reader rests.
func (r *live) Get(key []byte) (value []byte, ok bool, err error) {
	if err := r.db.health.check(); err != nil {
		return nil, false, err
	}
	r.key = append(r.key[:prefixSize], key...)
	value, closer, err := r.db.db.Get(r.key)
	switch {
	case errors.Is(err, pebble.ErrNotFound):
		return nil, false, nil
	case err != nil:
		return nil, false, explain("read the state", r.db.dir, err)
	}
	r.value = append(r.value[:0], value...)
	return r.value, true, explain("read the state", r.db.dir, closer.Close())
}

// Scan implements [store.Reader]: the state as of the call.
func (r *live) Scan(lo, hi []byte, reverse bool, visit func(key, value []byte) bool) (err error) {
	if err := r.db.health.check(); err != nil {
		return err
	}
	r.lo = append(r.lo[:prefixSize], lo...)
	to := r.end
	if hi != nil {
		r.hi = append(r.hi[:prefixSize], hi...)
		to = r.hi
	}
	if bytes.Compare(r.lo, to) >= 0 {
		return nil
	}
	it, err := r.db.db.NewIter(&pebble.IterOptions{LowerBound: r.lo, UpperBound: to})
	if err != nil {
		return explain("read the state", r.db.dir, err)
	}
	defer func() {
		if closing := it.Close(); err == nil {
			err = explain("read the state", r.db.dir, closing)
		}
	}()
	return explain("read the state", r.db.dir, walk(it, reverse, visit))
}
