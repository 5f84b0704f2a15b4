package streams

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams/internal/topo"
)

// ErrNotRunning says that the App does not run, and so has no state open.
var ErrNotRunning = errors.New("the application is not running")

// Snapshot copies the state of the tasks that are here now to dir, which must not
// exist: each task as of a commit, at its position in the changelogs. dir is then a
// Config.StateDir for another process of this application, which restores only what
// the changelogs got since. It belongs to no instance yet.
//
// On the filesystem of Config.StateDir the copy is made of hard links: it takes no
// space at first, and the time of one flush a task. Processing goes on meanwhile. A
// task that moves away before its turn is left out. On error nothing is left at dir.
func (a *App) Snapshot(dir string) error {
	a.mu.Lock()
	rt, phase := a.rt, a.phase
	a.mu.Unlock()
	if rt == nil || phase != StateRunning {
		return fmt.Errorf("state snapshot: %w", ErrNotRunning)
	}
	return rt.state.snapshot(dir)
}

func (s *state) snapshot(root string) error {
	s.mu.Lock()
	dbs := maps.Clone(s.inUse)
	s.mu.Unlock()
	return s.dir.Snapshot(root, func(dirOf func(topo.TaskID) string) error {
		for _, id := range slices.SortedFunc(maps.Keys(dbs), topo.TaskID.Compare) {
			err := dbs[id].Checkpoint(dirOf(id))
			if err != nil && !errors.Is(err, store.ErrClosed) {
				return fmt.Errorf("state snapshot: task %s: %w", id, err)
			}
		}
		return nil
	})
}
