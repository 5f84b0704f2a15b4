package memstore

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"

	"github.com/millrace/millrace/store"
)

var _ store.Snapshotter = (*DB)(nil)

// pair is one key with its value; both are the snapshot's own.
type pair struct{ key, value []byte }

// snapshotData is the committed state of all stores, sorted by key. It never changes
// and is shared by all snapshots of one commit.
type snapshotData struct {
	stores   map[string][]pair
	position store.Position
}

// Snapshot implements [store.Snapshotter]. The first one after a commit copies the
// state; the task waits for it with its writes. Snapshots outlive the DB.
func (d *DB) Snapshot() (store.Snapshot, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, store.ErrClosed
	}
	if d.last == nil {
		d.last = &snapshotData{stores: map[string][]pair{}, position: maps.Clone(d.position)}
		for name, e := range d.engines {
			d.last.stores[name] = e.list.committed(d.staged)
		}
	}
	return &snapshot{data: d.last}, nil
}

// committed copies a list as it was before what is staged.
func (l *list) committed(staged journal) []pair {
	// The oldest note of a key tells how it was at the commit.
	before := map[string]undo{}
	for _, u := range slices.Backward(staged.entries) {
		if u.list == l {
			before[string(u.key)] = u
		}
	}
	var out []pair
	for n := l.head.next[0]; n != nil; n = n.next[0] {
		if _, changed := before[string(n.key)]; !changed {
			out = append(out, pair{bytes.Clone(n.key), copied(n.value)})
		}
	}
	for key, u := range before {
		if u.had {
			out = append(out, pair{[]byte(key), copied(staged.arena[u.from:u.to])})
		}
	}
	slices.SortFunc(out, func(a, b pair) int { return bytes.Compare(a.key, b.key) })
	return out
}

// copied is a copy that is never nil.
func copied(b []byte) []byte { return append([]byte{}, b...) }

// snapshot implements [store.Snapshot].
type snapshot struct {
	data   *snapshotData
	closed atomic.Bool
}

// Position implements [store.Snapshot].
func (s *snapshot) Position() store.Position { return maps.Clone(s.data.position) }

// Reader implements [store.Snapshot].
func (s *snapshot) Reader(name string) (store.Reader, error) {
	pairs, ok := s.data.stores[name]
	if !ok {
		return nil, fmt.Errorf("store %q has no engine in this task", name)
	}
	return reader{s, pairs}, nil
}

// Close implements [store.Snapshot].
func (s *snapshot) Close() error {
	s.closed.Store(true)
	return nil
}

// reader is one store of a snapshot.
type reader struct {
	of    *snapshot
	pairs []pair
}

// find is the place of the first key at or above key.
func (r reader) find(key []byte) int {
	at, _ := slices.BinarySearchFunc(r.pairs, key, func(p pair, k []byte) int { return bytes.Compare(p.key, k) })
	return at
}

// Get implements [store.Reader]; the value is a copy.
func (r reader) Get(key []byte) (value []byte, ok bool, err error) {
	if r.of.closed.Load() {
		return nil, false, store.ErrClosed
	}
	at := r.find(key)
	if at == len(r.pairs) || !bytes.Equal(r.pairs[at].key, key) {
		return nil, false, nil
	}
	return copied(r.pairs[at].value), true, nil
}

// Scan implements [store.Reader].
func (r reader) Scan(lo, hi []byte, reverse bool, visit func(key, value []byte) bool) error {
	if r.of.closed.Load() {
		return store.ErrClosed
	}
	from, to := r.find(lo), len(r.pairs)
	if hi != nil {
		to = max(from, r.find(hi))
	}
	for i := range to - from {
		p := r.pairs[from+i]
		if reverse {
			p = r.pairs[to-1-i]
		}
		if !visit(p.key, p.value) {
			return nil
		}
	}
	return nil
}
