//go:build !linux && !darwin

package statedir

// statfs does not know how to ask.
func statfs(string) (filesystem, error) { return filesystem{}, errUnsupported }

func freeBytes(string) (uint64, error) { return 0, errUnsupported }
