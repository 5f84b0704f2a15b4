package statedir

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const workersName = "workers"

// Workers is how many workers there may be with a transaction of their own open, from
// SetWorkers of this process or an earlier one; 0 is none or unknown.
func (d *Dir) Workers() int {
	data, err := os.ReadFile(filepath.Join(d.path, workersName))
	if err != nil {
		return 0
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// SetWorkers keeps the number with the state: a process that comes back with fewer
// workers has to end the transactions of those that are no more.
func (d *Dir) SetWorkers(n int) error {
	return replace(filepath.Join(d.path, workersName), []byte(strconv.Itoa(n)+"\n"))
}
