package statedir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/millrace/millrace/streams/internal/topo"
)

// removedSuffix marks a state that is being removed: a crash in the middle must not
// leave a half of it under a task's name.
const removedSuffix = ".removed"

// Clean removes the state of tasks that nobody in this process has, that keep does not
// ask for, and that was last in use longer ago than delay: a task that moves away
// often comes back. It returns what it removed, also with an error. It may run beside
// everything else.
func (d *Dir) Clean(delay time.Duration, keep func(topo.TaskID) bool) (removed []topo.TaskID, err error) {
	if err := d.sweep(); err != nil {
		return nil, err
	}
	ids, err := d.Tasks()
	for _, id := range ids {
		if keep != nil && keep(id) {
			continue
		}
		ok, failed := d.cleanTask(id, delay)
		if ok {
			removed = append(removed, id)
		}
		err = errors.Join(err, failed)
	}
	return removed, err
}

// cleanTask removes one state, unless somebody has it or wants it.
func (d *Dir) cleanTask(id topo.TaskID, delay time.Duration) (bool, error) {
	release, ok := d.tryClaim(id)
	if !ok {
		return false, nil
	}
	defer release()
	path := d.TaskDir(id)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("cleaning the state of task %s: %w", id, err)
	}
	if time.Since(info.ModTime()) < delay {
		return false, nil
	}
	if err := os.Rename(path, path+removedSuffix); err != nil {
		return false, fmt.Errorf("cleaning the state of task %s: %w", id, err)
	}
	d.log.Info("removed the state of a task that is not here any more", "task", id.String(), "last used", info.ModTime())
	return true, os.RemoveAll(path + removedSuffix)
}

// Touch notes that a task's state was in use until now. Who releases a task calls it,
// so that Clean counts from there.
func (d *Dir) Touch(id topo.TaskID) error {
	now := time.Now()
	err := os.Chtimes(d.TaskDir(id), now, now)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // a task without state
	}
	return err
}

// sweep removes what a crash left half removed.
func (d *Dir) sweep() error {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return fmt.Errorf("state directory: %w", err)
	}
	for _, e := range entries {
		if task, ok := strings.CutSuffix(e.Name(), removedSuffix); ok {
			if _, parsing := topo.ParseTaskID(task); parsing == nil {
				err = errors.Join(err, os.RemoveAll(filepath.Join(d.path, e.Name())))
			}
		}
	}
	return err
}
