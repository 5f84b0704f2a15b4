package memstore

import (
	"fmt"
	"maps"
	"sync"
	"sync/atomic"

	"github.com/millrace/millrace/store"
)

// DB is the state of one task in memory. It implements [store.DB] and
// [store.Snapshotter].
type DB struct {
	// mu is held by whatever changes the DB, and by the making of a snapshot. The
	// task's own goroutine reads without it: nobody else writes.
	mu       sync.Mutex
	last     *snapshotData // of the last commit, once somebody asked
	engines  map[string]*engine
	position store.Position
	staged   journal
	size     atomic.Int64 // committed bytes, as of the last commit
	closed   bool
}

var _ store.DB = (*DB)(nil)

// New returns an empty DB.
func New() *DB {
	return &DB{engines: map[string]*engine{}, position: store.Position{}}
}

// Engine implements [store.DB].
func (d *DB) Engine(spec store.Spec) (store.Engine, error) {
	if d.closed {
		return nil, store.ErrClosed
	}
	if e, ok := d.engines[spec.Name]; ok {
		return e, e.fits(spec)
	}
	if err := spec.Validate(); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last = nil
	e := &engine{db: d, spec: spec, list: newList()}
	d.engines[spec.Name] = e
	return e, nil
}

// fits refuses a second declaration whose keys would mean something else.
func (e *engine) fits(spec store.Spec) error {
	if spec.Kind == e.spec.Kind && spec.Timestamped == e.spec.Timestamped {
		return nil
	}
	return fmt.Errorf("%w: store %q is a %v store already, not a %v store", store.ErrLayout, spec.Name, e.spec.Kind, spec.Kind)
}

// Position implements [store.DB].
func (d *DB) Position() store.Position { return maps.Clone(d.position) }

// Commit implements [store.DB].
func (d *DB) Commit(pos store.Position) error {
	if d.closed {
		return store.ErrClosed
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.staged.forget()
	d.settle(pos)
	return nil
}

// settle takes over a position and measures what is there.
func (d *DB) settle(pos store.Position) {
	d.last = nil
	maps.Copy(d.position, pos)
	total := 0
	for _, e := range d.engines {
		total += e.list.bytes
	}
	d.size.Store(int64(total))
}

// Rollback implements [store.DB].
func (d *DB) Rollback() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.staged.replay()
}

// StagedBytes implements [store.DB].
func (d *DB) StagedBytes() int { return d.staged.bytes + len(d.staged.arena) }

// Apply implements [store.DB]. It refuses to run while writes are staged, which
// it could not tell from its own.
func (d *DB) Apply(name string, muts []store.Mutation, pos store.Position) error {
	e, ok := d.engines[name]
	switch {
	case d.closed:
		return store.ErrClosed
	case !ok:
		return fmt.Errorf("store %q: open its engine before restoring it", name)
	case len(d.staged.entries) > 0:
		return fmt.Errorf("store %q: commit or roll back what is staged before restoring", name)
	}
	for _, m := range muts {
		if err := e.write(m); err != nil {
			return err
		}
	}
	return d.Commit(pos)
}

func (e *engine) write(m store.Mutation) error {
	if m.Value == nil {
		return e.Delete(m.Key)
	}
	return e.Put(m.Key, m.Value)
}

// Flush implements [store.DB]; memory has nothing to flush.
func (d *DB) Flush() error { return nil }

// Size implements [store.DB]: the bytes of committed keys and values.
func (d *DB) Size() int64 { return d.size.Load() }

// Close implements [store.DB]. The state is gone.
func (d *DB) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.closed {
		d.staged.replay()
		d.closed, d.last = true, nil
		d.engines = map[string]*engine{}
	}
	return nil
}
