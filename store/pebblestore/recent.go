package pebblestore

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"maps"
	"slices"
	"strings"
	"unsafe"

	"github.com/millrace/millrace/store/keyenc"
)

// recent is the front of a store of windows or sessions: what one key has within one
// segment lies together, in order, so that a fetch of it needs no search below. Where
// a segment was empty when it was first touched, as the present one is, what is not
// here is nowhere. Whole segments are dropped, the oldest first.
type recent struct {
	below    below
	segments map[uint64]*segment
	last     *segment // that was used last
	dirty    []*group
	scratch  []byte
	// held is what all weighs, staged what the dirty rows do, bytes.
	held, staged int64
	limit        func() int64
}

// below is the batch and Pebble, as an engine reads them.
type below interface {
	// each visits what is in [lo, hi) until visit returns false.
	each(lo, hi []byte, visit func(key, value []byte) bool) error
}

// segment is a span of event time.
type segment struct {
	number uint64 // as the keys begin with it
	groups map[string]*group
	arena  arena // prefixes
	values vault
	// fresh says that nothing of the segment is below but what was drained from here.
	fresh bool
	held  int64
}

// group is what one key has within a segment.
type group struct {
	in     *segment
	prefix string // in the arena
	rows   []member
	whole  bool // rows are all there is
	dirty  bool // some rows are to be drained
}

// member is a row of a group. It holds no pointer, so that the garbage collector has
// nothing to look for in it.
type member struct {
	suffix [maxSuffix]byte
	place  place // of the value, in the segment's vault
	length uint8 // of the suffix
	dirty  bool
	gone   bool // deleted; it hides what is below
}

// vault holds the values of a segment, which go all together.
type vault struct{ chunks [][]byte }

// place is where a value lies, and how long it may become there.
type place struct {
	chunk, from, size, room uint32
}

// take finds a place with room for so many bytes.
func (v *vault) take(room int) place {
	last := len(v.chunks) - 1
	if last < 0 || len(v.chunks[last])+room > cap(v.chunks[last]) {
		size := firstChunk
		if last >= 0 {
			size = min(2*cap(v.chunks[last]), lastChunk)
		}
		v.chunks = append(v.chunks, make([]byte, 0, max(size, room)))
		last++
	}
	from := len(v.chunks[last])
	v.chunks[last] = v.chunks[last][:from+room]
	return place{chunk: uint32(last), from: uint32(from), room: uint32(room)}
}

// at is the value at a place.
func (v *vault) at(p place) []byte {
	if p.size == 0 {
		return []byte{} // it may have no place
	}
	return v.chunks[p.chunk][p.from : p.from+p.size : p.from+p.size]
}

const (
	// maxSuffix is what follows the key in the keys of sessions: end and start.
	maxSuffix   = 16
	aroundGroup = int64(unsafe.Sizeof(group{})) + 48
	aroundOne   = int64(unsafe.Sizeof(member{}))
)

func newRecent(b below, limit func() int64) *recent {
	return &recent{below: b, segments: map[uint64]*segment{}, limit: limit}
}

func (m *member) tail() []byte { return m.suffix[:m.length] }

func (m *member) weight() int64 { return aroundOne + int64(m.place.size) }

// find is where a suffix is or would be.
func (g *group) find(suffix []byte) (int, bool) {
	n := len(g.rows)
	if n == 0 || bytes.Compare(suffix, g.rows[n-1].tail()) > 0 {
		return n, false // most are the newest
	}
	return slices.BinarySearchFunc(g.rows, suffix, func(m member, s []byte) int { return bytes.Compare(m.tail(), s) })
}

// segment finds the segment of a key. A new one is fresh if there is nothing below.
func (r *recent) segment(key []byte) (*segment, error) {
	number := binary.BigEndian.Uint64(key)
	if r.last != nil && r.last.number == number {
		return r.last, nil
	}
	s, ok := r.segments[number]
	if !ok {
		s = &segment{number: number, groups: map[string]*group{}, fresh: true}
		lo, hi := segmentBounds(number)
		if err := r.below.each(lo, hi, func(_, _ []byte) bool { s.fresh = false; return false }); err != nil {
			return nil, err
		}
		r.segments[number] = s
	}
	r.last = s
	return s, nil
}

