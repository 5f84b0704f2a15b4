package serde

import "encoding/binary"

// Partition is the partition, of n, in which Kafka's default partitioner puts a
// record with that key: (murmur2(key) & 0x7fffffff) mod n. For a windowed key
// give the inner key's bytes, see [InnerKey]. It is -1, that is any partition,
// for a null key or if n is not positive.
func Partition(key []byte, n int32) int32 {
	if key == nil || n <= 0 {
		return -1
	}
	return (Murmur2(key) & 0x7fffffff) % n
}

// Murmur2 is the hash of Kafka's clients, including their seed.
func Murmur2(data []byte) int32 {
	const (
		seed = 0x9747b28c
		m    = 0x5bd1e995
		r    = 24
	)
	h := uint32(seed) ^ uint32(len(data))
	for ; len(data) >= 4; data = data[4:] {
		k := binary.LittleEndian.Uint32(data) * m
		k = (k ^ k>>r) * m
		h = h*m ^ k
	}
	// The rest of one to three bytes is the low end of a last word.
	for i := len(data) - 1; i >= 0; i-- {
		h ^= uint32(data[i]) << (8 * i)
	}
	if len(data) > 0 {
		h *= m
	}
	h = (h ^ h>>13) * m
	return int32(h ^ h>>15)
}
