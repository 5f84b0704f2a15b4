package pebblestore_test

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/pebblestore"
	"github.com/millrace/millrace/store/storetest"
)

// watched is a file system that tells when it is about to change.
type watched struct{ before atomic.Pointer[func()] }

func (w *watched) String() string { return "watched" }

// MaybeError implements errorfs.Injector.
func (w *watched) MaybeError(op errorfs.Op) error {
	if f := w.before.Load(); f != nil && op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
		(*f)()
	}
	return nil
}

func (w *watched) set(f func()) {
	if f == nil {
		w.before.Store(nil)
		return
	}
	w.before.Store(&f)
}

// linking keeps clones and links apart: a link of the disk in memory takes the lock of
// clones twice, which hangs if a clone begins between.
type linking struct {
	vfs.FS
	mu *sync.Mutex
}

// Link implements vfs.FS.
func (l linking) Link(from, to string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.FS.Link(from, to)
}

// TestCrashes takes the power at each call of each step.
func TestCrashes(t *testing.T) {
	t.Parallel()
	for name, bound := range map[string]int64{"default": 0, "flushing all the time": 256} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.RunCrashes(t, func(*testing.T) storetest.Disk { return disk(bound) })
		})
	}
}

func disk(bound int64) storetest.Disk {
	mem, w, links := vfs.NewCrashableMem(), &watched{}, new(sync.Mutex)
	on := func(fs vfs.FS) func() (store.DB, error) {
		return func() (store.DB, error) {
			return pebblestore.Open("state/0_0", pebblestore.Options{FS: fs, MaxUnflushedBytes: bound})
		}
	}
	return storetest.Disk{
		Open:  on(errorfs.Wrap(linking{mem, links}, w)),
		Watch: w.set,
		Crash: func(percent int, rng *rand.Rand) func() (store.DB, error) {
			links.Lock()
			defer links.Unlock()
			return on(mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rng}))
		},
		Load: load,
	}
}

func load(db store.DB, name string, muts []store.Mutation, pos store.Position) error {
	l, err := db.(*pebblestore.DB).Load()
	if err != nil {
		return err
	}
	if err := l.Add(name, muts, pos); err != nil {
		return err
	}
	return l.Close()
}
