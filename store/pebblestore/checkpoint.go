package pebblestore

import (
	"fmt"

	"github.com/millrace/millrace/store"
)

// Checkpoint makes a copy of the committed state in dir, which must not exist, by
// hard links where the file system has them: it takes no space at first, and the
// time of a flush. The copy is a state like any other, at the position of the last
// commit before; staged writes are not in it. Where dir is on another volume the
// files are copied.
//
// Safe for concurrent use, also while the task commits. On error dir is removed.
func (d *DB) Checkpoint(dir string) (err error) {
	d.closing.RLock()
	defer d.closing.RUnlock()
	if d.closed {
		return fmt.Errorf("%s: %w", d.dir, store.ErrClosed)
	}
	defer func() { err = recovered(recover(), "copy the state", d.dir, err) }()
	// Pebble copies what is in tables; there is no log with the rest.
	if err := d.flush(); err != nil {
		return err
	}
	fs := d.options.FS
	if err := makeDir(fs, fs.PathDir(dir)); err != nil {
		return explain("copy the state", dir, err)
	}
	if err := d.db.Checkpoint(dir); err != nil {
		return explain("copy the state to "+dir, d.dir, err)
	}
	return d.health.check()
}
