package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

const (
	// busiest is how many windows the table shows.
	busiest = 10
	// examplesShown is how many differing keys are named.
	examplesShown = 3
)

// printBusiest shows the windows with the highest counts; equals by name, so that
// equal results print equally.
func printBusiest(w io.Writer, r results) {
	names := slices.SortedFunc(maps.Keys(r.counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(r.counts[b], r.counts[a]), strings.Compare(a, b))
	})
	fmt.Fprintln(w, "\nThe busiest minutes:")
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(t, "  USER\tACTION\tMINUTE\tCOUNT")
	for _, name := range names[:min(len(names), busiest)] {
		fmt.Fprintf(t, "  %s\t%d\n", strings.Join(strings.Fields(name), "\t"), r.counts[name])
	}
	_ = t.Flush()
}

// compare prints what was compared with what, and returns whether all was equal.
func compare(w io.Writer, got results, want *oracle, skippedLate uint64) bool {
	same := func(s string) string { return s }
	checks := []check{
		checked("counts per user, action and minute", got.counts, want.counts, same),
		checked("sessions", got.visits, want.visits, same),
		checked("enriched events, by content", got.enriched, want.enriched, func(e Enriched) string { return e.UserID + " " + e.Action }),
		checked("late events left out of sessions", map[string]int64{"late": int64(skippedLate)}, map[string]int64{"late": want.late}, same),
	}
	checks[len(checks)-1].compared = int(want.late)
	fmt.Fprintln(w, "\nCompared with a computation over the raw events:")
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	ok := true
	for _, c := range checks {
		fmt.Fprintf(t, "\t%d\t  %s: %s\n", c.compared, c.what, c.verdict())
		ok = ok && c.wrong == 0
	}
	_ = t.Flush()
	return ok
}

// check is the outcome of one comparison.
type check struct {
	what            string
	compared, wrong int
	examples        []string
}

func checked[K comparable, V comparable](what string, got, want map[K]V, name func(K) string) check {
	examples, wrong := differences(got, want, examplesShown, name)
	return check{what, len(want), wrong, examples}
}

func (c check) verdict() string {
	if c.wrong == 0 {
		return "equal"
	}
	return fmt.Sprintf("%d DIFFER, such as %s", c.wrong, strings.Join(c.examples, "; "))
}
