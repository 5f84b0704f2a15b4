package pebblestore_test

import (
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store/pebblestore"
)

// A real disk that fills up: a tmpfs of 8 MiB. It takes root, and is asked for by
// MILLRACE_MOUNT=1.
func TestRealFullDisk(t *testing.T) {
	if os.Getenv("MILLRACE_MOUNT") == "" {
		t.Skip("it mounts a tmpfs: set MILLRACE_MOUNT=1, as root")
	}
	dir := t.TempDir()
	require.NoError(t, exec.CommandContext(t.Context(), "mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", dir).Run())
	t.Cleanup(func() { require.NoError(t, exec.Command("umount", "-l", dir).Run()) })
	db, e := open(t, dir+"/0_0", pebblestore.Options{MaxUnflushedBytes: 64 << 10})
	var err error
	for i := 0; err == nil && i < 1000; i++ {
		err = fillFrom(db, e, i*10_000, 10_000)
	}
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.ErrorContains(t, err, "of 8 MiB are free")
	require.ErrorContains(t, err, dir)
	require.Error(t, db.Close())
	_, err = pebblestore.Open(dir+"/0_0", pebblestore.Options{})
	require.ErrorIs(t, err, syscall.ENOSPC, "opening needs some space, too")

	require.NoError(t, exec.CommandContext(t.Context(), "mount", "-o", "remount,size=64m", dir).Run())
	after, e := open(t, dir+"/0_0", pebblestore.Options{})
	require.Equal(t, int(after.Position()["t"])+1, len(contents(t, e)))
	require.NoError(t, after.Close())
}
