package k8stest

import (
	"testing"
)

// check is one question to everything that was rendered.
type check struct {
	name string
	ask  func(site) faults
}

func checks() []check {
	return []check{
		{"schemas", schemas},
	}
}

// TestChecks asks all of them.
func TestChecks(t *testing.T) {
	t.Parallel()
	s := healthy(t)
	for _, c := range checks() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for _, f := range c.ask(s) {
				t.Error(f)
			}
		})
	}
}
