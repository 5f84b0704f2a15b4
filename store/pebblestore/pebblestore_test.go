package pebblestore_test

import (
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/pebblestore"
	"github.com/millrace/millrace/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// crashable is a machine on a disk in memory that forgets what was not synced: all
// of it, half of it, or nothing.
func crashable(o pebblestore.Options) storetest.Machine {
	fs := vfs.NewCrashableMem()
	return storetest.Machine{
		Open: func() (store.DB, error) {
			o.FS = fs
			return pebblestore.Open("state/0_0", o)
		},
		Crash: func(db store.DB, rng *rand.Rand) {
			after := fs.CrashClone(vfs.CrashCloneCfg{
				UnsyncedDataPercent: []int{0, 50, 100}[rng.IntN(3)],
				RNG:                 rng,
			})
			_ = db.Close() // on the old disk, which nobody looks at again
			fs = after
		},
	}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(*testing.T) storetest.Machine { return crashable(pebblestore.Options{}) })
}

// With tiny bounds the DB flushes and compacts all the time, and shares its caches
// with others.
func TestConformanceUnderPressure(t *testing.T) {
	t.Parallel()
	shared := pebblestore.NewShared(0)
	t.Cleanup(func() { require.NoError(t, shared.Close()) })
	storetest.Run(t, func(*testing.T) storetest.Machine {
		return crashable(pebblestore.Options{Shared: shared, MaxUnflushedBytes: 512})
	})
}

func TestConformanceOnDisk(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) storetest.Machine {
		dir := t.TempDir()
		return storetest.Machine{Open: func() (store.DB, error) { return pebblestore.Open(dir, pebblestore.Options{}) }}
	})
}

// Programs that once found a bug: a directory whose name was not durable in its
// parent, and a cursor that went astray after inverted bounds.
func TestSeeds(t *testing.T) {
	t.Parallel()
	for _, seed := range []uint64{1795534592405605805, 1795534592390899233} {
		storetest.RunSeed(t, crashable(pebblestore.Options{}), seed, 1500)
		storetest.RunSeed(t, crashable(pebblestore.Options{MaxUnflushedBytes: 512}), seed, 1500)
	}
}
