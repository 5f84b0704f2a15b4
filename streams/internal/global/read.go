package global

import (
	"fmt"

	"github.com/millrace/millrace/store"
)

// Engine is a global store for one task: what is committed, for reading, and without a
// lock. The task ends before the Keeper does.
func (k *Keeper) Engine(name string) (store.Engine, error) {
	read, err := k.reader(name)
	if err != nil {
		return nil, err
	}
	return store.ReadOnly(read()), nil
}

func (k *Keeper) reader(name string) (func() store.Reader, error) {
	read, ok := k.readers[name]
	if !ok {
		return nil, fmt.Errorf("there is no global store %q", name)
	}
	return read, nil
}

// Reader is a global store for one goroutine at a time, which may use it longer than
// the Keeper lives: then it fails.
func (k *Keeper) Reader(name string) (store.Reader, error) {
	read, err := k.reader(name)
	if err != nil {
		return nil, err
	}
	k.gate.RLock()
	defer k.gate.RUnlock()
	if k.ended {
		return nil, closed(name)
	}
	return &guarded{k: k, name: name, to: read()}, nil
}

func closed(name string) error { return fmt.Errorf("the global store %s: %w", name, store.ErrClosed) }

// guarded is a reader that Close waits for.
type guarded struct {
	k    *Keeper
	name string
	to   store.Reader
}

// Get implements store.Reader.
func (g *guarded) Get(key []byte) (value []byte, ok bool, err error) {
	g.k.gate.RLock()
	defer g.k.gate.RUnlock()
	if g.k.ended {
		return nil, false, closed(g.name)
	}
	return g.to.Get(key)
}

// Scan implements store.Reader.
func (g *guarded) Scan(lo, hi []byte, reverse bool, visit func(key, value []byte) bool) error {
	g.k.gate.RLock()
	defer g.k.gate.RUnlock()
	if g.k.ended {
		return closed(g.name)
	}
	return g.to.Scan(lo, hi, reverse, visit)
}
