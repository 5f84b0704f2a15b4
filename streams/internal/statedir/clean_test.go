package statedir

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams/internal/topo"
)

// state makes the state of a task, last used so long ago.
func state(t *testing.T, d *Dir, id topo.TaskID, ago time.Duration) {
	t.Helper()
	require.NoError(t, os.MkdirAll(d.TaskDir(id), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(d.TaskDir(id), "000001.sst"), []byte(id.String()), 0o600))
	then := time.Now().Add(-ago)
	require.NoError(t, os.Chtimes(d.TaskDir(id), then, then))
}

// TestClean removes what is old, unused and not asked for.
func TestClean(t *testing.T) {
	t.Parallel()
	d := open(t, t.TempDir())
	owned, kept, young, old := task(0, 0), task(0, 1), task(0, 2), task(0, 3)
	for _, id := range []topo.TaskID{owned, kept, old} {
		state(t, d, id, time.Hour)
	}
	state(t, d, young, time.Minute)
	require.NoError(t, os.MkdirAll(d.TaskDir(task(7, 7))+removedSuffix, 0o700), "of a crash")
	require.NoError(t, os.MkdirAll(filepath.Join(d.Path(), "other"+removedSuffix), 0o700), "not ours")
	release, err := d.Claim(t.Context(), owned)
	require.NoError(t, err)

	clean := func(delay time.Duration) []topo.TaskID {
		removed, err := d.Clean(delay, func(id topo.TaskID) bool { return id == kept })
		require.NoError(t, err)
		return removed
	}
	require.Equal(t, []topo.TaskID{old}, clean(10*time.Minute))
	require.NoDirExists(t, d.TaskDir(old))
	require.NoDirExists(t, d.TaskDir(task(7, 7))+removedSuffix)
	require.DirExists(t, filepath.Join(d.Path(), "other"+removedSuffix))
	require.Empty(t, clean(10*time.Minute))

	require.NoError(t, d.Touch(owned))
	require.NoError(t, d.Touch(task(9, 9)), "which has no state")
	release()
	require.Equal(t, []topo.TaskID{young}, clean(30*time.Second), "the other was in use a moment ago")
	require.Equal(t, []topo.TaskID{owned}, clean(0))
	left, err := d.Tasks()
	require.NoError(t, err)
	require.Equal(t, []topo.TaskID{kept}, left)
}

// TestQuarantine sets aside, keeps the newest, and does not show them as tasks.
func TestQuarantine(t *testing.T) {
	t.Parallel()
	d := open(t, t.TempDir())
	var paths []string
	for i := range int32(maxQuarantined + 2) {
		id := task(0, i%2)
		state(t, d, id, 0)
		path, err := d.Quarantine(id, "a checksum was wrong")
		require.NoError(t, err)
		paths = append(paths, path)
		require.NoDirExists(t, d.TaskDir(id))
		reason, err := os.ReadFile(filepath.Join(path, reasonName))
		require.NoError(t, err)
		require.Equal(t, "a checksum was wrong\n", string(reason))
		require.FileExists(t, filepath.Join(path, "000001.sst"))
	}
	left, err := d.Quarantined()
	require.NoError(t, err)
	require.Equal(t, paths[2:], left)
	tasks, err := d.Tasks()
	require.NoError(t, err)
	require.Empty(t, tasks)
	_, err = d.Quarantine(task(0, 0), "")
	require.ErrorContains(t, err, "task 0_0")
}
