package pebblestore

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store"
)

// under is what an overlay drains into.
type under map[string]string

func roomy() int64 { return 1 << 20 }

func (b under) set(key, value []byte) error { b[string(key)] = string(value); return nil }
func (b under) remove(key []byte) error     { delete(b, string(key)); return nil }

// read asks the overlay, then what is below, as an engine does.
func (b under) read(o *overlay, key string) (string, bool) {
	if value, there, known, _ := o.get([]byte(key)); known {
		return string(value), there
	}
	value, ok := b[key]
	if ok {
		o.remember([]byte(key), []byte(value))
	}
	return value, ok
}

// TestOverlayAgainstModel: whatever is put, removed, drained, cut and swept, a read
// finds what a plain map has.
func TestOverlayAgainstModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		o, below, want := newOverlay(roomy), under{}, map[string]string{}
		for step := range 500 {
			key := fmt.Sprint(r.IntN(40))
			switch r.IntN(12) {
			default:
				value := fmt.Sprint(r.IntN(1 << r.IntN(30)))
				o.put([]byte(key), []byte(value))
				want[key] = value
			case 0, 1:
				o.remove([]byte(key))
				delete(want, key)
			case 2:
				require.NoError(t, o.drain(below.set, below.remove))
				require.Equal(t, want, map[string]string(below), "seed %d step %d", seed, step)
			case 3:
				require.NoError(t, o.drain(below.set, below.remove))
				hi := fmt.Sprint(r.IntN(40))
				o.cut([]byte(key), []byte(hi))
				for _, m := range []map[string]string{want, below} {
					maps.DeleteFunc(m, func(k, _ string) bool { return k >= key && k < hi })
				}
			case 4:
				require.NoError(t, o.drain(below.set, below.remove))
				o.sweep(int64(r.IntN(3000)))
			}
			got, ok := below.read(o, key)
			value, there := want[key]
			require.Equal(t, there, ok, "seed %d step %d key %s", seed, step, key)
			require.Equal(t, value, got, "seed %d step %d key %s", seed, step, key)
			o.check(t)
		}
	}
}

// check recounts what the overlay keeps count of.
func (o *overlay) check(t *testing.T) {
	t.Helper()
	var held, staged int64
	for i, r := range o.rows {
		size := int64(len(r.key)+len(r.value)) + aroundRow
		held += size
		if r.dirty {
			staged += size
			require.Contains(t, o.dirty, uint32(i))
		}
		require.Equal(t, uint32(i), o.index[r.key])
	}
	require.Len(t, o.index, len(o.rows))
	require.Equal(t, []int64{held, staged}, []int64{o.held, o.staged})
}

// TestOverlayDrainsInOrder: what is below gets its keys sorted, each once.
func TestOverlayDrainsInOrder(t *testing.T) {
	t.Parallel()
	o := newOverlay(roomy)
	for range 3 {
		for _, k := range []string{"m", "a", "z", "b"} {
			o.put([]byte(k), []byte("v"))
		}
	}
	o.remove([]byte("b"))
	var keys []string
	require.NoError(t, o.drain(
		func(k, _ []byte) error { keys = append(keys, string(k)); return nil },
		func(k []byte) error { keys = append(keys, "-"+string(k)); return nil }))
	require.Equal(t, []string{"a", "-b", "m", "z"}, keys)
	require.Zero(t, o.staged)
	require.ErrorContains(t, func() error {
		o.put([]byte("a"), nil)
		return o.drain(func(_, _ []byte) error { return fmt.Errorf("full") }, nil)
	}(), "full")
}

// TestOverlaySweeps keeps what was in use where that fits, and nothing else.
func TestOverlaySweeps(t *testing.T) {
	t.Parallel()
	o := newOverlay(roomy)
	nothing := func(_, _ []byte) error { return nil }
	for i := range 100 {
		o.put(fmt.Appendf(nil, "%03d", i), []byte("value"))
	}
	require.NoError(t, o.drain(nothing, nil))
	o.sweep(1 << 20)
	require.Len(t, o.rows, 100, "it fits")
	for i := range 10 {
		o.get(fmt.Appendf(nil, "%03d", i))
	}
	o.sweep(20 * aroundRow)
	require.Equal(t, []string{"000", "001", "002"}, slices.Sorted(maps.Keys(o.index))[:3])
	require.Len(t, o.rows, 10)
	o.get([]byte("000"))
	o.sweep(aroundRow / 2)
	require.Empty(t, o.rows)
	o.check(t)
}

// TestOverlayDoesNotAllocate once it knows its keys.
func TestOverlayDoesNotAllocate(t *testing.T) {
	o := newOverlay(roomy)
	key, value := []byte("a key"), []byte("a value")
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		o.put(key, value)
		o.get(key)
	}))
}

// TestBehindCache: a store with a cache in front of it has no overlay; one that
// remembers something already keeps it, because it may be staged.
func TestBehindCache(t *testing.T) {
	t.Parallel()
	d, err := Open("s", Options{FS: vfs.NewMem()})
	require.NoError(t, err)
	defer d.Close()
	for _, written := range []bool{false, true} {
		st, err := d.Engine(store.Spec{Name: fmt.Sprint(written), Kind: store.KindKeyValue})
		require.NoError(t, err)
		if written {
			require.NoError(t, st.Put([]byte("k"), []byte("v")))
		}
		st.(store.Backing).BehindCache()
		require.Equal(t, written, st.(*engine).front != nil)
		require.NoError(t, st.Put([]byte("k2"), []byte("v2")))
		value, ok, err := st.Get([]byte("k2"))
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, "v2", string(value))
	}
}
