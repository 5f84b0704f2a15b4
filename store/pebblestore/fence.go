package pebblestore

import (
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// retryPause slows down the flush that Pebble repeats without a pause.
const retryPause = 50 * time.Millisecond

// fence stands between Pebble and the file system: once the DB has failed, nothing
// on the disk changes any more. Pebble believes that it died when it could not write
// its manifest; it did not, and what it would do next, on top of an edit that may or
// may not be there, could damage what is on the disk.
type fence struct{ health *health }

// wrap puts the fence around a file system.
func (f fence) wrap(fs vfs.FS) vfs.FS { return errorfs.Wrap(fs, f) }

// MaybeError implements errorfs.Injector.
func (f fence) MaybeError(op errorfs.Op) error {
	err := f.health.check()
	if err == nil || op.Kind.ReadOrWrite() == errorfs.OpIsRead || op.Kind == errorfs.OpFileClose {
		return nil
	}
	if op.Kind == errorfs.OpCreate {
		f.pause()
	}
	return err
}

// pause waits a little, or until the DB closes.
func (f fence) pause() {
	wait := time.NewTimer(retryPause)
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-f.health.closing:
	}
}

// String implements errorfs.Injector.
func (f fence) String() string { return "fence of " + f.health.dir }
