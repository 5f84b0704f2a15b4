package serde

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// How the entries of a list are written.
const (
	listConstant = 0 // without lengths, nulls listed in front
	listVariable = 1 // each with its length, -1 for null
)

const listNull = -1

var errList = errors.New("not a list: the topic holds something else, or was written with another serde")

// List is Kafka's list serde for entries of any size, in the form that Kafka uses
// for all inner serdes but those of numbers and UUIDs, for which there is
// [FixedList]. Nulls among the entries are nil pointers.
func List[T any](inner Serde[T]) Serde[[]*T] { return listSerde[T]{inner: inner} }

// FixedList is Kafka's list serde for entries of a constant size in bytes: Int16,
// Int32, Int64, Float32, Float64, and UUID with 36. Nulls among the entries are nil
// pointers.
func FixedList[T any](inner Serde[T], size int) Serde[[]*T] {
	return listSerde[T]{inner: inner, size: size}
}

// listSerde has a size only if its entries have a constant one.
type listSerde[T any] struct {
	inner Serde[T]
	size  int
}

func (s listSerde[T]) Append(dst []byte, list []*T) (_ []byte, err error) {
	dst = s.appendHead(dst, list)
	for _, v := range list {
		switch {
		case v == nil && s.size > 0:
			continue // it is listed in front
		case v == nil:
			dst = appendCount(dst, listNull)
			continue
		}
		at := len(dst)
		if s.size == 0 {
			dst = appendCount(dst, 0) // until the length is known
		}
		begin := len(dst)
		if dst, err = s.inner.Append(dst, *v); err != nil {
			return nil, fmt.Errorf("an entry of a list: %w", err)
		}
		if s.size == 0 {
			binary.BigEndian.PutUint32(dst[at:], uint32(len(dst)-begin))
		}
	}
	return dst, nil
}

// appendHead writes the form, where the nulls are, and the number of entries.
func (s listSerde[T]) appendHead(dst []byte, list []*T) []byte {
	if s.size == 0 {
		return appendCount(append(dst, listVariable), len(list))
	}
	dst = append(dst, listConstant)
	at := len(dst)
	dst = appendCount(dst, 0)
	nulls := uint32(0)
	for i, v := range list {
		if v == nil {
			dst = appendCount(dst, i)
			nulls++
		}
	}
	binary.BigEndian.PutUint32(dst[at:], nulls)
	return appendCount(dst, len(list))
}

func appendCount(dst []byte, n int) []byte {
	return binary.BigEndian.AppendUint32(dst, uint32(int32(n)))
}

func (s listSerde[T]) Decode(b []byte) ([]*T, error) {
	want := byte(listVariable)
	if s.size > 0 {
		want = listConstant
	}
	if len(b) == 0 || b[0] != want {
		return nil, errList
	}
	r := listReader{b: b[1:]}
	nulls := map[int]bool{}
	if s.size > 0 {
		for range r.count(4) {
			nulls[r.int32()] = true
		}
	}
	list, err := s.entries(&r, nulls)
	if err == nil && (r.bad || len(r.b) > 0) {
		err = errList
	}
	return list, err
}

func (s listSerde[T]) entries(r *listReader, nulls map[int]bool) ([]*T, error) {
	// Nulls of constant size take no bytes here, but four in front.
	n := r.int32()
	if n < 0 || n > len(r.b)+len(nulls) {
		return nil, errList
	}
	list := make([]*T, 0, n)
	for i := range n {
		size := s.size
		if size == 0 {
			size = r.int32()
		}
		if nulls[i] || s.size == 0 && size == listNull {
			list = append(list, nil)
			continue
		}
		b := r.take(size)
		if r.bad {
			return nil, errList
		}
		v, err := s.inner.Decode(b)
		if err != nil {
			return nil, fmt.Errorf("an entry of a list: %w", err)
		}
		list = append(list, &v)
	}
	return list, nil
}

// listReader takes a list apart; the first fault stays.
type listReader struct {
	b   []byte
	bad bool
}

func (r *listReader) take(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.bad, r.b = true, nil
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *listReader) int32() int {
	if b := r.take(4); b != nil {
		return int(int32(binary.BigEndian.Uint32(b)))
	}
	return 0
}

// count reads the number of things that take so many bytes each.
func (r *listReader) count(size int) int {
	n := r.int32()
	if n < 0 || n > len(r.b)/size {
		r.bad, r.b = true, nil
		return 0
	}
	return n
}