// segmentBounds are those of a segment's keys; no upper one ends the last segment.
func segmentBounds(number uint64) (lo, hi []byte) {
	lo = binary.BigEndian.AppendUint64(nil, number)
	if number+1 != 0 {
		hi = binary.BigEndian.AppendUint64(nil, number+1)
	}
	return lo, hi
}

// group finds the group with a prefix, which may be nil.
func (r *recent) group(prefix []byte) (*segment, *group, error) {
	s, err := r.segment(prefix)
	if err != nil {
		return nil, nil, err
	}
	return s, s.groups[string(prefix)], nil
}

// add makes a group.
func (r *recent) add(s *segment, prefix []byte) *group {
	kept := append(s.arena.take(len(prefix)), prefix...)
	g := &group{in: s, prefix: unsafe.String(unsafe.SliceData(kept), len(kept)), whole: s.fresh} // prefixes in the arena are never written again
	s.groups[g.prefix] = g
	r.weigh(s, aroundGroup+int64(len(prefix)))
	return g
}

func (r *recent) weigh(s *segment, by int64) {
	s.held += by
	r.held += by
}

func (r *recent) get(key []byte) (value []byte, there, known bool, err error) {
	n, ok := keyenc.PrefixLen(key)
	if !ok {
		return nil, false, false, nil
	}
	s, g, err := r.group(key[:n])
	switch {
	case err != nil:
		return nil, false, false, err
	case g == nil:
		return nil, false, s.fresh, nil
	}
	if i, ok := g.find(key[n:]); ok {
		return s.values.at(g.rows[i].place), !g.rows[i].gone, true, nil
	}
	return nil, false, g.whole, nil
}

func (r *recent) put(key, value []byte) (taken bool, err error) { return r.change(key, value, false) }

func (r *recent) remove(key []byte) (taken bool, err error) { return r.change(key, nil, true) }

// change stages a write. A key of another layout is not taken.
func (r *recent) change(key, value []byte, gone bool) (taken bool, err error) {
	n, ok := keyenc.PrefixLen(key)
	if !ok || len(key)-n > maxSuffix {
		return false, nil
	}
	s, g, err := r.group(key[:n])
	if err != nil {
		return false, err
	}
	if g == nil {
		g = r.add(s, key[:n])
	}
	m := r.member(g, key[n:])
	if m.dirty {
		r.staged -= int64(m.place.size)
	} else {
		m.dirty = true
		r.staged += aroundOne + int64(len(key))
	}
	if !g.dirty {
		g.dirty = true
		r.dirty = append(r.dirty, g)
	}
	r.set(g, m, value)
	m.gone = gone
	r.staged += int64(len(value))
	return true, nil
}

// member finds a row, made if need be.
func (r *recent) member(g *group, suffix []byte) *member {
	i, ok := g.find(suffix)
	if !ok {
		m := member{length: uint8(len(suffix))}
		copy(m.suffix[:], suffix)
		g.rows = slices.Insert(g.rows, i, m)
		r.weigh(g.in, aroundOne)
	}
	return &g.rows[i]
}

// set copies a value into a row, over the one before if there is room. A value that
// grows gets twice the room each time: the places that it leaves are not used again.
func (r *recent) set(g *group, m *member, value []byte) {
	r.weigh(g.in, int64(len(value))-int64(m.place.size))
	if old := int(m.place.room); len(value) > old {
		m.place = g.in.values.take(max(len(value), 2*old))
	}
	m.place.size = uint32(len(value))
	copy(g.in.values.at(m.place), value)
}

// scan visits a range if it lies within one group, and says whether it does.
func (r *recent) scan(lo, hi []byte, reverse bool, visit func(key, value []byte) bool) (done bool, err error) {
	n, ok := keyenc.PrefixLen(lo)
	if !ok || !sameGroup(lo[:n], hi) {
		return false, nil
	}
	s, g, err := r.group(lo[:n])
	if err != nil {
		return false, err
	}
	if g == nil && s.fresh {
		return true, nil
	}
	if g == nil || !g.whole {
		if r.held >= r.limit() {
			return false, nil
		}
		if g, err = r.load(s, g, lo[:n]); err != nil {
			return false, err
		}
	}
	r.walk(g, lo[n:], suffixOf(hi, n), reverse, visit)
	return true, nil
}

// sameGroup tells whether an upper bound belongs to the group, or is what ends it.
func sameGroup(prefix, hi []byte) bool {
	n := len(prefix) - 1
	return len(hi) > n && bytes.Equal(hi[:n], prefix[:n]) && (hi[n] == prefix[n] || hi[n] == prefix[n]+1 && len(hi) == n+1)
}

