package pebblestore

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/keyenc"
)

// twin is a store of windows beside a plain map of what is staged, and of what is
// committed.
type twin struct {
	t                 *testing.T
	r                 *rand.Rand
	db                *DB
	e                 *engine
	staged, committed map[string]string
	at                int64
	what              string
}

func newTwin(t *testing.T, seed uint64, budget int64) *twin {
	shared := NewShared(budget)
	db, err := Open("s", Options{FS: vfs.NewMem(), Shared: shared})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()); require.NoError(t, shared.Close()) })
	st, err := db.Engine(store.Spec{Name: "w", Kind: store.KindWindow, WindowSize: time.Minute, Retention: time.Hour, RetainDuplicates: true})
	require.NoError(t, err)
	return &twin{t: t, r: rand.New(rand.NewPCG(seed, 2)), db: db, e: st.(*engine), staged: map[string]string{}, committed: map[string]string{}}
}

// key is one of a few hundred, within few segments.
func (w *twin) key() []byte {
	return keyenc.AppendWindow(nil, w.r.Int64N(4), fmt.Appendf(nil, "k\x00%d", w.r.IntN(5)), w.r.Int64N(8), int32(w.r.IntN(2)))
}

// bounds are those of a part of a group, of a group, or of anything.
func (w *twin) bounds() (lo, hi []byte) {
	segment, key := w.r.Int64N(4), fmt.Appendf(nil, "k\x00%d", w.r.IntN(5))
	lo = keyenc.KeyPrefix(nil, segment, key)
	switch w.r.IntN(4) {
	case 0:
		return keyenc.AppendInt64(lo, w.r.Int64N(8)), keyenc.KeyPrefixEnd(nil, segment, key)
	case 1:
		return lo, keyenc.KeyPrefixEnd(nil, segment, key)
	case 2:
		from := w.r.Int64N(8)
		return keyenc.AppendInt64(slices.Clone(lo), from), keyenc.AppendInt64(lo, from+w.r.Int64N(4))
	}
	return keyenc.SegmentPrefix(nil, segment), keyenc.SegmentPrefix(nil, segment+w.r.Int64N(3))
}

// want lists what a scan must visit.
func (w *twin) want(lo, hi []byte, reverse bool) (pairs []string) {
	for _, k := range slices.Sorted(maps.Keys(w.staged)) {
		if bytes.Compare([]byte(k), lo) >= 0 && (hi == nil || bytes.Compare([]byte(k), hi) < 0) {
			pairs = append(pairs, fmt.Sprintf("%x=%s", k, w.staged[k]))
		}
	}
	if reverse {
		slices.Reverse(pairs)
	}
	return pairs
}

// scan compares a scan; on its way another one is made now and then.
func (w *twin) scan(nested bool) {
	lo, hi := w.bounds()
	reverse := w.r.IntN(2) == 0
	var got []string
	require.NoError(w.t, w.e.Scan(lo, hi, reverse, func(k, v []byte) bool {
		if nested && w.r.IntN(3) == 0 {
			w.scan(false)
		}
		got = append(got, fmt.Sprintf("%x=%s", k, v))
		return true
	}))
	require.Equal(w.t, w.want(lo, hi, reverse), got, w.what)
}

func (w *twin) step() {
	switch k := w.key(); w.r.IntN(16) {
	default:
		v := fmt.Sprint(w.r.IntN(1 << w.r.IntN(30)))
		require.NoError(w.t, w.e.Put(k, []byte(v)))
		w.staged[string(k)] = v
	case 0, 1:
		require.NoError(w.t, w.e.Delete(k))
		delete(w.staged, string(k))
	case 2:
		lo, hi := w.bounds()
		require.NoError(w.t, w.e.DeleteRange(lo, hi))
		maps.DeleteFunc(w.staged, func(k, _ string) bool {
			return bytes.Compare([]byte(k), lo) >= 0 && bytes.Compare([]byte(k), hi) < 0
		})
	case 3:
		w.at++
		require.NoError(w.t, w.db.Commit(store.Position{"log": w.at}))
		w.committed = maps.Clone(w.staged)
		require.Zero(w.t, w.db.StagedBytes())
	case 4:
		w.db.Rollback()
		w.staged = maps.Clone(w.committed)
	case 5, 6, 7, 8:
		w.scan(true)
	case 9, 10, 11:
		v, ok, err := w.e.Get(k)
		require.NoError(w.t, err)
		want, there := w.staged[string(k)]
		require.Equal(w.t, there, ok, w.what)
		require.Equal(w.t, want, string(v), w.what)
	}
}

