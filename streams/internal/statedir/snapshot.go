package statedir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/millrace/millrace/streams/internal/topo"
)

// incompleteSuffix marks a snapshot that is being made: what a crash leaves behind
// must not be taken for one.
const incompleteSuffix = ".incomplete"

// Snapshot makes a state directory at root, which must not exist, for another process
// to begin with. copy fills it in: it makes the directory of a task by its path. The
// snapshot belongs to this application and cluster, but to no instance yet, and gets
// a process id of its own when it is opened: two processes may go on from one state.
//
// On error nothing is left at root. Safe for concurrent use, with different roots.
func (d *Dir) Snapshot(root string, copy func(dirOf func(topo.TaskID) string) error) error {
	root, err := filepath.Abs(root)
	if err != nil {
		return fmt.Errorf("state snapshot: %w", err)
	}
	if _, err := os.Lstat(root); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(fmt.Errorf("state snapshot: %s exists already; remove it or choose another place", root), err)
	}
	making := root + incompleteSuffix
	if err := os.RemoveAll(making); err != nil {
		return unwritable(making, err)
	}
	if err := d.fill(filepath.Join(making, filepath.Base(d.path)), copy); err != nil {
		return errors.Join(err, os.RemoveAll(making))
	}
	if err := os.Rename(making, root); err != nil {
		return errors.Join(unwritable(root, err), os.RemoveAll(making))
	}
	return syncFolder(filepath.Dir(root))
}

// fill makes the application's folder of a snapshot.
func (d *Dir) fill(folder string, copy func(func(topo.TaskID) string) error) error {
	if err := os.MkdirAll(folder, dirMode); err != nil {
		return unwritable(folder, err)
	}
	known, err := d.readIdentity()
	if err != nil {
		return err
	}
	known.InstanceID = ""
	if err := (&Dir{path: folder}).writeIdentity(known); err != nil {
		return err
	}
	if err := copy(func(id topo.TaskID) string { return filepath.Join(folder, id.String()) }); err != nil {
		return err
	}
	if err := syncFolder(folder); err != nil {
		return unwritable(folder, err)
	}
	return syncFolder(filepath.Dir(folder))
}
