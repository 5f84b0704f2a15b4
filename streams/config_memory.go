package streams

import (
	"log/slog"
	"math"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
)

const (
	// fallbackMemory is assumed where no limit and no size can be found.
	fallbackMemory = 1 << 30
	// minMemory keeps stores usable in the smallest of containers.
	minMemory = 32 << 20
)

// defaultMemory is a quarter of what the process may use: the stores share it,
// the rest is for records in flight and the user's own data.
func defaultMemory() int64 {
	return max(minMemory, usableMemory(os.ReadFile)/4)
}

// restoreFetch bounds the fetches of each restoring task: all of them together take a
// sixteenth of the memory for stores, from what that leaves uncounted.
func (c Config) restoreFetch(parallel int) int32 {
	const least, most = 1 << 20, 16 << 20
	return int32(min(max(c.MemoryLimit/32/int64(parallel), least), most))
}

// usableMemory is the smallest of GOMEMLIMIT, the container's limit and the
// machine's memory. readFile is os.ReadFile, or a test's.
func usableMemory(readFile func(string) ([]byte, error)) int64 {
	least := debug.SetMemoryLimit(-1) // a negative limit only asks
	for _, file := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		if b, err := readFile(file); err == nil {
			least = smaller(least, strings.TrimSpace(string(b)))
		}
	}
	if b, err := readFile("/proc/meminfo"); err == nil {
		least = min(least, memTotal(string(b)))
	}
	if least == math.MaxInt64 {
		return fallbackMemory
	}
	return least
}

// limitHeap sets Go's soft memory limit where nobody has: without one, the heap may
// grow to twice of what lives in it, past the container's limit. It leaves a tenth,
// and what the stores have outside of the heap. The limit is the process's, and
// stays.
func limitHeap(log *slog.Logger, outside int64) {
	if debug.SetMemoryLimit(-1) != math.MaxInt64 {
		return // by GOMEMLIMIT, or by the program
	}
	limit := softLimit(usableMemory(os.ReadFile), outside)
	debug.SetMemoryLimit(limit)
	log.Info("set Go's soft memory limit; GOMEMLIMIT replaces it", "bytes", limit, "outside_of_heap", outside)
}

func softLimit(usable, outside int64) int64 { return max(usable/10*9-outside, usable/4) }

// smaller applies a cgroup's limit; "max" is none.
func smaller(least int64, limit string) int64 {
	n, err := strconv.ParseInt(limit, 10, 64)
	if err != nil || n <= 0 {
		return least
	}
	return min(least, n)
}

// memTotal finds the machine's memory in /proc/meminfo, which counts in kB.
func memTotal(meminfo string) int64 {
	for line := range strings.Lines(meminfo) {
		f := strings.Fields(line)
		if len(f) < 2 || f[0] != "MemTotal:" {
			continue
		}
		if kb, err := strconv.ParseInt(f[1], 10, 64); err == nil {
			return kb << 10
		}
	}
	return math.MaxInt64
}
