package pebblestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"sync"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millrace/millrace/store"
)

// health keeps the first thing that went wrong with a DB, and is Pebble's logger:
// where Pebble would end the process, the DB fails instead. Safe for concurrent use.
type health struct {
	fs     vfs.FS
	dir    string
	log    *slog.Logger
	once   sync.Once
	failed chan struct{} // closed by the first failure
	err    error         // readable once failed is closed

	closing chan struct{} // closed by Close
}

func newHealth(fs vfs.FS, dir string, log *slog.Logger) *health {
	return &health{fs: fs, dir: dir, log: log.With("dir", dir), failed: make(chan struct{}), closing: make(chan struct{})}
}

// fail is called by Pebble's background work, again and again while it retries; the
// first failure counts.
func (h *health) fail(err error) {
	h.once.Do(func() {
		h.err = explain("keep the state", h.dir, err)
		switch {
		case pebble.IsCorruptionError(err):
			mark(h.fs, h.dir)
		case vfs.IsNoSpaceError(err):
			h.err = h.withSpace(h.err)
		}
		h.log.Error("state store failed", "error", h.err)
		close(h.failed)
	})
	h.Infof("background error: %v", err)
}

// withSpace adds how full the disk is, where that can be asked.
func (h *health) withSpace(err error) error {
	u, asking := h.fs.GetDiskUsage(h.dir)
	if asking != nil {
		return err
	}
	return fmt.Errorf("%w (%d of %d MiB are free there)", err, u.AvailBytes>>20, u.TotalBytes>>20)
}

// check returns the first failure, if there was one.
func (h *health) check() error {
	select {
	case <-h.failed:
		return h.err
	default:
		return nil
	}
}

// Infof is Pebble's running commentary.
func (h *health) Infof(format string, args ...any) {
	if h.log.Enabled(context.Background(), slog.LevelDebug) {
		h.log.Debug("pebble: " + fmt.Sprintf(format, args...))
	}
}

// Errorf is what Pebble could not do, but can live with.
func (h *health) Errorf(format string, args ...any) {
	h.log.Error("pebble: " + fmt.Sprintf(format, args...))
}

// Fatalf is what Pebble cannot live with. It expects not to come back; it does, and
// nothing is written or read after it.
func (h *health) Fatalf(format string, args ...any) {
	err := fmt.Errorf(format, args...)
	for _, arg := range args {
		if cause, ok := arg.(error); ok {
			err = fmt.Errorf("%s: %w", strings.TrimSuffix(err.Error(), ": "+cause.Error()), cause)
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = damaged(err) // a table went away
	}
	h.fail(err)
}

// explain says what could not be done where, of which kind the error is, and what
// helps.
func explain(what, dir string, err error) error {
	if err == nil {
		return nil
	}
	advice, kind := diagnose(err)
	if kind == nil {
		return fmt.Errorf("%s in %s: %w; %s", what, dir, err, advice)
	}
	return fmt.Errorf("%s in %s: %w: %w; %s", what, dir, kind, err, advice)
}

// diagnose finds the remedy for an error, and its kind, which may be nil.
func diagnose(err error) (advice string, kind error) {
	switch {
	case pebble.IsCorruptionError(err):
		return "set the directory aside and let the state be rebuilt from the changelog", store.ErrCorrupt
	case errors.Is(err, syscall.EAGAIN), strings.Contains(err.Error(), "lock held"):
		return "stop the other process, or give this one a state directory of its own", store.ErrBusy
	case strings.Contains(err.Error(), "format major version"):
		return "run the release that wrote it, or set the directory aside", store.ErrNewerFormat
	case vfs.IsNoSpaceError(err):
		return "free space on the volume, or make it larger", nil
	case errors.Is(err, fs.ErrPermission):
		return "give the process's user the directory and its files", nil
	}
	return "check the volume; the state can be rebuilt from the changelog", nil
}

// recovered makes an error of a panic of Pebble's; without one, err stays.
func recovered(p any, what, dir string, err error) error {
	if p == nil {
		return err
	}
	if cause, ok := p.(error); ok {
		return explain(what, dir, cause)
	}
	return fmt.Errorf("%s in %s: %w: %v; set the directory aside", what, dir, store.ErrCorrupt, p)
}
