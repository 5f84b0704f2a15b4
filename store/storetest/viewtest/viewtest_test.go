package viewtest_test

import (
	"flag"
	"testing"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/memstore"
	"github.com/millrace/millrace/store/storetest/viewtest"
)

var seeds = flag.Int("seeds", 20, "random programs for each kind of store")

func machine(*testing.T) viewtest.Machine {
	return viewtest.Machine{Open: func() (store.DB, error) { return memstore.New(), nil }}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	viewtest.Run(t, machine, 1, *seeds, 400)
}

// ExampleRun is what the test of an engine looks like.
func ExampleRun() {
	_ = func(t *testing.T) { viewtest.Run(t, machine, 1, 8, 400) }
	// Output:
}
