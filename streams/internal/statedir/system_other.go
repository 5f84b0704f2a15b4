//go:build !unix

package statedir

import "errors"

var (
	errReadOnly = errors.New("read-only filesystem")
	errNoSpace  = errors.New("no space left")
)

const noFollow = 0

// runs is not known here.
func runs(int) bool { return true }
