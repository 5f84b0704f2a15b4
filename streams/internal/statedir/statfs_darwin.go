package statedir

import "golang.org/x/sys/unix"

// statfs asks for the name: macOS numbers its filesystems as it loads them.
func statfs(path string) (filesystem, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return filesystem{}, err
	}
	return filesystem{name: unix.ByteSliceToString(s.Fstypename[:])}, nil
}
