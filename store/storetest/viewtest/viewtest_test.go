package viewtest_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

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

// TestRegress runs the programs that once found a fault.
func TestRegress(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/regress/programs.txt")
	require.NoError(t, err)
	programs := 0
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		var kind string
		var seed uint64
		var steps int
		_, err := fmt.Sscan(line, &kind, &seed, &steps)
		require.NoError(t, err, line)
		viewtest.RunSeed(t, machine(t), kind, seed, steps)
		programs++
	}
	require.Positive(t, programs)
}

// ExampleRun is what the test of an engine looks like.
func ExampleRun() {
	_ = func(t *testing.T) { viewtest.Run(t, machine, 1, 8, 400) }
	// Output:
}
