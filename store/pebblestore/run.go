package pebblestore

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"iter"
	"slices"
)

// run is a piece of a changelog in memory: keys and values in slabs, and small
// references to them that are sorted instead. It grows with what is added, so that a
// short changelog takes no more than it needs.
type run struct {
	slabs [][]byte // of slabSize, or of one record that is larger
	used  int      // slabs that hold something
	refs  []ref
	size  int // bytes of records and refs together
	limit int // of size
}

// ref is one record. Most comparisons end at the prefix, which spares the cache
// misses of looking into the slab.
type ref struct {
	prefix uint64 // bytes of the key, behind those that all keys begin with
	slab   uint32
	off    uint32
	key    uint32 // length
	value  int32  // length, or tombstone
}

const (
	tombstone = -1
	refSize   = 24
	slabSize  = 1 << 20
)

// reset gives an empty run of so many bytes, and keeps slabs for it.
func (r *run) reset(limit int64) {
	r.limit = int(limit)
	r.clear()
	if keep := int(limit/slabSize) + 1; len(r.slabs) > keep {
		clear(r.slabs[keep:])
		r.slabs = r.slabs[:keep]
	}
}

func (r *run) clear() {
	for i := range r.slabs {
		r.slabs[i] = r.slabs[i][:0]
	}
	r.used, r.size, r.refs = 0, 0, r.refs[:0]
}

func (r *run) empty() bool { return len(r.refs) == 0 }

// fits reports whether records of so many bytes have room. Those that are larger than
// the whole run fit into an empty one.
func (r *run) fits(size int) bool { return r.empty() || r.size+size <= r.limit }

func (r *run) add(key, value []byte) {
	slab := r.room(len(key) + len(value))
	b := r.slabs[slab]
	ref := ref{slab: uint32(slab), off: uint32(len(b)), key: uint32(len(key)), value: tombstone}
	if value != nil {
		ref.value = int32(len(value))
	}
	r.slabs[slab] = append(append(b, key...), value...)
	r.refs = append(r.refs, ref)
	r.size += len(key) + len(value) + refSize
}

// room is the slab that has place for so many bytes.
func (r *run) room(size int) int {
	if last := r.used - 1; last >= 0 && cap(r.slabs[last])-len(r.slabs[last]) >= size {
		return last
	}
	if r.used == len(r.slabs) {
		r.slabs = append(r.slabs, nil)
	}
	if cap(r.slabs[r.used]) < size {
		r.slabs[r.used] = make([]byte, 0, max(size, slabSize))
	}
	r.used++
	return r.used - 1
}

func (r *run) keyOf(f *ref) []byte { return r.slabs[f.slab][f.off:][:f.key] }

func (r *run) valueOf(f *ref) []byte {
	if f.value == tombstone {
		return nil
	}
	return r.slabs[f.slab][f.off+f.key:][:f.value]
}

// sort puts the references in the order of their keys, for equal keys the newest
// first.
func (r *run) sort() {
	common := r.common()
	for i := range r.refs {
		r.refs[i].prefix = prefixAt(r.keyOf(&r.refs[i]), common)
	}
	slices.SortFunc(r.refs, func(a, b ref) int {
		if c := cmp.Compare(a.prefix, b.prefix); c != 0 {
			return c
		}
		if c := bytes.Compare(r.keyOf(&a), r.keyOf(&b)); c != 0 {
			return c
		}
		return cmp.Or(cmp.Compare(b.slab, a.slab), cmp.Compare(b.off, a.off))
	})
}

// common is how many bytes all keys begin with: "user-" tells none apart.
func (r *run) common() int {
	if r.empty() {
		return 0
	}
	first := r.keyOf(&r.refs[0])
	n := len(first)
	for i := range r.refs {
		key := r.keyOf(&r.refs[i])
		n = min(n, len(key))
		for !bytes.Equal(first[:n], key[:n]) {
			n--
		}
	}
	return n
}

// prefixAt is a number that sorts as the key's eight bytes from an index on.
func prefixAt(key []byte, from int) uint64 {
	var head [8]byte
	copy(head[:], key[from:])
	return binary.BigEndian.Uint64(head[:])
}

// all yields the last value of each key, in the order of the keys; nil is a
// deletion.
func (r *run) all() iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		var last []byte
		for i := range r.refs {
			f := &r.refs[i]
			key := r.keyOf(f)
			if i > 0 && bytes.Equal(key, last) {
				continue
			}
			last = key
			if !yield(key, r.valueOf(f)) {
				return
			}
		}
	}
}
