package pebblestore

import (
	"fmt"

	"github.com/millrace/millrace/store"
)

// Flush implements [store.DB].
func (d *DB) Flush() error {
	d.closing.RLock()
	defer d.closing.RUnlock()
	if d.closed {
		return fmt.Errorf("%s: %w", d.dir, store.ErrClosed)
	}
	return d.flush()
}

// flush waits until all committed data is on the disk, or until something failed.
func (d *DB) flush() error {
	if err := d.health.check(); err != nil {
		return err
	}
	d.unflushed.Store(0)
	done, err := d.db.AsyncFlush()
	if err != nil {
		return explain("flush the state", d.dir, err)
	}
	return d.await(done)
}

// await waits for a flush. Pebble repeats one that fails without an end, so the
// first failure ends the wait.
func (d *DB) await(done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-d.health.failed:
		return d.health.check()
	}
}

// bound starts a flush when too much is in memory only. It waits for the one before,
// so that never more than twice the bound is at stake, and for compactions that
// cannot keep up.
func (d *DB) bound() error {
	if d.unflushed.Load() < d.brake.bytes {
		return nil
	}
	if d.flushing != nil {
		if err := d.await(d.flushing); err != nil {
			return err
		}
	}
	d.unflushed.Store(0)
	done, err := d.db.AsyncFlush()
	if err != nil {
		return explain("flush the state", d.dir, err)
	}
	d.flushing = done
	return d.keepPace()
}

// Size implements [store.DB].
func (d *DB) Size() int64 {
	d.closing.RLock()
	defer d.closing.RUnlock()
	if d.closed {
		return 0
	}
	return int64(d.db.Metrics().DiskSpaceUsage())
}
