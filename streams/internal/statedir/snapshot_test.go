package statedir

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams/internal/topo"
)

// A snapshot opens as this application's, of any instance, with a process id of its
// own and the tasks that were copied.
func TestSnapshotIsAStateDirectory(t *testing.T) {
	t.Parallel()
	o := Options{Dir: t.TempDir(), ApplicationID: "app", InstanceID: "pod-0"}
	d, err := Open(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	require.NoError(t, d.BindCluster("cluster-a"))
	require.NoError(t, d.SetMemo([]byte("of this member only")))
	root := filepath.Join(t.TempDir(), "deep", "copy")
	id := task(1, 2)
	require.NoError(t, d.Snapshot(root, func(dirOf func(topo.TaskID) string) error {
		_, err := os.Stat(root)
		require.ErrorIs(t, err, os.ErrNotExist, "nothing is there before all of it is")
		return os.Mkdir(dirOf(id), dirMode)
	}))

	copied, err := Open(t.Context(), Options{Dir: root, ApplicationID: "app", InstanceID: "pod-7"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, copied.Close()) })
	tasks, err := copied.Tasks()
	require.NoError(t, err)
	require.Equal(t, []topo.TaskID{id}, tasks)
	require.NotEqual(t, d.ProcessID(), copied.ProcessID())
	require.Nil(t, copied.Memo())
	require.NoError(t, copied.BindCluster("cluster-a"))
	var foreign *ForeignError
	require.ErrorAs(t, copied.BindCluster("cluster-b"), &foreign)
	known, err := d.readIdentity()
	require.NoError(t, err)
	require.Equal(t, "pod-0", known.InstanceID, "the original stays as it is")
}

func TestSnapshotLeavesNoHalves(t *testing.T) {
	t.Parallel()
	d := open(t, t.TempDir())
	parent := t.TempDir()
	root, full := filepath.Join(parent, "copy"), errors.New("the disk is full")
	require.NoError(t, os.MkdirAll(filepath.Join(root+incompleteSuffix, "left by a crash"), dirMode))
	require.ErrorIs(t, d.Snapshot(root, func(func(topo.TaskID) string) error { return full }), full)
	entries, err := os.ReadDir(parent)
	require.NoError(t, err)
	require.Empty(t, entries)

	require.NoError(t, d.Snapshot(root, func(func(topo.TaskID) string) error { return nil }))
	err = d.Snapshot(root, func(func(topo.TaskID) string) error { return nil })
	require.ErrorContains(t, err, "exists already")
	require.DirExists(t, root)
}
