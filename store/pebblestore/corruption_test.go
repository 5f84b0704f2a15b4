package pebblestore_test

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/pebblestore"
)

// image is a directory as names and bytes, so that a copy costs little.
type image map[string][]byte

func imageOf(t testing.TB, fs vfs.FS) image {
	t.Helper()
	names, err := fs.List("s")
	require.NoError(t, err)
	out := image{}
	for _, name := range names {
		f, err := fs.Open("s/" + name)
		require.NoError(t, err)
		out[name], err = io.ReadAll(f)
		require.NoError(t, err)
		require.NoError(t, f.Close())
	}
	return out
}

// disk writes the image to a new file system.
func (m image) disk() (vfs.FS, error) {
	fs := vfs.NewMem()
	err := fs.MkdirAll("s", 0o700)
	for name, data := range m {
		f, creating := fs.Create("s/"+name, vfs.WriteCategoryUnspecified)
		if creating != nil {
			return nil, creating
		}
		_, writing := f.Write(slices.Clone(data))
		err = errors.Join(err, writing, f.Close())
	}
	return fs, err
}

// clone copies the names only; a damage replaces bytes, it never changes them.
func (m image) clone() image { return maps.Clone(m) }

func (m image) pick(rng *rand.Rand) string {
	names := slices.Sorted(maps.Keys(m))
	return names[rng.IntN(len(names))]
}

// states are directories of one life at several moments, the last one the newest.
func states(t testing.TB) (*life, []image) {
	t.Helper()
	l, mem := newLife(), vfs.NewMem()
	var out []image
	for i := range l.phases() {
		require.NoError(t, l.open(mem))
		require.NoError(t, l.phases()[i]())
		require.NoError(t, l.db.Close()) // files come and go while it is open
		out = append(out, imageOf(t, mem))
		l.positions = append(l.positions, l.next)
	}
	return l, out
}

// damages are the ways in which disks and people spoil a directory.
func damages() map[string]func(rng *rand.Rand, m image, older image) {
	return map[string]func(*rand.Rand, image, image){
		"flipped bit": func(rng *rand.Rand, m, _ image) {
			m.change(rng, func(b []byte) []byte {
				b[rng.IntN(len(b))] ^= 1 << rng.IntN(8)
				return b
			})
		},
		"scribbled": func(rng *rand.Rand, m, _ image) {
			m.change(rng, func(b []byte) []byte {
				at := rng.IntN(len(b))
				for i := at; i < min(len(b), at+1+rng.IntN(600)); i++ {
					b[i] = byte(rng.Uint32())
				}
				return b
			})
		},
		"truncated": func(rng *rand.Rand, m, _ image) { m.change(rng, func(b []byte) []byte { return b[:rng.IntN(len(b))] }) },
		"grown":     func(rng *rand.Rand, m, _ image) { m.change(rng, func(b []byte) []byte { return append(b, b...) }) },
		"zeroed":    func(rng *rand.Rand, m, _ image) { m.change(rng, func(b []byte) []byte { clear(b); return b }) },
		"zeroed tail": func(rng *rand.Rand, m, _ image) {
			m.change(rng, func(b []byte) []byte { clear(b[rng.IntN(len(b)):]); return b })
		},
		"deleted": func(rng *rand.Rand, m, _ image) { delete(m, m.pick(rng)) },
		"many deleted": func(rng *rand.Rand, m, _ image) {
			for range 1 + rng.IntN(len(m)) {
				delete(m, m.pick(rng))
			}
		},
		"renamed": func(rng *rand.Rand, m, _ image) {
			from := m.pick(rng)
			m["lost+"+from] = m[from]
			delete(m, from)
		},
		"renamed over another": func(rng *rand.Rand, m, _ image) {
			from, to := m.pick(rng), m.pick(rng)
			m[to] = m[from]
			delete(m, from)
		},
		"swapped": func(rng *rand.Rand, m, _ image) {
			// Of equal size they would take each other's place: checksums cover what is
			// in a table, not which table it is. No disk does that by itself.
			if a, b := m.pick(rng), m.pick(rng); len(m[a]) != len(m[b]) {
				m[a], m[b] = m[b], m[a]
			}
		},
		"stale file": func(rng *rand.Rand, m, older image) {
			name := older.pick(rng)
			m[name] = older[name]
		},
		"stale copy over it": func(_ *rand.Rand, m, older image) { maps.Copy(m, older) },
		"stale directory": func(_ *rand.Rand, m, older image) {
			clear(m)
			maps.Copy(m, older)
		},
	}
}

// change replaces a file's bytes, of one that has any.
func (m image) change(rng *rand.Rand, f func([]byte) []byte) {
	for {
		name := m.pick(rng)
		if len(m[name]) > 0 {
			m[name] = f(slices.Clone(m[name]))
			return
		}
	}
}

