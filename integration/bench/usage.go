package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// usage is what has been used up to one moment.
type usage struct {
	at time.Time
	// process, broker and machine are CPU times since their start; broker is -1 where
	// its process is not known.
	process, broker, machine time.Duration
}

// used reads the clocks of this process, of the broker's and of the machine.
func used(brokerPID string) usage {
	return usage{time.Now(), processCPU(), cpuOf(brokerPID), machineCPU()}
}

// others is the CPU that neither this process nor the broker used between two moments.
func (u usage) others(since usage) time.Duration {
	return u.machine - since.machine - (u.process - since.process) - (u.broker - since.broker)
}

func processCPU() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return -1
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// tick is the unit of /proc's CPU times, which is the same on all of Linux.
const tick = 10 * time.Millisecond

// cpuOf is the CPU time of another process.
func cpuOf(pid string) time.Duration {
	raw, err := os.ReadFile("/proc/" + pid + "/stat")
	if pid == "" || err != nil {
		return -1
	}
	fields := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+1:]))
	return time.Duration(number(fields, 11)+number(fields, 12)) * tick
}

// machineCPU is the busy time of all processors since boot, what was stolen included.
func machineCPU() time.Duration {
	raw, err := os.ReadFile("/proc/stat")
	if err != nil {
		return -1
	}
	line, _, _ := strings.Cut(string(raw), "\n")
	fields := strings.Fields(line)
	var busy int64
	for _, i := range []int{1, 2, 3, 6, 7, 8} {
		busy += number(fields, i)
	}
	return time.Duration(busy) * tick
}

func number(fields []string, i int) int64 {
	if i >= len(fields) {
		return 0
	}
	n, err := strconv.ParseInt(fields[i], 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// peakRSS is the most memory this process ever had, in MB; -1 if unknown.
func peakRSS() int64 {
	raw, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return -1
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			return number(strings.Fields(rest), 0) / 1024
		}
	}
	return -1
}

// machine describes where a measurement was made, in one line.
func machine() string {
	model := "unknown processor"
	raw, err := os.ReadFile("/proc/cpuinfo")
	if err == nil {
		for line := range strings.Lines(string(raw)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	return fmt.Sprintf("%s, %d of them", model, cpus())
}
