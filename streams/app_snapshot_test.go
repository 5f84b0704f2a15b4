package streams_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store/pebblestore"
	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/serde"
)

// copyAt copies the state until a copy has so many changelog records: which commit
// it catches is a matter of moments.
func copyAt(t *testing.T, app *running, records int64) (dir string) {
	t.Helper()
	app.wait("a copy of all that was counted", func(streams.Status) bool {
		dir = filepath.Join(t.TempDir(), "copy")
		require.NoError(t, app.Snapshot(dir))
		return positions(t, dir) == records
	})
	return dir
}

// positions is how many records of changelogs a state directory has seen.
func positions(t *testing.T, dir string) (sum int64) {
	t.Helper()
	tasks, err := filepath.Glob(filepath.Join(dir, "wc", "1_*"))
	require.NoError(t, err)
	for _, task := range tasks {
		db, err := pebblestore.Open(task, pebblestore.Options{})
		require.NoError(t, err)
		sum += db.Position()["wc-counts-changelog"]
		require.NoError(t, db.Close())
	}
	return sum
}

// A process that begins with a copy of the state restores the tail only, and goes on
// from the same counts.
func TestSnapshotIsAStateDirectory(t *testing.T) {
	t.Parallel()
	r := newCluster(t)
	c := r.config()
	c.InstanceID, c.LeaveOnClose = "pod-0", true
	out := r.consume("counts")
	first := launch(t, wordcount(), c)
	r.lines("a b c d", "a b c d")
	out.until(map[string]int64{"a": 2, "b": 2, "c": 2, "d": 2})
	copied := copyAt(t, first, 8)
	linked(t, c.StateDir, copied)
	require.ErrorContains(t, first.Snapshot(copied), "exists already")

	r.lines("a b", "a") // the tail
	out.until(map[string]int64{"a": 4, "b": 3})
	require.NoError(t, first.end())
	require.ErrorIs(t, first.Snapshot(filepath.Join(t.TempDir(), "late")), streams.ErrNotRunning)

	var h heard
	c.StateDir, c.InstanceID, c.RestoreListener = copied, "pod-1", &h
	second := launch(t, wordcount(), c)
	r.lines("a d")
	out.until(map[string]int64{"a": 5, "b": 3, "c": 2, "d": 3})
	require.NoError(t, second.end())
	require.EqualValues(t, 3, h.records, "only what came after the copy")
}

// linked checks that tables of the copy are those of the original, not copies of
// them.
func linked(t *testing.T, original, copied string) {
	t.Helper()
	tables, err := filepath.Glob(filepath.Join(copied, "*", "*", "*.sst"))
	require.NoError(t, err)
	require.NotEmpty(t, tables)
	for _, table := range tables {
		name, err := filepath.Rel(copied, table)
		require.NoError(t, err)
		ours, err := os.Stat(table)
		require.NoError(t, err)
		theirs, err := os.Stat(filepath.Join(original, name))
		if os.IsNotExist(err) {
			continue // compacted meanwhile
		}
		require.True(t, os.SameFile(ours, theirs), name)
	}
}

func TestSnapshotNeedsARunningApp(t *testing.T) {
	t.Parallel()
	app, err := streams.New(wordcount(), streams.Config{ApplicationID: "a", Brokers: []string{"localhost:9"}})
	require.NoError(t, err)
	dir := filepath.Join(t.TempDir(), "copy")
	require.ErrorIs(t, app.Snapshot(dir), streams.ErrNotRunning)
	require.NoDirExists(t, dir)
}

// A copy of the state, for another process to begin with.
func ExampleApp_Snapshot() {
	b := streams.NewBuilder()
	b.Stream(streams.NewTopic("lines", serde.String, serde.String)).Peek(func(streams.Record[string, string]) {})
	app, err := streams.New(b, streams.Config{ApplicationID: "copied", Brokers: []string{"localhost:9092"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(app.Snapshot("/var/backup/copied")) // Run is not called yet
	// Output: state snapshot: the application is not running
}

// How full the record caches are, of a process that has not begun.
func ExampleRecordCaches() {
	b := streams.NewBuilder()
	b.Stream(streams.NewTopic("lines", serde.String, serde.String)).GroupByKey().Count()
	app, err := streams.New(b, streams.Config{
		ApplicationID: "cached", Brokers: []string{"localhost:9092"}, MemoryLimit: 256 << 20, CacheBytes: 32 << 20,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	c := app.Status().RecordCaches
	fmt.Println(c.Bytes, c.Limit>>20, "MiB")
	// Output: 0 32 MiB
}