// outcome of a corruption.
type outcome int

const (
	intact  outcome = iota // the newest state
	older                  // an older commit, which the changelog completes
	known                  // ErrCorrupt, so it is set aside and rebuilt
	refused                // another clear error
)

// corruption is one case, made of its seed.
func (l *life) corruption(images []image, seed uint64) (name string, o outcome, err error) {
	rng := rand.New(rand.NewPCG(seed, 77))
	i := rng.IntN(len(images))
	m, old := images[i].clone(), images[rng.IntN(i+1)]
	all := damages()
	name = slices.Sorted(maps.Keys(all))[rng.IntN(len(all))]
	all[name](rng, m, old)
	fs, err := m.disk()
	if err != nil {
		return name, 0, err
	}
	o, err = l.judge(fs, l.positions[i])
	if o == known && err == nil {
		err = l.rebuild(fs)
	}
	return name, o, err
}

// judge opens a directory, reads all of it, and compares it with what its position
// says.
func (l *life) judge(fs vfs.FS, newest int64) (outcome, error) {
	reader := &life{at: l.at}
	err := reader.check(fs)
	switch {
	case errors.Is(err, errWrong):
		return 0, err
	case errors.Is(err, store.ErrCorrupt):
		if err := reader.open(fs); !errors.Is(err, store.ErrCorrupt) {
			return 0, fmt.Errorf("damage was found, but is forgotten at the next start: %w", err)
		}
		return known, nil
	case errors.Is(err, store.ErrNewerFormat):
		return refused, nil
	case err != nil:
		return 0, fmt.Errorf("an error of no kind: %w", err)
	}
	if reader.db.Position()["log"] == newest {
		return intact, nil
	}
	return older, nil
}

// rebuild sets the directory aside and restores the state, as the runtime does.
func (l *life) rebuild(fs vfs.FS) error {
	if err := fs.Rename("s", "s.corrupt"); err != nil {
		return err
	}
	again := &life{at: l.at}
	if err := again.open(fs); err != nil {
		return err
	}
	var muts []store.Mutation
	for k, v := range l.now {
		muts = append(muts, store.Mutation{Key: []byte(k), Value: []byte(v)})
	}
	err := again.db.Apply("plain", muts, store.Position{"log": l.next})
	return errors.Join(err, again.db.Close(), again.check(fs))
}

// TestCorruptions spoils directories at random. No read may be wrong without an
// error: what opens is a commit as it was, the newest or an older one, or the damage
// is known and the state is rebuilt. A stale copy of the whole directory is an older
// commit, and legal.
func TestCorruptions(t *testing.T) {
	t.Parallel()
	l, images := states(t)
	n, first := 400, uint64(time.Now().UnixNano())
	if *cases > 0 {
		n = *cases
	}
	if *seed != 0 {
		n, first = 1, *seed
	}
	var next atomic.Int64
	var mu sync.Mutex
	counts := map[string]*[4]int{}
	var workers sync.WaitGroup
	for range 2 {
		workers.Go(func() {
			for i := next.Add(1) - 1; i < int64(n) && !t.Failed(); i = next.Add(1) - 1 {
				name, o, err := l.corruption(images, first+uint64(i))
				if err != nil {
					t.Errorf("%s: %v\ngo test ./store/pebblestore -run TestCorruptions -seed %d", name, err, first+uint64(i))
					continue
				}
				mu.Lock()
				if counts[name] == nil {
					counts[name] = new([4]int)
				}
				counts[name][o]++
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		c := counts[name]
		lines = append(lines, fmt.Sprintf("%-22s %5d %5d %5d %5d", name, c[intact], c[older], c[known], c[refused]))
	}
	t.Logf("%d corruptions\n%-22s intact older known refused\n%s", n, "", strings.Join(lines, "\n"))
}

// A damage that is found while reading ends the DB, and the next start knows of it.
func TestDamageIsRemembered(t *testing.T) {
	t.Parallel()
	l, images := states(t)
	m := images[len(images)-1].clone()
	for name, data := range m {
		if strings.HasSuffix(name, ".sst") && len(data) > 1000 {
			m[name] = slices.Clone(data)
			m[name][200] ^= 1
		}
	}
	fs, err := m.disk()
	require.NoError(t, err)
	db, err := pebblestore.Open("s", pebblestore.Options{FS: fs})
	if err == nil {
		e, engine := db.Engine(plain)
		require.NoError(t, engine)
		err = compare(e, l.now)
		require.ErrorIs(t, db.Commit(nil), store.ErrCorrupt, "it stays failed")
		_ = db.Close()
	}
	require.ErrorIs(t, err, store.ErrCorrupt)
	_, err = pebblestore.Open("s", pebblestore.Options{FS: fs})
	require.ErrorIs(t, err, store.ErrCorrupt)
	require.ErrorContains(t, err, "set the directory aside")
}
