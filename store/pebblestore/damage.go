package pebblestore

import (
	"errors"
	"fmt"
	iofs "io/fs"
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
	tables, manifest := 0, false
	for _, name := range names {
		switch {
		case name == damageName:
			return corrupt(dir, "damage was found in it before")
		case strings.HasSuffix(name, ".sst"):
			tables++
		case strings.HasPrefix(name, "marker.manifest."):
			manifest = true
		}
	}
	if tables > 0 && !manifest {
		return corrupt(dir, fmt.Sprintf("it has %d tables, but nothing that lists them", tables))
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
