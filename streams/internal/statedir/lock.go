package statedir

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/gofrs/flock"
)

const (
	lockName  = ".lock"
	lockRetry = 50 * time.Millisecond
)

// Holder is who has the lock, as the lock file tells it.
type Holder struct {
	PID     int       `json:"pid"`
	Host    string    `json:"host"`
	Started time.Time `json:"started"`
}

// LockedError says that another process uses the state directory.
type LockedError struct {
	Path   string
	Holder Holder        // zero if the file does not tell
	Waited time.Duration // Options.LockTimeout
}

// Error names the holder, the path and what to do.
func (e *LockedError) Error() string {
	who := "another process"
	if e.Holder.PID != 0 {
		who = fmt.Sprintf("process %d on %s (since %s)", e.Holder.PID, e.Holder.Host, e.Holder.Started.Format(time.RFC3339))
	}
	return fmt.Sprintf("%s holds the state directory's lock %s, waited %s: stop it, or give this process its own Config.StateDir or ApplicationID",
		who, e.Path, e.Waited)
}

// acquire locks the file and writes into it who has it. The file is never
// unlinked: then two processes could each lock a file of that name.
func acquire(ctx context.Context, path string, timeout time.Duration) (*flock.Flock, error) {
	lock := flock.New(path, flock.SetPermissions(fileMode), flock.SetFlag(os.O_CREATE|os.O_RDWR|noFollow))
	wait, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	ok, err := lock.TryLock()
	if err == nil && !ok {
		ok, err = lock.TryLockContext(wait, lockRetry)
	}
	switch {
	case ok:
	case ctx.Err() != nil:
		return nil, errors.Join(ctx.Err(), lock.Close())
	case err != nil && !errors.Is(err, context.DeadlineExceeded):
		return nil, errors.Join(unwritable(path, err), lock.Close())
	default:
		return nil, errors.Join(&LockedError{Path: path, Holder: present(ctx, path), Waited: timeout}, lock.Close())
	}
	if err := sign(path); err != nil {
		return nil, errors.Join(unwritable(path, err), lock.Close())
	}
	return lock, nil
}

// sign writes this process into the lock file, which it holds.
func sign(path string) error {
	host, _ := os.Hostname() // it only informs
	data, err := json.Marshal(Holder{PID: os.Getpid(), Host: host, Started: time.Now().UTC().Truncate(time.Second)})
	if err != nil {
		return err
	}
	return os.WriteFile(path, data, fileMode)
}

// present reads who holds the lock now. Who has just got it may not have signed yet:
// the file is empty then, or names a process that is gone.
func present(ctx context.Context, path string) Holder {
	again := time.NewTicker(lockRetry)
	defer again.Stop()
	for range 10 {
		if h := holder(path); h.PID != 0 && alive(h) {
			return h
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return Holder{}
		}
	}
	return holder(path)
}

// alive reports whether the holder still runs; of other hosts and systems that is not
// known, and taken for true.
func alive(h Holder) bool {
	host, _ := os.Hostname()
	return h.Host != host || runs(h.PID)
}

// holder reads the lock file of somebody else, who may be writing it just now.
func holder(path string) (h Holder) {
	data, err := os.ReadFile(path)
	if err != nil || json.Unmarshal(data, &h) != nil {
		return Holder{}
	}
	return h
}
