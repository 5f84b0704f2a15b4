package pebblestore_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store/pebblestore"
)

// counting is a file system that knows which files are open. An open file is one
// descriptor of the process.
type counting struct {
	vfs.FS
	mu   sync.Mutex
	open map[*handle]string
}

func newCounting(fs vfs.FS) *counting { return &counting{FS: fs, open: map[*handle]string{}} }

// left are the files that are open.
func (c *counting) left() (names []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range c.open {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (c *counting) add(name string) *handle {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := &handle{fs: c}
	c.open[h] = name
	return h
}

// handle is one open file.
type handle struct{ fs *counting }

func (h *handle) done() {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	delete(h.fs.open, h)
}

type countedFile struct {
	vfs.File
	*handle
}

func (f countedFile) Close() error { f.done(); return f.File.Close() }

type countedLock struct {
	io.Closer
	*handle
}

func (l countedLock) Close() error { l.done(); return l.Closer.Close() }

func (c *counting) file(name string, f vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return countedFile{f, c.add(name)}, nil
}

func (c *counting) Create(name string, w vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := c.FS.Create(name, w)
	return c.file(name, f, err)
}

func (c *counting) Open(name string, o ...vfs.OpenOption) (vfs.File, error) {
	f, err := c.FS.Open(name)
	if err == nil {
		f, err = c.file(name, f, nil)
		for _, opt := range o {
			opt.Apply(f)
		}
	}
	return f, err
}

func (c *counting) OpenReadWrite(name string, w vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	f, err := c.FS.OpenReadWrite(name, w, o...)
	return c.file(name, f, err)
}

func (c *counting) OpenDir(name string) (vfs.File, error) {
	f, err := c.FS.OpenDir(name)
	return c.file(name, f, err)
}

func (c *counting) ReuseForWrite(from, to string, w vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := c.FS.ReuseForWrite(from, to, w)
	return c.file(to, f, err)
}

func (c *counting) Lock(name string) (io.Closer, error) {
	l, err := c.FS.Lock(name)
	if err != nil {
		return nil, err
	}
	return countedLock{l, c.add(name)}, nil
}

// openAndCount opens a state and closes it again, should it open. Then no file may be
// open.
func openAndCount(t *testing.T, fs vfs.FS, what string) (failed bool) {
	t.Helper()
	c := newCounting(fs)
	db, err := pebblestore.Open("s", pebblestore.Options{FS: c})
	if err == nil {
		require.NotEmpty(t, c.left(), "it counts")
		_ = db.Close()
	}
	require.Empty(t, c.left(), "%s: %v", what, err)
	return err != nil
}

// Whatever call fails while a state is opened, no file stays open: a process that
// tries again for hours must not run out of descriptors.
func TestFailedOpenLeavesNoFiles(t *testing.T) {
	t.Parallel()
	_, all := states(t)
	failures := 0
	for _, reads := range []bool{false, true} {
		for k := 0; ; k++ {
			base, err := all[len(all)-1].disk()
			require.NoError(t, err)
			disk := &faults{k: int64(k), err: errIO, reads: reads}
			disk.arm()
			if openAndCount(t, errorfs.Wrap(base, disk), fmt.Sprintf("call %d fails, reads too: %t", k, reads)) {
				failures++
			}
			if !disk.hit.Load() {
				break
			}
		}
	}
	require.Greater(t, failures, 20)
}

// Nor does one of a state that is damaged, or in use.
func TestDamagedOpenLeavesNoFiles(t *testing.T) {
	t.Parallel()
	_, all := states(t)
	failures := 0
	for name, damage := range damages() {
		for seed := range uint64(15) {
			m, rng := all[len(all)-1].clone(), rand.New(rand.NewPCG(seed, 3))
			damage(rng, m, all[len(all)/2])
			fs, err := m.disk()
			require.NoError(t, err)
			if openAndCount(t, fs, fmt.Sprintf("%s, seed %d", name, seed)) {
				failures++
			}
		}
	}
	require.Greater(t, failures, 20)

	fs := vfs.NewMem()
	db, err := pebblestore.Open("s", pebblestore.Options{FS: fs})
	require.NoError(t, err)
	require.True(t, openAndCount(t, fs, "in use"))
	require.NoError(t, db.Close())
}
