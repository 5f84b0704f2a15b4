package pebblestore_test

import (
	"math/rand/v2"
	"sync/atomic"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

const (
	errNoSpace = syscall.ENOSPC
	errIO      = syscall.EIO
)

// faults is a disk in memory of which one call, or all from one call on, fail.
type faults struct {
	mem   *vfs.MemFS
	k     int64 // the call that fails, counted from arm
	err   error
	stays bool // the calls after it fail, too
	reads bool // reads count and fail as well as writes
	armed atomic.Bool
	calls atomic.Int64
	hit   atomic.Bool
}

func newFaults(k int, err error) *faults {
	return &faults{mem: vfs.NewCrashableMem(), k: int64(k), err: err}
}

func (f *faults) fs() vfs.FS     { return errorfs.Wrap(f.mem, f) }
func (f *faults) arm()           { f.armed.Store(true) }
func (f *faults) String() string { return "faults" }

// MaybeError implements errorfs.Injector.
func (f *faults) MaybeError(op errorfs.Op) error {
	if !f.armed.Load() || op.Kind == errorfs.OpFileClose || !f.reads && op.Kind.ReadOrWrite() == errorfs.OpIsRead {
		return nil
	}
	n := f.calls.Add(1) - 1
	if n == f.k || f.stays && n > f.k {
		f.hit.Store(true)
		return f.err
	}
	return nil
}

// after is the disk when the power comes back: of what was not synced, some is lost.
func (f *faults) after(seed int) *vfs.MemFS {
	rng := rand.New(rand.NewPCG(uint64(seed), 9))
	return f.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: []int{0, 50, 100}[seed%3], RNG: rng})
}
