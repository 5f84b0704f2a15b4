package statedir

import (
	"bufio"
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/millrace/millrace/streams/internal/topo"
)

// holdEnv makes the test binary hold the lock of the directory that it names.
const holdEnv = "STATEDIR_TEST_HOLD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(holdEnv); dir != "" {
		os.Exit(hold(dir))
	}
	goleak.VerifyTestMain(m)
}

// hold is the other process: it says what happened and keeps the lock until its
// standard input ends.
func hold(dir string) int {
	d, err := Open(context.Background(), Options{Dir: dir, ApplicationID: "app"})
	if err != nil {
		os.Stdout.WriteString(strings.ReplaceAll(err.Error(), "\n", " ") + "\n")
		return 1
	}
	os.Stdout.WriteString("locked\n")
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
	if d.Close() != nil {
		return 2
	}
	return 0
}

func open(t *testing.T, dir string) *Dir {
	t.Helper()
	d, err := Open(t.Context(), Options{Dir: dir, ApplicationID: "app"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	return d
}

func task(sub, part int32) topo.TaskID { return topo.TaskID{Subtopology: sub, Partition: part} }

// TestLayout: the folders, their modes, and a process id that stays.
func TestLayout(t *testing.T) {
	t.Parallel()
	root := filepath.Join(t.TempDir(), "a", "b")
	d := open(t, root)
	require.Equal(t, filepath.Join(root, "app"), d.Path())
	require.Equal(t, filepath.Join(root, "app", "1_12"), d.TaskDir(task(1, 12)))
	for name, want := range map[string]fs.FileMode{".": 0o700, lockName: 0o600, processIDName: 0o600} {
		info, err := os.Stat(filepath.Join(d.Path(), name))
		require.NoError(t, err)
		require.Equal(t, want, info.Mode().Perm(), name)
	}
	data, err := os.ReadFile(filepath.Join(d.Path(), processIDName))
	require.NoError(t, err)
	require.JSONEq(t, `{"processId":"`+d.ProcessID().String()+`"}`, string(data))
	require.NoError(t, d.Close())
	require.NoError(t, d.Close(), "twice")
	require.FileExists(t, filepath.Join(d.Path(), lockName), "the lock file is never unlinked")

	again := open(t, root)
	require.Equal(t, d.ProcessID(), again.ProcessID())
	require.NoError(t, again.Close())
	require.NoError(t, os.WriteFile(filepath.Join(d.Path(), processIDName), []byte("{torn"), 0o600))
	require.NotEqual(t, d.ProcessID(), open(t, root).ProcessID(), "one that does not read is replaced")
}

// TestTasks lists what is there and no more; Remove takes one away.
func TestTasks(t *testing.T) {
	t.Parallel()
	d := open(t, t.TempDir())
	for _, name := range []string{"1_0", "0_10", "0_2", "global", "0_2x", "00_1", "_"} {
		require.NoError(t, os.MkdirAll(filepath.Join(d.Path(), name, "db"), 0o700))
	}
	require.NoError(t, os.WriteFile(filepath.Join(d.Path(), "3_3"), nil, 0o600))
	got, err := d.Tasks()
	require.NoError(t, err)
	require.Equal(t, []topo.TaskID{task(0, 2), task(0, 10), task(1, 0)}, got)
	require.NoError(t, d.Remove(task(0, 10)))
	require.NoError(t, d.Remove(task(9, 9)), "which is not there")
	got, err = d.Tasks()
	require.NoError(t, err)
	require.Equal(t, []topo.TaskID{task(0, 2), task(1, 0)}, got)
}

// TestMemo stays over restarts and is replaced as a whole.
func TestMemo(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	d := open(t, root)
	require.Nil(t, d.Memo())
	require.NoError(t, d.SetMemo([]byte("long one")))
	require.NoError(t, d.SetMemo([]byte("short")))
	require.NoError(t, d.Close())
	require.Equal(t, "short", string(open(t, root).Memo()))
	require.NoError(t, os.RemoveAll(d.Path()))
	require.ErrorContains(t, d.SetMemo(nil), "group memo")
}

// TestClaim: one owner at a time; the next one waits.
func TestClaim(t *testing.T) {
	t.Parallel()
	d := open(t, t.TempDir())
	release, err := d.Claim(t.Context(), task(0, 0))
	require.NoError(t, err)
	other, err := d.Claim(t.Context(), task(0, 1))
	require.NoError(t, err, "another task is free")
	other()

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = d.Claim(ctx, task(0, 0))
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorContains(t, err, "task 0_0")

	got := make(chan func())
	go func() {
		next, _ := d.Claim(context.Background(), task(0, 0))
		got <- next
	}()
	release()
	next := <-got
	release() // again: must not take it from the next owner
	_, err = d.Claim(ctx, task(0, 0))
	require.Error(t, err)
	next()
}

// TestTwoInOneProcess: a second App on the same directory is refused, too.
func TestTwoInOneProcess(t *testing.T) {
	t.Parallel()
	d := open(t, t.TempDir())
	_, err := Open(t.Context(), Options{Dir: filepath.Dir(d.Path()), ApplicationID: "app"})
	var locked *LockedError
	require.ErrorAs(t, err, &locked)
	require.Equal(t, os.Getpid(), locked.Holder.PID)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Open(ctx, Options{Dir: filepath.Dir(d.Path()), ApplicationID: "app", LockTimeout: time.Hour})
	require.ErrorIs(t, err, context.Canceled)
}

// TestTwoProcesses: the second one fails naming the first; it gets the directory
// when the first ends, however that ends.
func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := startHolder(t, dir)
	require.Equal(t, "locked", first.line)
	second := startHolder(t, dir)
	pid := pid(first)
	require.Contains(t, second.line, "process "+pid)
	require.Contains(t, second.line, filepath.Join(dir, "app", lockName))
	require.Error(t, second.cmd.Wait())

	waited := make(chan error, 1)
	go func() {
		d, err := Open(context.Background(), Options{Dir: dir, ApplicationID: "app", LockTimeout: time.Minute})
		if err == nil {
			err = d.Close()
		}
		waited <- err
	}()
	require.NoError(t, first.cmd.Process.Kill())
	require.NoError(t, <-waited)
	require.Error(t, first.cmd.Wait())
}

// process is another one, which wants the directory.
type process struct {
	cmd  *exec.Cmd
	line string // what it said first
}

func startHolder(t *testing.T, dir string) process {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), holdEnv+"="+dir)
	_, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	return process{cmd, strings.TrimSpace(line)}
}

