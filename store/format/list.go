package format

import (
	"encoding/binary"
	"iter"
)

// variableSize marks a list whose entries have lengths of their own.
const variableSize = 1

// listHead is the mark and the count.
const listHead = 1 + 4

// AppendListValue appends entry to the encoded list in dst, in the format of
// Kafka's list serde for entries of variable size. An empty dst becomes a list of
// one; anything else must be such a list. A nil entry is null.
func AppendListValue(dst, entry []byte) ([]byte, error) {
	if len(dst) == 0 {
		dst = append(dst, variableSize, 0, 0, 0, 0)
	}
	if len(dst) < listHead || dst[0] != variableSize {
		r := reader{bad: true}
		return dst, r.done("a list")
	}
	n := binary.BigEndian.Uint32(dst[1:])
	binary.BigEndian.PutUint32(dst[1:], n+1)
	return appendBytes32(dst, entry), nil
}

// ListValues yields the entries of an encoded list; they alias b, nil is null. An
// error is the last pair of the sequence.
func ListValues(b []byte) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		r := reader{b: b}
		r.bad = r.byte() != variableSize
		for n := r.int32(); n > 0; n-- {
			entry := r.bytes32()
			if r.bad {
				break
			}
			if !yield(entry, nil) {
				return
			}
		}
		if err := r.done("a list"); err != nil {
			yield(nil, err)
		}
	}
}
