package aggregate

import (
	"encoding/binary"
	"errors"
	"slices"

	"github.com/millrace/millrace/streams/serde"
)

// TopN keeps the n values that come first in the order of compare, which is negative
// if a is better than b, the best one first. Of equals those that came earlier are
// ahead; a value that comes twice is there twice. Nulls are left out.
//
// A record costs a search among the n and a move of those behind it; the aggregate is
// written as a whole, so n should be small.
func TopN[K, V any](n int, compare func(a, b V) int, vs serde.Serde[V]) Aggregator[K, V, []V] {
	if n <= 0 || compare == nil || vs == nil {
		return Aggregator[K, V, []V]{} // the operator that gets it says so
	}
	one := newPart(vs)
	return Aggregator[K, V, []V]{
		Init: func() []V { return nil },
		Add: func(_ K, v V, acc []V) []V {
			if one.isNull(v) {
				return acc
			}
			return ranked(acc, v, n, compare)
		},
		Merge: func(_ K, a, b []V) []V {
			for _, v := range b {
				a = ranked(a, v, n, compare)
			}
			return a
		},
		Serde: ListOf(vs),
	}
}

// ranked puts v behind all that are not worse.
func ranked[V any](list []V, v V, n int, compare func(a, b V) int) []V {
	at := len(list)
	for at > 0 && compare(v, list[at-1]) < 0 {
		at--
	}
	if at == n {
		return list
	}
	return slices.Insert(list[:min(len(list), n-1)], at, v)
}

// ListOf is the serde of a slice, in the bytes of Kafka's List serde for elements of
// varying size. Unlike [serde.List] its elements are not null.
func ListOf[T any](inner serde.Serde[T]) serde.Serde[[]T] { return listSerde[T]{newPart(inner)} }

type listSerde[T any] struct{ one part[T] }

// variable is Kafka's mark of a list whose elements have their lengths in front.
const variable = 1

var errList = errors.New("not a list: the topic holds something else, or was written with another serde")

func (s listSerde[T]) Append(dst []byte, list []T) (_ []byte, err error) {
	dst = append(dst, variable)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(list)))
	for _, v := range list {
		if dst, err = s.one.append(dst, v); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

func (s listSerde[T]) Decode(b []byte) ([]T, error) {
	if len(b) < 5 || b[0] != variable {
		return nil, errList
	}
	n := int(binary.BigEndian.Uint32(b[1:]))
	b = b[5:]
	if n > len(b)/4 { // each has its length
		return nil, errList
	}
	list := make([]T, 0, n)
	for range n {
		v, rest, err := s.one.decode(b)
		if err != nil {
			return nil, err
		}
		list, b = append(list, v), rest
	}
	if len(b) > 0 {
		return nil, errList
	}
	return list, nil
}
