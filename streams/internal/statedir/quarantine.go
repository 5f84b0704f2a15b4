package statedir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/millrace/millrace/streams/internal/topo"
)

const (
	// maxQuarantined is how many damaged states are kept, over all tasks, for whoever
	// wants to find out what happened.
	maxQuarantined = 3

	corruptInfix = ".corrupt-"
	reasonName   = "REASON"
)

// Quarantine sets the state of a task aside, so that it is restored from its
// changelogs, and returns where it is now. Of what was set aside before only the
// newest stay. The caller has claimed the task and closed its state. reason goes into
// a file beside it.
func (d *Dir) Quarantine(id topo.TaskID, reason string) (path string, err error) {
	from := d.TaskDir(id)
	path, err = d.unused(from + corruptInfix + time.Now().UTC().Format("20060102T150405.000Z"))
	if err != nil {
		return "", err
	}
	if err := os.Rename(from, path); err != nil {
		return "", fmt.Errorf("setting the damaged state of task %s aside: %w; remove %s by hand", id, err, from)
	}
	if err := errors.Join(syncFolder(d.path), d.dropQuarantined()); err != nil {
		d.log.Warn("old damaged state could not be removed", "path", d.path, "err", err)
	}
	// A note for people: on a full or broken disk it may be missing.
	_ = os.WriteFile(filepath.Join(path, reasonName), []byte(reason+"\n"), fileMode)
	return path, nil
}

// unused finds a name that nothing has: two quarantines may fall into one moment.
func (d *Dir) unused(path string) (string, error) {
	for n := 0; n < 1000; n++ {
		name := path
		if n > 0 {
			name = fmt.Sprintf("%s.%03d", path, n)
		}
		if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) {
			return name, nil
		}
	}
	return "", fmt.Errorf("no name is left beside %s; remove some of them", path)
}

// Quarantined lists what was set aside, the oldest first.
func (d *Dir) Quarantined() ([]string, error) {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	var names []string
	for _, e := range entries {
		if task, _, ok := strings.Cut(e.Name(), corruptInfix); ok && e.IsDir() {
			if _, err := topo.ParseTaskID(task); err == nil {
				names = append(names, e.Name())
			}
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		_, x, _ := strings.Cut(a, corruptInfix)
		_, y, _ := strings.Cut(b, corruptInfix)
		return strings.Compare(x, y)
	})
	for i, name := range names {
		names[i] = filepath.Join(d.path, name)
	}
	return names, nil
}

// dropQuarantined removes all but the newest.
func (d *Dir) dropQuarantined() error {
	paths, err := d.Quarantined()
	for len(paths) > maxQuarantined {
		err = errors.Join(err, os.RemoveAll(paths[0]))
		paths = paths[1:]
	}
	return err
}
