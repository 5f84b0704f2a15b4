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

// freeBytes is the space that is left for this user on the volume of a path.
func freeBytes(path string) (uint64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return 0, err
	}
	return s.Bavail * uint64(s.Bsize), nil
}
