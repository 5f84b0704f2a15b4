package store

import (
	"cmp"
	"slices"
)

// dirtyKeys are the keys of a buffer that the next flush writes, each once. It lists
// them in the order of a Java HashSet of them, so that the changelog is Kafka Streams'
// record for record. Nothing that reads a changelog depends on it.
type dirtyKeys struct {
	place   map[string]uint32 // a key's hash
	keys    []string          // in the order in which they became dirty
	buckets uint32            // a power of two; stays when the set is emptied
}

// minBuckets is what a HashSet begins with; it doubles when three quarters are used.
const minBuckets = 16

func newDirtyKeys() dirtyKeys {
	return dirtyKeys{place: map[string]uint32{}, buckets: minBuckets}
}

func (d *dirtyKeys) add(key string) {
	if _, ok := d.place[key]; ok {
		return
	}
	d.place[key] = spreadHash(key)
	d.keys = append(d.keys, key)
	if uint32(len(d.keys)) > d.buckets/4*3 {
		d.buckets *= 2
	}
}

// list is the set in its order: by bucket, in one bucket as they came. It is valid
// until the next call.
func (d *dirtyKeys) list() []string {
	slices.SortStableFunc(d.keys, func(a, b string) int {
		return cmp.Compare(d.place[a]&(d.buckets-1), d.place[b]&(d.buckets-1))
	})
	return d.keys
}

func (d *dirtyKeys) clear() {
	clear(d.place)
	d.keys = d.keys[:0]
}

// spreadHash is Java's hash of an array of bytes, as HashMap mixes it.
func spreadHash(key string) uint32 {
	h := uint32(1)
	for i := range len(key) {
		h = 31*h + uint32(int32(int8(key[i])))
	}
	return h ^ h>>16
}
