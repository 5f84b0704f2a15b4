package storetest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/memstore"
	"github.com/millrace/millrace/store/storetest"
)

// seeds of programs that once found a bug, or nearly.
func TestSeeds(t *testing.T) {
	t.Parallel()
	for _, seed := range []uint64{1, 2, 3, 1795534592405605805, 1795534592390899233} {
		storetest.RunSeed(t, machine(), seed, 500)
	}
}

func machine() storetest.Machine {
	return storetest.Machine{Open: func() (store.DB, error) { return memstore.New(), nil }}
}

// ExampleRun is what the test of an engine looks like.
func ExampleRun() {
	_ = func(t *testing.T) {
		storetest.Run(t, func(*testing.T) storetest.Machine { return machine() })
	}
	// Output:
}

func ExampleMachine() {
	db, err := machine().Open()
	_ = db.Close()
	_ = err
	// Output:
}

func TestMachineOpens(t *testing.T) {
	t.Parallel()
	db, err := machine().Open()
	require.NoError(t, err)
	require.NoError(t, db.Close())
}
