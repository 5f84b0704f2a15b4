package statedir

import (
	"errors"
	"fmt"
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
	return d.setAside(d.TaskDir(id), "task "+id.String(), reason)
}

// setAside is Quarantine for any state of the directory.
func (d *Dir) setAside(from, what, reason string) (path string, err error) {
	stamp, err := d.unusedStamp(time.Now().UTC().Format("20060102T150405.000Z"))
	if err != nil {
		return "", err
	}
	path = from + corruptInfix + stamp
	if err := os.Rename(from, path); err != nil {
		return "", fmt.Errorf("setting the damaged state of %s aside: %w; remove %s by hand", what, err, from)
	}
	if err := errors.Join(syncFolder(d.path), d.dropQuarantined()); err != nil {
		d.log.Warn("old damaged state could not be removed", "path", d.path, "err", err)
	}
	// A note for people: on a full or broken disk it may be missing.
	_ = os.WriteFile(filepath.Join(path, reasonName), []byte(reason+"\n"), fileMode)
	return path, nil
}

// unusedStamp finds a time stamp that nothing set aside has: two quarantines, also of two
// tasks, may fall into one moment, and which is older must still be told by the name.
func (d *Dir) unusedStamp(moment string) (string, error) {
	paths, err := d.Quarantined()
	if err != nil {
		return "", err
	}
	for n := range 1000 {
		stamp := moment
		if n > 0 {
			stamp = fmt.Sprintf("%s.%03d", moment, n)
		}
		if !slices.ContainsFunc(paths, func(p string) bool { return strings.HasSuffix(p, corruptInfix+stamp) }) {
			return stamp, nil
		}
	}
	return "", fmt.Errorf("no name is left for damaged state in %s; remove some of what lies there", d.path)
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
			if _, err := topo.ParseTaskID(task); err == nil || task == globalName {
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
