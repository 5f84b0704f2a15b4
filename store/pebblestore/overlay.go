package pebblestore

import (
	"slices"
	"strings"
	"unsafe"
)

// overlay holds what one store was told and asked lately, by key: the staged writes
// that its next drain takes to the batch, in order, and clean rows, which are as the
// batch and Pebble below have them. A get that finds its key here does not search the
// skiplists below, and a key that is written a hundred times between two commits costs
// them one write.
//
// It allocates from its own arena; rows that are dropped leave holes there until the
// next sweep.
type overlay struct {
	index map[string]uint32 // into rows
	rows  []row
	dirty []uint32 // rows to drain, in any order
	arena arena
	epoch uint32 // of the present commit interval
	// held is what the rows weigh, staged what the dirty ones do, bytes.
	held, staged int64
	limit        func() int64 // of held, for clean rows
}

// row is a key and what it holds.
type row struct {
	key   string // in the arena
	value []byte // in the arena; its capacity is used again
	epoch uint32 // when it was last used
	dirty bool   // not drained yet
	gone  bool   // deleted; there is no value
}

// aroundRow is what a row costs in the map and the lists besides its bytes.
const aroundRow = int64(unsafe.Sizeof(row{})) + 32

func newOverlay(limit func() int64) *overlay {
	return &overlay{index: map[string]uint32{}, limit: limit}
}

// get returns what the overlay knows of a key. The value is lent until the next call.
func (o *overlay) get(key []byte) (value []byte, there, known bool, err error) {
	i, ok := o.index[string(key)]
	if !ok {
		return nil, false, false, nil
	}
	r := &o.rows[i]
	r.epoch = o.epoch
	return r.value, !r.gone, true, nil
}

// put stages a write; both slices are copied.
func (o *overlay) put(key, value []byte) (taken bool, err error) {
	r := o.change(key, len(value))
	if room := cap(r.value); room < len(value) {
		// What grows gets twice the room each time: its old place is not used again.
		r.value = o.arena.take(max(len(value), 2*room))
	}
	r.value, r.gone = append(r.value[:0], value...), false
	return true, nil
}

// remove stages a deletion.
func (o *overlay) remove(key []byte) (taken bool, err error) {
	r := o.change(key, 0)
	r.value, r.gone = r.value[:0], true
	return true, nil
}

// scan leaves scans to what is below, which the dirty rows must have gone to.
func (o *overlay) scan(_, _ []byte, _ bool, _ func(key, value []byte) bool) (done bool, err error) {
	return false, nil
}

// change gives the row of a key, made if need be, and has it drained.
func (o *overlay) change(key []byte, size int) *row {
	r, i := o.row(key)
	if r.dirty {
		o.staged += int64(size - len(r.value))
	} else {
		r.dirty = true
		o.dirty = append(o.dirty, i)
		o.staged += int64(len(r.key)+size) + aroundRow
	}
	o.held += int64(size - len(r.value))
	return r
}

// row finds the row of a key or makes an empty one.
func (o *overlay) row(key []byte) (*row, uint32) {
	i, ok := o.index[string(key)]
	if !ok {
		i = uint32(len(o.rows))
		kept := append(o.arena.take(len(key)), key...)
		name := unsafe.String(unsafe.SliceData(kept), len(kept)) // the arena's bytes of a key are never written again
		o.rows = append(o.rows, row{key: name})
		o.index[name] = i
		o.held += int64(len(key)) + aroundRow
	}
	r := &o.rows[i]
	r.epoch = o.epoch
	return r, i
}

// remember keeps what was read from below, if there is room.
func (o *overlay) remember(key, value []byte) {
	if o.held < o.limit() {
		o.keep(key, value)
	}
}

func (o *overlay) keep(key, value []byte) {
	r, _ := o.row(key)
	r.value = append(o.arena.take(len(value)), value...)
	o.held += int64(len(value))
}

// drain writes the dirty rows in the order of their keys; they stay as clean ones.
func (o *overlay) drain(set func(key, value []byte) error, remove func(key []byte) error) error {
	slices.SortFunc(o.dirty, func(a, b uint32) int { return strings.Compare(o.rows[a].key, o.rows[b].key) })
	for _, i := range o.dirty {
		r := &o.rows[i]
		key := unsafe.Slice(unsafe.StringData(r.key), len(r.key)) // it is read only
		err := error(nil)
		if r.gone {
			err = remove(key)
		} else {
			err = set(key, r.value)
		}
		if err != nil {
			return err
		}
		r.dirty = false
	}
	o.dirty, o.staged = o.dirty[:0], 0
	return nil
}

// cut forgets what it knows of a range; a nil bound is open. Nothing is dirty.
func (o *overlay) cut(lo, hi []byte) {
	for i := len(o.rows) - 1; i >= 0; i-- {
		if k := o.rows[i].key; k >= string(lo) && (hi == nil || k < string(hi)) {
			o.drop(uint32(i))
		}
	}
}

// drop takes a clean row out; the last one takes its place.
func (o *overlay) drop(i uint32) {
	r, last := o.rows[i], uint32(len(o.rows)-1)
	o.held -= int64(len(r.key)+len(r.value)) + aroundRow
	delete(o.index, r.key)
	if i != last {
		o.rows[i] = o.rows[last]
		o.index[o.rows[i].key] = i
	}
	o.rows[last] = row{}
	o.rows = o.rows[:last]
}

// sweep begins a new commit interval. If the rows weigh more than the limit, those are
// dropped that were not used in the last one, or all, if that is not enough. Nothing
// is dirty.
func (o *overlay) sweep(limit int64) {
	last := o.epoch
	o.epoch++
	if o.held <= limit {
		return
	}
	old := *o
	*o = overlay{index: map[string]uint32{}, dirty: old.dirty, epoch: old.epoch, limit: old.limit}
	var weight int64
	for _, r := range old.rows {
		if r.epoch == last && !r.gone {
			weight += int64(len(r.key)+len(r.value)) + aroundRow
		}
	}
	if weight > limit {
		return
	}
	for _, r := range old.rows {
		if r.epoch == last && !r.gone {
			o.keep(unsafe.Slice(unsafe.StringData(r.key), len(r.key)), r.value)
		}
	}
}

// forget drops all rows, dirty ones too.
func (o *overlay) forget() {
	if len(o.rows) > 0 {
		*o = overlay{index: map[string]uint32{}, dirty: o.dirty[:0], epoch: o.epoch, limit: o.limit}
	}
}

func (o *overlay) waiting() (rows int, bytes int64) { return len(o.dirty), o.staged }

func (o *overlay) idle() bool { return len(o.rows) == 0 }

// arena hands out bytes that are given back all together.
type arena struct{ left []byte }

const (
	firstChunk = 4 << 10
	lastChunk  = 256 << 10
)

// take returns an empty slice with room for n bytes. Chunks grow, because most tasks
// have little.
func (a *arena) take(n int) []byte {
	if n > cap(a.left)-len(a.left) {
		a.left = make([]byte, 0, max(n, min(max(2*cap(a.left), firstChunk), lastChunk)))
	}
	from := len(a.left)
	a.left = a.left[:from+n]
	return a.left[from : from : from+n]
}
