package pebblestore

import (
	"io"
	"maps"
	"slices"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// ledger is a file system that knows which of its files are open. Pebble leaves some
// open where opening fails half way, or closing does over damage; a process that
// tries again for hours would run out of descriptors, and never get the lock back.
// Safe for concurrent use.
type ledger struct {
	vfs.FS
	mu   sync.Mutex
	open map[*entry]struct{}
}

func newLedger(fs vfs.FS) *ledger { return &ledger{FS: fs, open: map[*entry]struct{}{}} }

// entry is one open file, or lock.
type entry struct {
	in     *ledger
	closer io.Closer
	once   sync.Once
	err    error
}

// Close closes the file once: Pebble may come later than [ledger.closeAll].
func (e *entry) Close() error {
	e.once.Do(func() {
		e.in.mu.Lock()
		delete(e.in.open, e)
		e.in.mu.Unlock()
		e.err = e.closer.Close()
	})
	return e.err
}

func (l *ledger) add(c io.Closer) *entry {
	e := &entry{in: l, closer: c}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open[e] = struct{}{}
	return e
}

// closeAll closes what is still open. Nobody must need it any more.
func (l *ledger) closeAll() {
	l.mu.Lock()
	left := slices.Collect(maps.Keys(l.open))
	l.mu.Unlock()
	for _, e := range left {
		_ = e.Close() // what went wrong before is reported
	}
}

// listed is an open file that is in the ledger.
type listed struct {
	vfs.File
	entry *entry
}

// Close implements vfs.File.
func (f listed) Close() error { return f.entry.Close() }

func (l *ledger) list(f vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return listed{f, l.add(f)}, nil
}

// Create implements vfs.FS, as do the others.
func (l *ledger) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return l.list(l.FS.Create(name, category))
}

// Open implements vfs.FS.
func (l *ledger) Open(name string, opts ...vfs.OpenOption) (vfs.File, error) {
	return l.list(l.FS.Open(name, opts...))
}

// OpenReadWrite implements vfs.FS.
func (l *ledger) OpenReadWrite(name string, category vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	return l.list(l.FS.OpenReadWrite(name, category, opts...))
}

// OpenDir implements vfs.FS.
func (l *ledger) OpenDir(name string) (vfs.File, error) { return l.list(l.FS.OpenDir(name)) }

// ReuseForWrite implements vfs.FS.
func (l *ledger) ReuseForWrite(from, to string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return l.list(l.FS.ReuseForWrite(from, to, category))
}

// Lock implements vfs.FS.
func (l *ledger) Lock(name string) (io.Closer, error) {
	c, err := l.FS.Lock(name)
	if err != nil {
		return nil, err
	}
	return l.add(c), nil
}
