package format

import (
	"encoding/binary"

	"github.com/millrace/millrace/streams/record"
	"github.com/millrace/millrace/streams/serde"
)

// JoinKey is the key of an outer join's shared store: a record of one side that has
// not been joined yet.
type JoinKey[K any] struct {
	Time int64 // of the record, ms
	Left bool
	Key  K
}

// JoinKeys is the serde of JoinKey. Its bytes sort by time, then the right side
// before the left, then by key: the order in which a join lets records go.
func JoinKeys[K any](inner serde.Serde[K]) serde.Serde[JoinKey[K]] { return joinKeys[K]{inner} }

type joinKeys[K any] struct{ inner serde.Serde[K] }

func (s joinKeys[K]) Append(dst []byte, k JoinKey[K]) ([]byte, error) {
	return s.inner.Append(append(appendInt64(dst, k.Time), sideOf(k.Left)), k.Key)
}

func (s joinKeys[K]) Decode(b []byte) (k JoinKey[K], err error) {
	r := reader{b: b}
	k.Time, k.Left = r.int64(), r.left()
	rest := r.rest()
	if err = r.done("the key of an outer join's store"); err != nil {
		return k, err
	}
	k.Key, err = s.inner.Decode(rest)
	return k, err
}

// Sided is a value of one of the two sides of a join.
type Sided[L, R any] struct {
	IsLeft bool
	Left   L // if IsLeft
	Right  R // if not
}

// SidedValues is the serde of Sided.
func SidedValues[L, R any](left serde.Serde[L], right serde.Serde[R]) serde.Serde[Sided[L, R]] {
	return sidedValues[L, R]{left, right}
}

type sidedValues[L, R any] struct {
	left  serde.Serde[L]
	right serde.Serde[R]
}

func (s sidedValues[L, R]) Append(dst []byte, v Sided[L, R]) ([]byte, error) {
	dst = append(dst, sideOf(v.IsLeft))
	if v.IsLeft {
		return s.left.Append(dst, v.Left)
	}
	return s.right.Append(dst, v.Right)
}

func (s sidedValues[L, R]) Decode(b []byte) (v Sided[L, R], err error) {
	r := reader{b: b}
	v.IsLeft = r.left()
	rest := r.rest()
	if err = r.done("a value of an outer join's store"); err != nil {
		return v, err
	}
	if v.IsLeft {
		v.Left, err = s.left.Decode(rest)
	} else {
		v.Right, err = s.right.Decode(rest)
	}
	return v, err
}

func sideOf(left bool) byte {
	if left {
		return 1
	}
	return 0
}

func (r *reader) left() bool {
	b := r.byte()
	r.bad = r.bad || b > 1
	return b == 1
}

// AppendTimestamped appends a value with its time in front, in ms.
func AppendTimestamped(dst []byte, ts int64, value []byte) []byte {
	return append(appendInt64(dst, ts), value...)
}

// ParseTimestamped takes a value with its time apart.
func ParseTimestamped(b []byte) (ts int64, value []byte, err error) {
	r := reader{b: b}
	ts, value = r.int64(), r.rest()
	return ts, value, r.done("a value with its time")
}

// AppendWithHeaders appends a value with its time and headers in front.
func AppendWithHeaders(dst []byte, headers []record.Header, ts int64, value []byte) []byte {
	if len(headers) == 0 {
		return AppendTimestamped(append(dst, 0), ts, value)
	}
	block := binary.AppendVarint(nil, int64(len(headers)))
	for _, h := range headers {
		block = append(binary.AppendVarint(block, int64(len(h.Key))), h.Key...)
		if h.Value == nil {
			block = binary.AppendVarint(block, null)
			continue
		}
		block = append(binary.AppendVarint(block, int64(len(h.Value))), h.Value...)
	}
	dst = append(binary.AppendVarint(dst, int64(len(block))), block...)
	return AppendTimestamped(dst, ts, value)
}

// ParseWithHeaders takes a value with its time and headers apart.
func ParseWithHeaders(b []byte) (headers []record.Header, ts int64, value []byte, err error) {
	r := reader{b: b}
	block := reader{b: r.take(int(r.varint()))}
	if len(block.b) > 0 {
		for n := block.varint(); n > 0 && !block.bad; n-- {
			h := record.Header{Key: string(block.take(int(block.varint())))}
			if size := block.varint(); size != null {
				h.Value = block.take(int(size))
			}
			headers = append(headers, h)
		}
	}
	r.bad = r.bad || block.done("headers") != nil
	ts, value = r.int64(), r.rest()
	return headers, ts, value, r.done("a value with its time and headers")
}
