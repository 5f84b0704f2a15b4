package pebblestore

import (
	"errors"
	iofs "io/fs"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// makeDir makes a directory with its parents, for the owner alone, and makes each
// new entry durable in its parent: Pebble syncs what is inside its directory, but
// not the way to it, and a crash could lose the whole.
func makeDir(fs vfs.FS, dir string) error {
	parent := fs.PathDir(dir)
	_, err := fs.Stat(dir)
	if err == nil || !errors.Is(err, iofs.ErrNotExist) {
		return err
	}
	if parent != dir && parent != "." {
		if err := makeDir(fs, parent); err != nil {
			return err
		}
	}
	if err := fs.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return syncDir(fs, parent)
}

func syncDir(fs vfs.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if closing := d.Close(); err == nil {
		err = closing
	}
	return err
}
