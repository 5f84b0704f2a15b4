package statedir

import "fmt"

// Free is the space that is left on the volume for this user, in bytes.
func (d *Dir) Free() (uint64, error) { return freeBytes(d.path) }

// free is the same for messages.
func free(path string) string {
	n, err := freeBytes(path)
	if err != nil {
		return "the free space is not known"
	}
	return fmt.Sprintf("%d MiB free", n>>20)
}