// TestRecentAgainstModel: whatever is put, removed, committed, rolled back and cut, gets
// and scans see what a map has, with much room and with none.
func TestRecentAgainstModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		for _, budget := range []int64{1 << 20, 64 << 20} {
			w := newTwin(t, seed, budget)
			for step := range 400 {
				w.what = fmt.Sprintf("seed %d, budget %d, step %d", seed, budget, step)
				w.step()
				w.e.spills = 0 // a store that is scanned so often would lose its front
				w.check()
			}
		}
	}
}

// check recounts what the front keeps count of.
func (w *twin) check() {
	r := w.e.front.(*recent)
	var held, staged int64
	for _, s := range r.segments {
		var all int64
		for _, g := range s.groups {
			all += aroundGroup + int64(len(g.prefix))
			for i := range g.rows {
				m := &g.rows[i]
				all += m.weight()
				if m.dirty {
					staged += m.weight() + int64(len(g.prefix)+len(m.tail()))
				}
			}
			require.True(w.t, slices.IsSortedFunc(g.rows, func(a, b member) int { return bytes.Compare(a.tail(), b.tail()) }), w.what)
		}
		require.Equal(w.t, all, s.held, w.what)
		held += all
	}
	require.Equal(w.t, []int64{held, staged}, []int64{r.held, r.staged}, w.what)
}

// TestRecentNeedsNothingBelow: what was written in this life of the store is read
// without a search, also after a commit; and a key that was never written is known to
// be absent.
func TestRecentNeedsNothingBelow(t *testing.T) { // not parallel: it counts allocations
	w := newTwin(t, 1, 64<<20)
	put := keyenc.AppendWindow(nil, 1, []byte("k"), 5, 0)
	require.NoError(t, w.e.Put(put, []byte("v")))
	require.NoError(t, w.db.Commit(store.Position{"log": 1}))
	r := w.e.front.(*recent)
	r.below = nil // a search would panic
	value, ok, err := w.e.Get(put)
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, "v", string(value))
	_, ok, err = w.e.Get(keyenc.AppendWindow(nil, 1, []byte("other"), 5, 0))
	require.NoError(t, err)
	require.False(t, ok)
	lo, hi := keyenc.KeyPrefix(nil, 1, []byte("k")), keyenc.KeyPrefixEnd(nil, 1, []byte("k"))
	n := 0
	require.NoError(t, w.e.Scan(lo, hi, false, func(_, _ []byte) bool { n++; return true }))
	require.Equal(t, 1, n)
	require.Zero(t, testing.AllocsPerRun(100, func() { _ = w.e.Scan(lo, hi, false, func(_, _ []byte) bool { return true }) }))
}

// TestRecentDropsOldSegments first.
func TestRecentDropsOldSegments(t *testing.T) {
	t.Parallel()
	w := newTwin(t, 1, 64<<20)
	for segment := range int64(10) {
		require.NoError(t, w.e.Put(keyenc.AppendWindow(nil, segment, []byte("k"), 5, 0), make([]byte, 1000)))
	}
	require.NoError(t, w.db.Commit(store.Position{"log": 1}))
	r := w.e.front.(*recent)
	require.Len(t, r.segments, 10)
	r.sweep(r.held / 2)
	require.Len(t, r.segments, 5)
	for number := range r.segments {
		lo, _ := segmentBounds(number)
		require.GreaterOrEqual(t, keyenc.Int64(lo), int64(5))
	}
	_, ok, err := w.e.Get(keyenc.AppendWindow(nil, 0, []byte("k"), 5, 0))
	require.NoError(t, err)
	require.True(t, ok, "it is below")
}

// TestGrowingValuesDoNotPileUp: a value that is written again and again, each time longer,
// leaves little behind.
func TestGrowingValuesDoNotPileUp(t *testing.T) {
	t.Parallel()
	w := newTwin(t, 1, 64<<20)
	key := keyenc.AppendWindow(nil, 1, []byte("k"), 5, 0)
	o := newOverlay(roomy)
	for n := range 20_000 {
		require.NoError(t, w.e.Put(key, make([]byte, n)))
		_, err := o.put(key, make([]byte, n))
		require.NoError(t, err)
	}
	var kept int
	for _, s := range w.e.front.(*recent).segments {
		for _, c := range s.values.chunks {
			kept += cap(c)
		}
	}
	require.Less(t, kept, 10*20_000)
}
