//go:build !linux && !darwin

package statedir

func statfs(string) (filesystem, error) { return filesystem{}, errUnsupported }
