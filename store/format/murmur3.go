package format

import (
	"encoding/binary"
	"math/bits"
)

// hashSeed is the seed of the hashes in foreign-key joins.
const hashSeed = 104729

const (
	c1 = 0x87c37b91114253d5
	c2 = 0x4cf5ad432745937f
)

// Hash is the hash of a left value in a foreign-key join, by which a response is
// matched to the value that asked.
type Hash struct{ H0, H1 uint64 }

// HashOf is Murmur3 (x64, 128 bits) with Kafka Streams' seed.
func HashOf(data []byte) Hash {
	h1, h2 := uint64(hashSeed), uint64(hashSeed)
	b := data
	for ; len(b) >= 16; b = b[16:] {
		h1 ^= mix1(binary.LittleEndian.Uint64(b))
		h1 = (bits.RotateLeft64(h1, 27)+h2)*5 + 0x52dce729
		h2 ^= mix2(binary.LittleEndian.Uint64(b[8:]))
		h2 = (bits.RotateLeft64(h2, 31)+h1)*5 + 0x38495ab5
	}
	var tail [16]byte
	if n := copy(tail[:], b); n > 0 {
		h1 ^= mix1(binary.LittleEndian.Uint64(tail[:]))
		h2 ^= mix2(binary.LittleEndian.Uint64(tail[8:])) // zero stays zero
	}
	h1 ^= uint64(len(data))
	h2 ^= uint64(len(data))
	h1 += h2
	h2 += h1
	h1, h2 = avalanche(h1), avalanche(h2)
	h1 += h2
	return Hash{h1, h2 + h1}
}

func mix1(k uint64) uint64 { return bits.RotateLeft64(k*c1, 31) * c2 }

func mix2(k uint64) uint64 { return bits.RotateLeft64(k*c2, 33) * c1 }

// avalanche lets every bit of h change every other.
func avalanche(h uint64) uint64 {
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}
