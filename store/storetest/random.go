package storetest

import (
	"maps"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store"
)

// counter is the topic whose offset rises with every commit, so that a position
// tells which commit it belongs to.
const counter = "counter-changelog"

// program is one random run.
type program struct {
	*rig
	rng   *rand.Rand
	model *model
	next  int64
}

// RunSeed runs one random program of so many steps against a new machine.
func RunSeed(t *testing.T, m Machine, seed uint64, steps int) {
	t.Helper()
	t.Logf("storetest seed %d, %d steps", seed, steps)
	p := &program{rig: newRig(t, m), rng: rand.New(rand.NewPCG(seed, 1)), model: newModel()}
	ops := p.ops()
	for range steps {
		ops[p.rng.IntN(len(ops))]()
		if t.Failed() {
			return
		}
	}
	p.verify()
}

// ops lists the operations; the more often one stands there the likelier it is.
func (p *program) ops() []func() {
	weights := []struct {
		op     func()
		weight int
	}{
		{p.put, 40}, {p.remove, 12}, {p.deleteRange, 2}, {p.get, 20}, {p.scanSome, 12},
		{p.commit, 6}, {p.rollback, 1}, {p.apply, 2}, {p.flush, 1},
	}
	var ops []func()
	for _, w := range weights {
		for range w.weight {
			ops = append(ops, w.op)
		}
	}
	if p.Crash != nil {
		ops = append(ops, p.restart, p.crash)
	}
	return ops
}

// key is short and of few letters, so that keys repeat, extend each other, are
// empty, and hold zero bytes.
func (p *program) key() []byte {
	k := make([]byte, p.rng.IntN(4))
	for i := range k {
		k[i] = "\x00\x01ab\xff"[p.rng.IntN(5)]
	}
	return k
}

func (p *program) value() []byte {
	size := p.rng.IntN(40)
	if p.rng.IntN(50) == 0 {
		size = p.rng.IntN(20_000)
	}
	v := make([]byte, size)
	for i := range v {
		v[i] = byte(p.rng.Uint32())
	}
	return v
}

func (p *program) store() int { return p.rng.IntN(len(p.engines)) }

// bound is a key, or open.
func (p *program) bound() []byte {
	if p.rng.IntN(4) == 0 {
		return nil
	}
	return p.key()
}

func (p *program) put() {
	i, k, v := p.store(), p.key(), p.value()
	require.NoError(p.t, p.engines[i].Put(k, v))
	p.model.now.stores[i][string(k)] = string(v)
	scribble(k, v)
}

// scribble changes bytes that an engine must have copied.
func scribble(slices ...[]byte) {
	for _, s := range slices {
		for i := range s {
			s[i] ^= 0x55
		}
	}
}

func (p *program) remove() {
	i, k := p.store(), p.key()
	require.NoError(p.t, p.engines[i].Delete(k))
	delete(p.model.now.stores[i], string(k))
}

func (p *program) deleteRange() {
	i, lo, hi := p.store(), p.key(), p.key()
	if string(lo) > string(hi) {
		lo, hi = hi, lo
	}
	require.NoError(p.t, p.engines[i].DeleteRange(lo, hi))
	p.model.deleteRange(i, string(lo), string(hi))
}

func (p *program) get() {
	i, k := p.store(), p.key()
	got, ok, err := p.engines[i].Get(k)
	require.NoError(p.t, err)
	want, there := p.model.now.stores[i][string(k)]
	require.Equal(p.t, there, ok, "key %x of store %d", k, i)
	require.Equal(p.t, want, string(got), "key %x of store %d", k, i)
}

func (p *program) scanSome() {
	i, lo, hi, reverse, limit := p.store(), p.bound(), p.bound(), p.rng.IntN(2) == 0, math.MaxInt
	if p.rng.IntN(3) == 0 {
		limit = 1 + p.rng.IntN(5)
	}
	require.Equal(p.t, p.model.scan(i, lo, hi, reverse, limit), scan(p.t, p.engines[i], lo, hi, reverse, limit),
		"scan of store %d from %x to %x, reverse %t", i, lo, hi, reverse)
}

// position names the next commit, and sometimes another topic.
func (p *program) position() store.Position {
	p.next++
	pos := store.Position{counter: p.next}
	if p.rng.IntN(3) == 0 {
		pos["other-changelog"] = p.rng.Int64()
	}
	return pos
}

func (p *program) commit() {
	pos := p.position()
	require.NoError(p.t, p.db.Commit(pos))
	p.model.commit(pos)
	require.Zero(p.t, p.db.StagedBytes())
	require.Equal(p.t, p.model.now.position, p.db.Position())
}

func (p *program) rollback() {
	p.db.Rollback()
	p.model.rollback()
	require.Zero(p.t, p.db.StagedBytes())
}

func (p *program) apply() {
	p.rollback()
	i, pos := p.store(), p.position()
	var muts []store.Mutation
	for range p.rng.IntN(20) {
		m := store.Mutation{Key: p.key()}
		delete(p.model.now.stores[i], string(m.Key))
		if p.rng.IntN(4) > 0 {
			m.Value = p.value()
			p.model.now.stores[i][string(m.Key)] = string(m.Value)
		}
		muts = append(muts, m)
	}
	require.NoError(p.t, p.db.Apply(specs()[i].Name, muts, pos))
	p.model.commit(pos)
}

func (p *program) flush() {
	require.NoError(p.t, p.db.Flush())
	p.model.flush()
}

func (p *program) restart() {
	p.reopen()
	p.model.rollback()
	p.model.flush()
	p.verify()
}

// crash is the test that all this is for: whatever was lost, the DB stands at a
// commit, as a whole, and that one is not older than the last flush.
func (p *program) crash() {
	p.Crash(p.db, p.rng)
	p.open()
	found := p.db.Position()
	require.True(p.t, p.model.crashed(found), "after a crash the position %v is none of those committed since the last flush", found)
	p.verify()
}

// verify compares everything.
func (p *program) verify() {
	require.True(p.t, maps.Equal(p.model.committed().position, p.db.Position()))
	for i, e := range p.engines {
		require.Equal(p.t, p.model.scan(i, nil, nil, false, math.MaxInt), scan(p.t, e, nil, nil, false, math.MaxInt), "store %d", i)
	}
}
