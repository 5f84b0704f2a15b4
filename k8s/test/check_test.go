package k8stest

import (
	"testing"
)

// check is one question to everything that was rendered.
type check struct {
	name string
	ask  func(site) faults
}

func checks(t *testing.T) []check {
	t.Helper()
	e := metrics(t)
	return []check{
		{"schemas", schemas}, {"required values", required}, {"listeners", listeners}, {"operators", operators},
		{"versions", versions}, {"replication", replication}, {"users", users}, {"hosts", hosts}, {"jmx", jmx},
		{"StatefulSets", statefulSets}, {"probes", probes}, {"times", times}, {"memory", memory}, {"state", state}, {"budgets", budgets},
		{"priorities", priorities}, {"scaling", scaling}, {"references", references}, {"security", security}, {"networks", networks}, {"rescue", rescue},
		{"rules", rules(e)}, {"dashboards", dashboards(e)}, {"monitors", monitors}, {"install", install},
	}
}

// TestChecks asks all of them.
func TestChecks(t *testing.T) {
	t.Parallel()
	s := healthy(t)
	for _, c := range checks(t) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for _, f := range c.ask(s) {
				t.Error(f)
			}
		})
	}
}
