package pebblestore

import (
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// manifestFS keeps failures of the list of tables from Pebble. It takes them for the
// end of the process, and leaves its memory in a state between two versions, in which
// the next compaction may panic, on a goroutine of its own.
//
// So the DB fails as with any other error, but Pebble believes that the list was
// written, and stays consistent. Nothing reaches the disk after that, not even the
// removal of files that Pebble thinks it no longer needs; see [fence]. What is there
// is the version before.
type manifestFS struct {
	vfs.FS
	health *health
}

// Create implements vfs.FS.
func (m manifestFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := m.FS.Create(name, category)
	base := m.PathBase(name)
	list, marker := strings.HasPrefix(base, "MANIFEST-"), strings.HasPrefix(base, "marker.")
	switch {
	case m.PathDir(name) != m.health.dir || !list && !marker:
		return f, err
	case err != nil:
		// Pebble would try again without an end, and wait for it in Open.
		m.health.fail(err)
		return &manifestFile{nothing{}, m.health}, nil
	case list:
		return &manifestFile{f, m.health}, nil
	}
	return f, nil
}

// OpenDir implements vfs.FS. Pebble panics if the directory does not sync.
func (m manifestFS) OpenDir(name string) (vfs.File, error) {
	f, err := m.FS.OpenDir(name)
	if err == nil && name == m.health.dir {
		f = &manifestFile{f, m.health}
	}
	return f, err
}

// manifestFile never fails; the DB does instead.
type manifestFile struct {
	vfs.File
	health *health
}

// settle takes note of an error.
func (f *manifestFile) settle(err error) {
	if err != nil {
		f.health.fail(err)
	}
}

// failed reports that nothing must be written any more.
func (f *manifestFile) failed() bool { return f.health.check() != nil }

// Write implements vfs.File.
func (f *manifestFile) Write(p []byte) (int, error) {
	if !f.failed() {
		_, err := f.File.Write(p)
		f.settle(err)
	}
	return len(p), nil
}

// Preallocate implements vfs.File.
func (f *manifestFile) Preallocate(offset, length int64) error {
	if !f.failed() {
		f.settle(f.File.Preallocate(offset, length))
	}
	return nil
}

// Sync implements vfs.File.
func (f *manifestFile) Sync() error {
	if !f.failed() {
		f.settle(f.File.Sync())
	}
	return nil
}

// SyncData implements vfs.File.
func (f *manifestFile) SyncData() error {
	if !f.failed() {
		f.settle(f.File.SyncData())
	}
	return nil
}

// SyncTo implements vfs.File.
func (f *manifestFile) SyncTo(length int64) (fullSync bool, err error) {
	if f.failed() {
		return true, nil
	}
	fullSync, err = f.File.SyncTo(length)
	f.settle(err)
	return fullSync || err != nil, nil
}

// Close implements vfs.File.
func (f *manifestFile) Close() error {
	f.settle(f.File.Close())
	return nil
}

// nothing is the file that could not be created.
type nothing struct{ vfs.File }

// Close implements vfs.File.
func (nothing) Close() error { return nil }
