package main

import (
	"fmt"
	"strconv"
)

// The input data is the peer's, defined by arithmetic so that any program can make it
// and compute what must come out. All words have 64 bits and wrap around.

// baseTime is the event time of record 0, ms since the epoch.
const baseTime = 1_700_000_000_000

// mix is the finaliser of splitmix64.
func mix(x uint64) uint64 {
	x += 0x9E3779B97F4A7C15
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}

func hash(seed, i int64) uint64 { return mix(uint64(seed)*0x100000001B3 + uint64(i)) }

// dataset is the input of one topic: record i is a pure function of the set and i.
type dataset struct {
	name    string
	topic   string // with the name of the codec at its %s
	records int64
	keys    int64
	seed    int64
	// permuted sets hold every key once, in an order that looks random.
	permuted bool
	// jitter is by how much records are late at most, ms.
	jitter int64
	// shift moves all event times, ms.
	shift int64
	// blob values have 1 KiB and compress to a half; others are 100 bytes of JSON.
	blob bool
}

// datasets by name, at full size.
func datasets() map[string]dataset {
	sets := map[string]dataset{}
	for _, d := range []dataset{
		{name: "small", topic: "in-small-%s", records: 3_000_000, keys: 100_000, seed: 42, jitter: 2000},
		{name: "large", topic: "in-large-%s", records: 5_000_000, keys: 5_000_000, seed: 42, jitter: 2000},
		{name: "left", topic: "in-left-%s", records: 1_000_000, keys: 100_000, seed: 142, jitter: 2000},
		{name: "right", topic: "in-right-%s", records: 1_000_000, keys: 100_000, seed: 242, jitter: 2000},
		{name: "table", topic: "in-table-%s", records: 100_000, keys: 100_000, seed: 342, permuted: true, shift: -3_600_000},
		{name: "restore", topic: "restore-%s-store-changelog", records: 3_000_000, keys: 3_000_000, seed: 442, permuted: true, blob: true},
	} {
		sets[d.name] = d
	}
	return sets
}

// in names the topic that holds the set in a codec.
func (d dataset) in(codec string) string { return fmt.Sprintf(d.topic, codec) }

// size is what a record weighs, key and value, in bytes.
func (d dataset) size() int64 {
	if d.blob {
		return 10 + 1024
	}
	return 10 + 100
}

func (d dataset) keyNo(i int64) int64 {
	if d.permuted {
		return i * 1_234_567_891 % d.keys
	}
	return int64(hash(d.seed, i) >> 1 % uint64(d.keys))
}

// time is the event time of record i, ms: a thousand records a second.
func (d dataset) time(i int64) int64 {
	t := int64(baseTime) + i
	if d.jitter > 0 {
		t -= int64(mix(hash(d.seed, i)) >> 1 % uint64(d.jitter))
	}
	return t + d.shift
}

// appendKey writes the key of a number: 'k' and nine digits.
func appendKey(b []byte, no int64) []byte { return appendDigits(append(b, 'k'), 9, no) }

// group is the number of the second key that a small value carries.
func (d dataset) group(i int64) int64 { return int64(hash(d.seed+1, i) >> 1 % uint64(d.keys)) }

// ok tells whether record i passes the filter of the workload "stateless".
func (d dataset) ok(i int64) bool { return hash(d.seed+1, i)>>63 == 1 }

// appendValue writes the value of record i.
func (d dataset) appendValue(b []byte, i int64) []byte {
	if d.blob {
		return d.appendBlob(b, i)
	}
	const size = 100
	end := len(b) + size
	h := hash(d.seed+1, i)
	b = appendDigits(append(b, `{"id":`...), 9, i)
	b = appendDigits(append(b, `,"grp":"k`...), 9, d.group(i))
	b = appendDigits(append(b, `","amount":`...), 6, int64(mix(h)>>1%1_000_000))
	b = strconv.AppendUint(append(b, `,"ok":`...), h>>63, 10)
	b = append(b, `,"pad":"`...)
	for len(b) < end-2 {
		b = append(b, 'x')
	}
	return append(b, '"', '}')
}

// appendBlob writes 512 characters that look random and 512 that do not.
func (d dataset) appendBlob(b []byte, i int64) []byte {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	const size = 1024
	half, end := len(b)+size/2, len(b)+size
	for h := hash(d.seed+1, i); len(b) < half; {
		h = mix(h)
		for v, k := h, 0; k < 10 && len(b) < half; k++ {
			b = append(b, alphabet[v&63])
			v >>= 6
		}
	}
	for len(b) < end {
		b = append(b, 'x')
	}
	return b
}

func appendDigits(b []byte, n int, v int64) []byte {
	for range n {
		b = append(b, '0')
	}
	for p := len(b) - 1; n > 0; n-- {
		b[p] = byte('0' + v%10)
		v /= 10
		p--
	}
	return b
}
