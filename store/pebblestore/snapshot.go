package pebblestore

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"github.com/millrace/millrace/store"
)

// views are the open snapshots of a DB, which Pebble wants closed before it is.
type views struct {
	mu   sync.Mutex
	open map[*snapshot]struct{}
}

func (v *views) add(s *snapshot) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.open == nil {
		v.open = map[*snapshot]struct{}{}
	}
	v.open[s] = struct{}{}
}

func (v *views) remove(s *snapshot) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.open, s)
}

// closeAll ends what callers have left open; it waits for reads that are under way.
func (v *views) closeAll() {
	v.mu.Lock()
	left := slices.Collect(maps.Keys(v.open))
	v.mu.Unlock()
	for _, s := range left {
		_ = s.Close()
	}
}

// snapshot implements [store.Snapshot].
type snapshot struct {
	catalogue // as of the snapshot

	db *DB

	mu     sync.RWMutex // reads hold it, so that Close waits for them
	view   *pebble.Snapshot
	closed bool
}

var _ store.Snapshotter = (*DB)(nil)

// Snapshot implements [store.Snapshotter]. Closing the DB closes its snapshots and
// waits for scans that are under way.
func (d *DB) Snapshot() (store.Snapshot, error) {
	d.closing.RLock()
	defer d.closing.RUnlock()
	if err := d.usable(); err != nil {
		return nil, err
	}
	s := &snapshot{catalogue: newCatalogue(d.dir), db: d, view: d.db.NewSnapshot()}
	// Read from the view itself: the DB's own catalogue belongs to another goroutine,
	// and may be of a later commit.
	if err := s.read(s.view); err != nil {
		_ = s.view.Close()
		return nil, err
	}
	d.views.add(s)
	return s, nil
}

// Position implements [store.Snapshot].
func (s *snapshot) Position() store.Position { return maps.Clone(s.position) }

// Reader implements [store.Snapshot].
func (s *snapshot) Reader(name string) (store.Reader, error) {
	desc, ok := s.stores[name]
	if !ok {
		return nil, fmt.Errorf("store %q has no state in %s", name, s.dir)
	}
	return reader{s, desc.id}, nil
}

// Close implements [store.Snapshot].
func (s *snapshot) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	s.db.views.remove(s)
	return explain("close a snapshot", s.dir, s.view.Close())
}

// reader is one store of a snapshot.
type reader struct {
	*snapshot
	id uint16
}

// usable is called with the mutex held for reading.
func (r reader) usable() error {
	if r.closed {
		return fmt.Errorf("snapshot of %s: %w", r.dir, store.ErrClosed)
	}
	return r.db.health.check()
}

// Get implements [store.Reader]; the value is a copy.
func (r reader) Get(key []byte) (value []byte, ok bool, err error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if err := r.usable(); err != nil {
		return nil, false, err
	}
	value, closer, err := r.view.Get(append(prefixOf(r.id), key...))
	switch {
	case errors.Is(err, pebble.ErrNotFound):
		return nil, false, nil
	case err != nil:
		return nil, false, explain("read the state", r.dir, err)
	}
	return bytes.Clone(value), true, explain("read the state", r.dir, closer.Close())
}

// Scan implements [store.Reader].
func (r reader) Scan(lo, hi []byte, reverse bool, visit func(key, value []byte) bool) (err error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if err := r.usable(); err != nil {
		return err
	}
	from, to := append(prefixOf(r.id), lo...), prefixOf(r.id+1)
	if hi != nil {
		to = append(prefixOf(r.id), hi...)
	}
	if bytes.Compare(from, to) >= 0 {
		return nil
	}
	it, err := r.view.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: to})
	if err != nil {
		return explain("read the state", r.dir, err)
	}
	defer func() {
		if closing := it.Close(); err == nil {
			err = explain("read the state", r.dir, closing)
		}
	}()
	return explain("read the state", r.dir, walk(it, reverse, visit))
}
