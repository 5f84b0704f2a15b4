package statedir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"
	"github.com/google/uuid"

	"github.com/millrace/millrace/streams/internal/topo"
)

const (
	dirMode  fs.FileMode = 0o700
	fileMode fs.FileMode = 0o600
)

// Options of Open.
type Options struct {
	// Dir is the root, which several applications may share.
	Dir string
	// ApplicationID is the application's folder below it.
	ApplicationID string
	// LockTimeout is how long to wait for another process to let go.
	LockTimeout time.Duration
	// Logger may be nil.
	Logger *slog.Logger
	// InstanceID is the name of this process among its equals, such as a pod's. If it
	// ends in an ordinal, the directory of another ordinal is refused. It may be empty.
	InstanceID string
	// AllowNetworkFilesystem is the kind of one filesystem that is used although it
	// would be refused, as the error names it, such as "FUSE".
	AllowNetworkFilesystem string
	// Kubernetes says that the process runs in a pod, where an overlay or tmpfs is a
	// mistake that deserves a warning.
	Kubernetes bool

	// filesystem, if set, replaces the question to the system, for tests.
	filesystem func(path string) (filesystem, error)
}

// Dir is the state directory of one application, locked for this process. It is
// safe for concurrent use.
type Dir struct {
	path      string
	log       *slog.Logger
	lock      *flock.Flock
	processID uuid.UUID
	claims    claims
	close     sync.Once
	closed    error
}

// Open creates the directory if need be, makes sure that it lies on a local
// filesystem, and locks it. It fails with a *LockedError if another process has
// it, with a *NetworkFilesystemError where locks and writes are not reliable, and with
// a *ForeignError if the state is somebody else's. ctx ends the wait for the lock early.
func Open(ctx context.Context, o Options) (*Dir, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.filesystem == nil {
		o.filesystem = statfs
	}
	path, err := prepare(o)
	if err != nil {
		return nil, err
	}
	lock, err := acquire(ctx, filepath.Join(path, lockName), o.LockTimeout)
	if err != nil {
		return nil, err
	}
	d := &Dir{path: path, log: o.Logger, lock: lock, claims: newClaims()}
	if err := d.identify(o); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	if d.processID, err = loadProcessID(path); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return d, nil
}

// prepare makes the application's folder and checks where it lies.
func prepare(o Options) (string, error) {
	name, err := folder(o.ApplicationID)
	if err != nil {
		return "", err
	}
	root, err := filepath.Abs(o.Dir)
	if err != nil {
		return "", fmt.Errorf("state directory %s: %w", o.Dir, err)
	}
	path := filepath.Join(root, name)
	if err := os.MkdirAll(root, dirMode); err != nil {
		return "", unwritable(root, err)
	}
	// Not MkdirAll: that would follow a link put in the folder's place.
	if err := os.Mkdir(path, dirMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", unwritable(path, err)
	}
	if err := ownFolder(path); err != nil {
		return "", err
	}
	return path, checkFilesystem(path, o)
}

// ownFolder refuses links: the state would be wherever somebody else decided.
func ownFolder(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return unwritable(path, err)
	}
	if !info.IsDir() {
		return fmt.Errorf("state directory %s is not a directory but %s; remove it, or choose another Config.StateDir", path, kind(info.Mode()))
	}
	if info.Mode().Perm()&0o077 != 0 {
		if err := os.Chmod(path, dirMode); err != nil {
			return unwritable(path, err)
		}
	}
	return nil
}

// kind names what is in the folder's place.
func kind(m fs.FileMode) string {
	if m&fs.ModeSymlink != 0 {
		return "a symbolic link"
	}
	return "a file"
}

// unwritable explains why the state cannot be kept.
func unwritable(path string, err error) error {
	remedy := "choose another Config.StateDir"
	switch {
	case errors.Is(err, fs.ErrPermission):
		remedy = "give this user write access to it (in a pod: securityContext.fsGroup), or choose another Config.StateDir"
	case errors.Is(err, errReadOnly):
		remedy = "the filesystem is mounted read-only; mount a volume there (in a pod: a volumeMount), or choose another Config.StateDir"
	case errors.Is(err, errNoSpace):
		remedy = "the disk is full (" + free(path) + "); free some space or give it a larger volume"
	}
	return fmt.Errorf("state directory %s cannot be used: %w; %s", path, err, remedy)
}

// Path is the application's folder.
func (d *Dir) Path() string { return d.path }

// ProcessID names this state in the group. It stays as long as the directory does.
func (d *Dir) ProcessID() uuid.UUID { return d.processID }

// TaskDir is where a task keeps its state. It need not exist.
func (d *Dir) TaskDir(id topo.TaskID) string { return filepath.Join(d.path, id.String()) }

// Tasks lists the tasks that have a directory, sorted.
func (d *Dir) Tasks() ([]topo.TaskID, error) {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	var out []topo.TaskID
	for _, e := range entries {
		id, err := topo.ParseTaskID(e.Name())
		if err == nil && e.IsDir() && id.String() == e.Name() {
			out = append(out, id)
		}
	}
	slices.SortFunc(out, topo.TaskID.Compare)
	return out, nil
}

// Remove deletes a task's state. The caller has claimed the task.
func (d *Dir) Remove(id topo.TaskID) error {
	if err := os.RemoveAll(d.TaskDir(id)); err != nil {
		return fmt.Errorf("removing the state of task %s: %w", id, err)
	}
	return nil
}

// Close lets other processes in. It is idempotent.
func (d *Dir) Close() error {
	d.close.Do(func() { d.closed = d.lock.Close() })
	return d.closed
}

// folder is the directory name of an application: its id, as Kafka allows it for
// groups and topics. What could lead elsewhere is refused.
func folder(applicationID string) (string, error) {
	const longest = 200 // leaves room for topic names, which have 249
	switch {
	case applicationID == "":
		return "", errors.New("an empty ApplicationID has no state directory")
	case len(applicationID) > longest:
		return "", fmt.Errorf("ApplicationID has %d characters; at most %d are possible", len(applicationID), longest)
	case strings.Trim(applicationID, ".") == "":
		return "", fmt.Errorf("ApplicationID %q is not possible as the name of a directory", applicationID)
	}
	for _, r := range applicationID {
		if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-", r) {
			return "", fmt.Errorf("ApplicationID %q: only letters, digits, '.', '_' and '-' are possible, as it is a part of topic names", applicationID)
		}
	}
	return applicationID, nil
}
