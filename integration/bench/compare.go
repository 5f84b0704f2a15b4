package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// noisy is the share of the machine that others may use in a run that counts.
const noisy = 0.10

// comparison is what one workload came to: medians, and how many pairs they are of.
type comparison struct {
	name       string
	ours, its  result
	pairs      int
	discarded  int
	unbeatable bool // there is no peer
}

// comparing runs workloads in pairs.
type comparing struct {
	peer *peer
	// self are the flags that a child needs to be this program on this broker.
	self []string
	// pairs is how many of each workload must count; a few more are tried.
	pairs int
	// any counts noisy pairs too.
	any bool
	// scale, where not 0, is how many records each input has, on both sides.
	scale int64
	lines io.Writer
	log   io.Writer
}

// all compares each workload and prints the table.
func (c comparing) all(ctx context.Context, names []string, table io.Writer) error {
	var done []comparison
	for _, name := range names {
		one, err := c.one(ctx, name)
		if err != nil {
			return err
		}
		done = append(done, one)
	}
	return writeTable(table, done)
}

// one runs pairs in turns until enough of them were quiet.
func (c comparing) one(ctx context.Context, name string) (comparison, error) {
	var ours, its []result
	discarded := 0
	for tries := 0; len(ours) < c.pairs && tries < 2*c.pairs; tries++ {
		a, err := c.ourRun(ctx, name)
		if err != nil {
			return comparison{}, err
		}
		var b result
		if c.peer != nil {
			if b, err = c.peer.run(ctx, append(peerArgs(name), c.peerScale(name)...)...); err != nil {
				return comparison{}, err
			}
		}
		_ = a.write(c.lines)
		_ = b.write(c.lines)
		loud := !c.any && max(a.othersShare(), b.othersShare()) > noisy
		_, _ = fmt.Fprintf(c.log, "%s: %.2f us beside %.2f us, others %.0f %% and %.0f %% of the machine%s\n", name, a.micros(), b.micros(),
			100*a.othersShare(), 100*b.othersShare(), map[bool]string{true: ": discarded"}[loud])
		if loud {
			discarded++
			continue
		}
		ours, its = append(ours, a), append(its, b)
	}
	if len(ours) == 0 {
		return comparison{name: name, discarded: discarded}, nil
	}
	return comparison{name, median(ours), median(its), len(ours), discarded, c.peer == nil}, nil
}

// ourRun runs Millrace in a process of its own, so that its memory and CPU are its own.
func (c comparing) ourRun(ctx context.Context, name string) (r result, err error) {
	self, err := os.Executable()
	if err != nil {
		return r, err
	}
	cmd := exec.CommandContext(ctx, self, append(slices.Clone(c.self), "run", name)...)
	cmd.Stderr = c.log
	out, err := cmd.Output()
	if err != nil {
		return r, fmt.Errorf("the workload %s: %w", name, err)
	}
	return r, json.Unmarshal(out, &r)
}

// peerScale tells the peer how many records there are, where they are not all.
func (c comparing) peerScale(name string) []string {
	if c.scale == 0 || name == "restore" {
		return nil
	}
	n := c.scale
	if name == "join-stream" { // it counts both sides
		n *= 2
	}
	return []string{"--records=" + strconv.FormatInt(n, 10)}
}

// median is the run in the middle by CPU a record.
func median(rs []result) result {
	slices.SortFunc(rs, func(a, b result) int { return cmp.Compare(a.micros(), b.micros()) })
	return rs[len(rs)/2]
}

func writeTable(w io.Writer, all []comparison) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(t, strings.Join([]string{
		"workload", "records/s", "peer", "us/record", "2nd half", "peer", "2nd half", "ratio",
		"RSS MB", "peer", "broker CPU s", "peer", "start s", "peer", "others %", "pairs", "output", "",
	}, "\t"))
	for _, c := range all {
		if c.pairs == 0 {
			_, _ = fmt.Fprintf(t, "%s\tno quiet pair of %d\t\n", c.name, c.discarded)
			continue
		}
		a, b := c.ours, c.its
		_, _ = fmt.Fprintf(t, "%s\t%d\t%d\t%.2f\t%.2f\t%.2f\t%.2f\t%s\t%d\t%d\t%.1f\t%.1f\t%.2f\t%.2f\t%.0f\t%d\t%s\t\n",
			c.name, a.RecordsPerS, b.RecordsPerS, a.CPUMicros, a.micros(), b.CPUMicros, b.micros(), ratio(b.micros(), a.micros()),
			a.PeakRSS, b.PeakRSS, a.BrokerCPU, b.BrokerCPU, a.StartupS, b.StartupS, 100*a.othersShare(), c.pairs, a.Checked)
	}
	return t.Flush()
}

func ratio(its, ours float64) string {
	if its == 0 || ours == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1fx", its/ours)
}
