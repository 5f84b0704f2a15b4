package pebblestore

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"

	"github.com/millrace/millrace/store"
)

// maxStaged keeps a batch below the size at which Pebble gives up.
const maxStaged = 1 << 30

// DB is the state of one task on disk. It implements [store.DB].
type DB struct {
	catalogue // as of the last commit

	options Options
	shared  *Shared
	own     bool // shared was made for this DB alone
	db      *pebble.DB
	health  *health
	files   *ledger

	// closing lets Flush and Size, which any goroutine may call, end before the
	// files go.
	closing sync.RWMutex
	closed  bool

	engines map[string]*engine
	ordered []*engine // by the numbers that their keys begin with

	staged *pebble.Batch    // indexed: reads look through it
	cursor *pebble.Iterator // over staged and db, kept from scan to scan; may be nil
	inUse  bool             // the cursor is lent to a scan
	lent   io.Closer        // holds the value that the last Get returned

	unflushed atomic.Int64    // bytes committed since the last flush began
	flushing  <-chan struct{} // closed when the last background flush is done; may be nil
	brake     brake
	stalls    atomic.Int64 // commits that had to wait

	scheduler *scheduler
	loading   *Load // at most one at a time; may be nil
	views     views
}

var _ store.DB = (*DB)(nil)

// Open opens the state in dir, which is made if need be. Errors name the directory
// and the remedy; their kinds are those of package store.
func Open(dir string, o Options) (*DB, error) {
	o = o.withDefaults()
	if err := makeDir(o.FS, dir); err != nil {
		return nil, explain("open the state", dir, err)
	}
	d := &DB{
		catalogue: newCatalogue(dir), options: o, shared: o.Shared, own: o.Shared == nil,
		health: newHealth(o.FS, dir, o.Logger), files: newLedger(o.FS), engines: map[string]*engine{},
	}
	if d.own {
		d.shared = NewShared(DefaultMemoryBudget)
	}
	if err := d.open(); err != nil {
		d.files.closeAll()
		d.leave(DBMetrics{})
		return nil, err
	}
	d.shared.enter(d)
	return d, nil
}

func (d *DB) open() (err error) {
	// Pebble panics at some faults of the disk, and what it reads may be damaged;
	// neither must end the process.
	defer func() { err = recovered(recover(), "open the state", d.dir, err) }()
	if err = inspect(d.options.FS, d.dir); err != nil {
		return err
	}
	// A compaction that runs while Pebble fails to open would go on over what is
	// closed then, and end the process.
	d.scheduler = d.shared.compactions.forDB()
	d.scheduler.held = true
	d.brake = newBrake(d.options.MaxUnflushedBytes, d.shared.memTableSize())
	d.db, err = pebble.Open(d.dir, d.pebbleOptions())
	if failed := d.health.check(); failed != nil {
		if err == nil {
			d.abandon() // Pebble was not told
		}
		return failed
	}
	if err != nil {
		return explain("open the state", d.dir, damaged(err))
	}
	err = explain("open the state", d.dir, d.verify())
	if err == nil {
		err = d.loadMeta()
	}
	if err != nil {
		d.abandon()
		return err
	}
	d.staged = d.db.NewIndexedBatch()
	d.scheduler.hold(false)
	return nil
}

// abandon closes a DB that was opened in vain. Another error says why.
func (d *DB) abandon() {
	close(d.health.closing)
	_ = d.shut()
}

// leave gives back what the DB has of the shared caches.
func (d *DB) leave(events DBMetrics) {
	d.shared.leave(d, events)
	if d.own {
		_ = d.shared.Close()
	}
}

// usable says why the DB cannot be used, if it cannot.
func (d *DB) usable() error {
	if d.closed {
		return fmt.Errorf("%s: %w", d.dir, store.ErrClosed)
	}
	return d.health.check()
}

// writable says why nothing can be committed, if so.
func (d *DB) writable() error {
	if d.loading != nil {
		return fmt.Errorf("commit the state of %s: it is being loaded; close the Load before", d.dir)
	}
	return d.usable()
}

// Engine implements [store.DB].
func (d *DB) Engine(spec store.Spec) (store.Engine, error) {
	if err := d.usable(); err != nil {
		return nil, err
	}
	if err := spec.Validate(); err != nil {
		return nil, err
	}
	id, err := d.number(spec)
	if err != nil {
		return nil, err
	}
	e, ok := d.engines[spec.Name]
	if !ok {
		e = newEngine(d, id, spec)
		d.engines[spec.Name] = e
		d.ordered = slices.SortedFunc(maps.Values(d.engines), func(a, b *engine) int { return bytes.Compare(a.lo, b.lo) })
	}
	return e, nil
}

// Position implements [store.DB].
func (d *DB) Position() store.Position { return maps.Clone(d.position) }

