//go:build unix

package statedir

import "golang.org/x/sys/unix"

// What the system calls a disk that takes no more.
const (
	errReadOnly = unix.EROFS
	errNoSpace  = unix.ENOSPC
)

// noFollow refuses a link in the lock file's place.
const noFollow = unix.O_NOFOLLOW

// runs reports whether there is such a process, whoever's it is.
func runs(pid int) bool { return unix.Kill(pid, 0) != unix.ESRCH }
