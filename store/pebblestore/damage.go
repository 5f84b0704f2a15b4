package pebblestore

import (
	"errors"
	"fmt"
	iofs "io/fs"
	"slices"
	"strings"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millrace/millrace/store"
)

// damageName is the file that says that damage was found. Damage in a table shows
// when its block is read, maybe hours after opening; without the file a restarted
// task would open the same state again and run into it again.
const damageName = "DAMAGED"

// inspect refuses a directory that Pebble would take for an empty one, or that was
// found damaged before.
func inspect(fs vfs.FS, dir string) error {
	names, err := fs.List(dir)
	if err != nil {
		return explain("open the state", dir, err)
	}
	has := func(prefix, suffix string) bool {
		return slices.ContainsFunc(names, func(name string) bool {
			return strings.HasPrefix(name, prefix) && strings.HasSuffix(name, suffix)
		})
	}
	switch {
	case has(damageName, ""):
		return corrupt(dir, "damage was found in it before")
	case !has("", ".sst"):
		return nil // nothing is lost, whatever else is missing
	case !has("marker.manifest.", ""):
		return corrupt(dir, "it has tables, but nothing that lists them")
	case !has("marker.format-version.", ""):
		// Pebble would take the tables for very old ones and rewrite them while it
		// opens; should that fail, it ends with the rewriting still under way.
		return corrupt(dir, "it has tables, but no version")
	}
	return nil
}

// verify finds what no checksum covers: a list of tables that was cut off behind one
// of its records. The rest may say which tables there are, but not how far their
// sequence numbers reach. Pebble then starts to count anew, at first does not see
// what the tables hold, and later takes it for newer than what was written since.
func (d *DB) verify() error {
	levels, err := d.db.SSTables()
	if err != nil {
		return err
	}
	b := d.db.NewBatch()
	defer b.Close()
	if err := b.LogData(nil, nil); err != nil { // writes nothing, but gets a number
		return err
	}
	if err := b.Commit(pebble.NoSync); err != nil {
		return err
	}
	for _, tables := range levels {
		for _, t := range tables {
			if t.LargestSeqNum >= b.SeqNum() {
				return fmt.Errorf("%w: the list of tables was cut off", pebble.ErrCorruption)
			}
		}
	}
	return nil
}

func corrupt(dir, why string) error {
	return fmt.Errorf("open the state in %s: %w: %s; set the directory aside and let the state be rebuilt from the changelog", dir, store.ErrCorrupt, why)
}

// damaged tells what was wrong with the files from what was wrong with the system:
// an error of opening that no system call returned, or that misses a file, is about
// what the files say.
func damaged(err error) error {
	var call syscall.Errno
	switch {
	case errors.Is(err, iofs.ErrNotExist):
	case errors.As(err, &call), vfs.IsNoSpaceError(err), errors.Is(err, iofs.ErrPermission),
		strings.Contains(err.Error(), "lock held"), strings.Contains(err.Error(), "format major version"):
		return err
	}
	return fmt.Errorf("%w: %w", pebble.ErrCorruption, err)
}

// mark leaves word of damage for the next who opens the directory. An error is not
// reported: the damage itself is.
func mark(fs vfs.FS, dir string) {
	f, err := fs.Create(fs.PathJoin(dir, damageName), vfs.WriteCategoryUnspecified)
	if err != nil {
		return
	}
	_ = f.Sync()
	_ = f.Close()
	_ = syncDir(fs, dir)
}