// StagedBytes implements [store.DB].
func (d *DB) StagedBytes() int {
	if d.closed || d.staged == nil {
		return 0
	}
	size := 0
	if !d.staged.Empty() {
		size = d.staged.Len()
	}
	for _, e := range d.ordered {
		if e.front != nil {
			_, bytes := e.front.waiting()
			size += int(bytes)
		}
	}
	return size
}

// Commit implements [store.DB].
func (d *DB) Commit(pos store.Position) error {
	if err := d.writable(); err != nil {
		return err
	}
	if err := d.letGo(); err != nil {
		return err
	}
	b := d.staged
	if b.Empty() {
		// What only fronts hold needs no index: it comes in the order of its keys.
		b = d.db.NewBatch()
		defer b.Close()
	}
	for _, e := range d.ordered {
		if e.front == nil {
			continue
		}
		if err := e.drain(b); err != nil {
			return err
		}
		e.front.sweep(d.shared.overlaySize())
	}
	if err := d.write(b, pos); err != nil {
		return err
	}
	if b == d.staged {
		_ = d.staged.Close() // gives the batch back to a pool; it cannot fail here
		d.staged = d.db.NewIndexedBatch()
	}
	return d.bound()
}

// write applies a batch with the position in it.
func (d *DB) write(b *pebble.Batch, pos store.Position) error {
	var offset [8]byte
	for topic, next := range pos {
		binary.BigEndian.PutUint64(offset[:], uint64(next))
		if err := b.Set(metaKey(metaPosition, topic), offset[:], nil); err != nil {
			return explain("stage the position", d.dir, err)
		}
	}
	size := int64(b.Len())
	if b.Empty() {
		return nil
	}
	if err := b.Commit(pebble.NoSync); err != nil {
		return explain("commit the state", d.dir, err)
	}
	if err := d.health.check(); err != nil {
		return err
	}
	maps.Copy(d.position, pos)
	d.unflushed.Add(size)
	return nil
}

// Rollback implements [store.DB].
func (d *DB) Rollback() {
	if d.StagedBytes() == 0 {
		return
	}
	_ = d.letGo() // a read that failed has said so
	d.forget()
	_ = d.staged.Close()
	d.staged = d.db.NewIndexedBatch()
}

// forget drops what the fronts know, because what is below has changed.
func (d *DB) forget() {
	for _, e := range d.ordered {
		if e.front != nil {
			e.front.forget()
		}
	}
}

// Apply implements [store.DB]. It refuses to run while writes are staged.
func (d *DB) Apply(name string, muts []store.Mutation, pos store.Position) error {
	if err := d.writable(); err != nil {
		return err
	}
	e, ok := d.engines[name]
	if !ok {
		return fmt.Errorf("store %q: open its engine before restoring it", name)
	}
	if d.StagedBytes() > 0 {
		return fmt.Errorf("store %q: commit or roll back what is staged before restoring", name)
	}
	if e.front != nil {
		e.front.forget()
	}
	if err := d.letGo(); err != nil {
		return err
	}
	b := d.db.NewBatch()
	defer b.Close()
	for _, m := range muts {
		if err := e.mutate(b, m); err != nil {
			return explain("restore the state", d.dir, err)
		}
	}
	if err := d.write(b, pos); err != nil {
		return err
	}
	return d.bound()
}

// letGo ends the loan of the last value and drops the cursor, which would show the
// state before a commit and hold on to its memory.
func (d *DB) letGo() error {
	d.takeBack()
	if d.cursor == nil || d.inUse {
		return nil
	}
	err := d.cursor.Close()
	d.cursor = nil
	return explain("read the state", d.dir, err)
}

// takeBack ends the loan of the value that the last Get returned.
func (d *DB) takeBack() {
	if d.lent != nil {
		_ = d.lent.Close() // an error of the read was returned by Get
		d.lent = nil
	}
}

// Close implements [store.DB].
func (d *DB) Close() error {
	d.Rollback()
	if d.loading != nil {
		d.loading.abandon()
	}
	d.closing.Lock()
	defer d.closing.Unlock()
	if d.closed {
		return nil
	}
	d.views.closeAll()
	d.takeBack()
	err := d.letGo()
	_ = d.staged.Close()
	if flushing := d.flush(); err == nil {
		err = flushing
	}
	d.closed = true
	close(d.health.closing)
	events := d.events()
	if closing := d.shut(); err == nil {
		err = closing
	}
	d.leave(events)
	return err
}

// shut closes Pebble, which checks itself at the end and panics if a failure before
// left it in disorder. All that matters is on the disk by then, or reported.
func (d *DB) shut() (err error) {
	defer d.files.closeAll()
	defer func() { err = recovered(recover(), "close the state", d.dir, err) }()
	return explain("close the state", d.dir, d.db.Close())
}
