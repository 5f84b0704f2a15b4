package pebblestore

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"iter"
	"slices"
)

// run is a piece of a changelog in memory: keys and values in one slab, and small
// references to them that are sorted instead.
type run struct {
	slab  []byte
	refs  []ref
	limit int // bytes of slab and refs together
}

// ref is one record. Most comparisons end at the prefix, which spares the cache
// misses of looking into the slab.
type ref struct {
	prefix uint64 // the first bytes of the key
	off    uint32
	key    uint32 // length
	value  int32  // length, or tombstone
}

const (
	tombstone = -1
	refSize   = 24
	maxSlab   = 1 << 30 // so that offsets fit
)

// reset gives an empty run of so many bytes. It keeps the slab if that is about
// right.
func (r *run) reset(limit int64) {
	r.limit = int(min(limit, maxSlab))
	if want := r.limit; cap(r.slab) > want || cap(r.slab) < want/2 {
		r.slab = make([]byte, 0, want) // pages that are not touched take no memory
		r.refs = nil
	}
	r.clear()
}

func (r *run) clear() { r.slab, r.refs = r.slab[:0], r.refs[:0] }

func (r *run) empty() bool { return len(r.refs) == 0 }

// fits reports whether records of so many bytes have room. Those that are larger than
// the whole run fit into an empty one.
func (r *run) fits(size int) bool {
	return r.empty() || len(r.slab)+refSize*len(r.refs)+size <= r.limit
}

func (r *run) add(key, value []byte) {
	ref := ref{off: uint32(len(r.slab)), key: uint32(len(key)), value: tombstone}
	if value != nil {
		ref.value = int32(len(value))
	}
	var head [8]byte
	copy(head[:], key)
	ref.prefix = binary.BigEndian.Uint64(head[:])
	r.slab = append(append(r.slab, key...), value...)
	r.refs = append(r.refs, ref)
}

func (r *run) keyOf(f ref) []byte { return r.slab[f.off:][:f.key] }

// sort puts the references in the order of their keys, for equal keys the newest
// first.
func (r *run) sort() {
	slices.SortFunc(r.refs, func(a, b ref) int {
		if c := cmp.Compare(a.prefix, b.prefix); c != 0 {
			return c
		}
		if c := bytes.Compare(r.keyOf(a), r.keyOf(b)); c != 0 {
			return c
		}
		return cmp.Compare(b.off, a.off)
	})
}

// all yields the last value of each key, in the order of the keys; nil is a
// deletion.
func (r *run) all() iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		var last []byte
		for i, f := range r.refs {
			key := r.keyOf(f)
			if i > 0 && bytes.Equal(key, last) {
				continue
			}
			last = key
			var value []byte
			if f.value != tombstone {
				value = r.slab[f.off+f.key:][:f.value]
			}
			if !yield(key, value) {
				return
			}
		}
	}
}
