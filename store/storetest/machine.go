package storetest

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store"
)

// Machine is a place where the state of one task lives.
type Machine struct {
	// Open opens the state; it is called again after Close and after Crash.
	Open func() (store.DB, error)
	// Crash takes the power away from an open DB, whose goroutines it must end;
	// what Open finds afterwards is what the disk held. Nil if the engine keeps
	// nothing on a disk: the suite then neither crashes nor reopens.
	Crash func(db store.DB, rng *rand.Rand)
}

// The stores of the suite. Keys are plain bytes to an engine, whatever the kind.
func specs() []store.Spec {
	return []store.Spec{
		{Name: "plain", Kind: store.KindKeyValue},
		{Name: "timed", Kind: store.KindKeyValue, Timestamped: true},
		{Name: "sessions", Kind: store.KindSession, Retention: 1e12},
	}
}

// rig is an open DB with its engines.
type rig struct {
	Machine
	t       *testing.T
	db      store.DB
	engines []store.Engine
}

func newRig(t *testing.T, m Machine) *rig {
	t.Helper()
	r := &rig{Machine: m, t: t}
	r.open()
	t.Cleanup(func() { require.NoError(t, r.db.Close()) })
	return r
}

func (r *rig) open() {
	r.t.Helper()
	db, err := r.Open()
	require.NoError(r.t, err)
	r.db, r.engines = db, nil
	for _, spec := range specs() {
		e, err := db.Engine(spec)
		require.NoError(r.t, err)
		r.engines = append(r.engines, e)
	}
}

func (r *rig) reopen() {
	r.t.Helper()
	require.NoError(r.t, r.db.Close())
	r.open()
}

// pair is one key with its value.
type pair struct{ key, value string }

// scan collects what an engine has in a range, at most limit pairs.
func scan(t *testing.T, e store.Engine, lo, hi []byte, reverse bool, limit int) []pair {
	t.Helper()
	out := []pair{}
	require.NoError(t, e.Scan(lo, hi, reverse, func(key, value []byte) bool {
		out = append(out, pair{string(key), string(value)})
		return len(out) < limit
	}))
	return out
}