// suffixOf is a bound within a group of a prefix of n bytes; nil is open.
func suffixOf(hi []byte, n int) []byte {
	if len(hi) <= n {
		return nil
	}
	return hi[n:]
}

// load gets what is below of a group. What is here is newer.
func (r *recent) load(s *segment, g *group, prefix []byte) (*group, error) {
	if g == nil {
		g = r.add(s, prefix)
	}
	end := append([]byte(nil), prefix...)
	end[len(end)-1]++
	err := r.below.each(prefix, end, func(key, value []byte) bool {
		suffix := key[len(prefix):]
		if _, ok := g.find(suffix); !ok && len(suffix) <= maxSuffix {
			r.set(g, r.member(g, suffix), value)
		}
		return true
	})
	g.whole = err == nil
	return g, err
}

// walk visits rows from lo to below hi. The key is put together in the scratch buffer,
// which a scan within this one does not find.
func (r *recent) walk(g *group, lo, hi []byte, reverse bool, visit func(key, value []byte) bool) {
	from, _ := g.find(lo)
	to := len(g.rows)
	if hi != nil {
		to, _ = g.find(hi)
	}
	if from >= to {
		return
	}
	b := append(r.scratch[:0], g.prefix...)
	r.scratch = nil
	defer func() { r.scratch = b }()
	rows := g.rows[from:to]
	for i := range rows {
		m := &rows[i]
		if reverse {
			m = &rows[len(rows)-1-i]
		}
		if m.gone {
			continue
		}
		b = append(b[:len(g.prefix)], m.tail()...)
		if !visit(b, g.in.values.at(m.place)) {
			return
		}
	}
}

func (r *recent) drain(set func(key, value []byte) error, remove func(key []byte) error) error {
	slices.SortFunc(r.dirty, func(a, b *group) int { return strings.Compare(a.prefix, b.prefix) })
	for _, g := range r.dirty {
		if err := r.drainGroup(g, set, remove); err != nil {
			return err
		}
	}
	clear(r.dirty)
	r.dirty, r.staged = r.dirty[:0], 0
	return nil
}

// drainGroup leaves the rows where they are, for a scan that may be on its way through
// them; without those that are gone they are a new slice.
func (r *recent) drainGroup(g *group, set func(key, value []byte) error, remove func(key []byte) error) (err error) {
	b, gone := append(r.scratch[:0], g.prefix...), 0
	for i := range g.rows {
		m := &g.rows[i]
		if m.gone {
			gone++
		}
		if !m.dirty {
			continue
		}
		b = append(b[:len(g.prefix)], m.tail()...)
		if m.gone {
			err = remove(b)
		} else {
			err = set(b, g.in.values.at(m.place))
		}
		if err != nil {
			return err
		}
		m.dirty = false
	}
	if gone > 0 {
		r.weigh(g.in, -aroundOne*int64(gone))
		g.rows = slices.DeleteFunc(slices.Clone(g.rows), func(m member) bool { return m.gone })
	}
	g.dirty, r.scratch = false, b
	return nil
}

// cut forgets the segments that a range touches; the next touch asks below again.
func (r *recent) cut(lo, hi []byte) {
	for number, s := range r.segments {
		from, to := segmentBounds(number)
		if (to == nil || bytes.Compare(lo, to) < 0) && (hi == nil || bytes.Compare(from, hi) < 0) {
			r.drop(s)
		}
	}
}

func (r *recent) drop(s *segment) {
	r.held -= s.held
	r.last = nil
	delete(r.segments, s.number)
}

// sweep drops the oldest segments until what is left is within the limit.
func (r *recent) sweep(limit int64) {
	if r.held <= limit {
		return
	}
	for _, s := range slices.SortedFunc(maps.Values(r.segments), func(a, b *segment) int { return cmp.Compare(a.number, b.number) }) {
		if r.drop(s); r.held <= limit {
			return
		}
	}
}

func (r *recent) forget() {
	clear(r.segments)
	clear(r.dirty)
	r.last, r.dirty, r.held, r.staged = nil, r.dirty[:0], 0, 0
}

func (r *recent) waiting() (rows int, bytes int64) { return len(r.dirty), r.staged }

func (r *recent) remember(_, _ []byte) {}

func (r *recent) idle() bool { return len(r.segments) == 0 }