// TestLockedErrorWithoutHolder: a lock file that tells nothing.
func TestLockedErrorWithoutHolder(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), lockName)
	require.Zero(t, holder(path))
	require.NoError(t, os.WriteFile(path, []byte("?"), 0o600))
	require.Zero(t, holder(path))
	require.ErrorContains(t, &LockedError{Path: path}, "another process")
	data, err := json.Marshal(Holder{PID: 7})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, data, 0o600))
	require.Equal(t, 7, holder(path).PID)
}

// TestNames: ids that lead elsewhere, or nowhere, are refused.
func TestNames(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", ".", "..", "...", "a/b", "../x", `a\b`, "a\x00b", "a b", "ä", strings.Repeat("x", 300)} {
		_, err := Open(t.Context(), Options{Dir: t.TempDir(), ApplicationID: bad})
		require.ErrorContains(t, err, "ApplicationID", "%q", bad)
	}
	for _, good := range []string{"a", "..a", "orders.v2", "A_b-C", strings.Repeat("x", 200)} {
		d, err := Open(t.Context(), Options{Dir: t.TempDir(), ApplicationID: good})
		require.NoError(t, err, good)
		require.NoError(t, d.Close())
	}
}

// TestLinksAreRefused, in place of the folder and of the lock file.
func TestLinksAreRefused(t *testing.T) {
	t.Parallel()
	root, elsewhere := t.TempDir(), t.TempDir()
	require.NoError(t, os.Symlink(elsewhere, filepath.Join(root, "app")))
	_, err := Open(t.Context(), Options{Dir: root, ApplicationID: "app"})
	require.ErrorContains(t, err, "symbolic link")

	require.NoError(t, os.Remove(filepath.Join(root, "app")))
	require.NoError(t, os.WriteFile(filepath.Join(root, "app"), nil, 0o600))
	_, err = Open(t.Context(), Options{Dir: root, ApplicationID: "app"})
	require.ErrorContains(t, err, "a file")

	victim := filepath.Join(elsewhere, "victim")
	require.NoError(t, os.WriteFile(victim, []byte("keep"), 0o600))
	require.NoError(t, os.Mkdir(filepath.Join(root, "other"), 0o700))
	require.NoError(t, os.Symlink(victim, filepath.Join(root, "other", lockName)))
	_, err = Open(t.Context(), Options{Dir: root, ApplicationID: "other"})
	require.Error(t, err)
	kept, err := os.ReadFile(victim)
	require.NoError(t, err)
	require.Equal(t, "keep", string(kept))
}

// TestLooseModesAreTightened on a folder that was there before.
func TestLooseModesAreTightened(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(root, "app"), 0o755))
	d := open(t, root)
	info, err := os.Stat(d.Path())
	require.NoError(t, err)
	require.Equal(t, dirMode, info.Mode().Perm())
}

// TestUnwritable: the remedy fits the cause.
func TestUnwritable(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"securityContext.fsGroup": fs.ErrPermission,
		"volumeMount":             errReadOnly,
		"larger volume":           errNoSpace,
		"Config.StateDir":         fs.ErrInvalid,
	} {
		got := unwritable("/state", err)
		require.ErrorContains(t, got, want)
		require.ErrorContains(t, got, "/state")
		require.ErrorIs(t, got, err)
	}
	root := t.TempDir()
	file := filepath.Join(root, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := Open(t.Context(), Options{Dir: filepath.Join(file, "below"), ApplicationID: "app"})
	require.ErrorContains(t, err, "cannot be used")
}

func pid(p process) string { return strconv.Itoa(p.cmd.Process.Pid) }
