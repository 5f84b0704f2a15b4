package aggregate

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/millrace/millrace/streams/serde"
)

// Pair is the aggregates of two aggregators.
type Pair[A, B any] struct {
	First  A
	Second B
}

// Both is two aggregators in one pass, with one store. Nest it for more, or use
// [Three]. The pair is never deleted, even if both its parts are null.
func Both[K, V, A, B any](a Aggregator[K, V, A], b Aggregator[K, V, B]) Aggregator[K, V, Pair[A, B]] {
	out := Aggregator[K, V, Pair[A, B]]{}
	if !a.Complete(false) || !b.Complete(false) {
		return out // the operator that gets it says so
	}
	out.Init = func() Pair[A, B] { return Pair[A, B]{a.Init(), b.Init()} }
	out.Add = func(k K, v V, acc Pair[A, B]) Pair[A, B] {
		return Pair[A, B]{a.Add(k, v, acc.First), b.Add(k, v, acc.Second)}
	}
	if a.Merge != nil && b.Merge != nil {
		out.Merge = func(k K, x, y Pair[A, B]) Pair[A, B] {
			return Pair[A, B]{a.Merge(k, x.First, y.First), b.Merge(k, x.Second, y.Second)}
		}
	}
	out.Serde = PairOf(a.Serde, b.Serde)
	return out
}

// Triple is the aggregates of three aggregators.
type Triple[A, B, C any] struct {
	First  A
	Second B
	Third  C
}

// Three is three aggregators in one pass; see [Both].
func Three[K, V, A, B, C any](a Aggregator[K, V, A], b Aggregator[K, V, B], c Aggregator[K, V, C]) Aggregator[K, V, Triple[A, B, C]] {
	nested := Both(a, Both(b, c))
	out := Aggregator[K, V, Triple[A, B, C]]{}
	if !nested.Complete(false) {
		return out
	}
	out.Init = func() Triple[A, B, C] { return flat(nested.Init()) }
	out.Add = func(k K, v V, acc Triple[A, B, C]) Triple[A, B, C] { return flat(nested.Add(k, v, acc.pairs())) }
	if nested.Merge != nil {
		out.Merge = func(k K, x, y Triple[A, B, C]) Triple[A, B, C] { return flat(nested.Merge(k, x.pairs(), y.pairs())) }
	}
	out.Serde = tripleSerde[A, B, C]{nested.Serde}
	return out
}

func flat[A, B, C any](p Pair[A, Pair[B, C]]) Triple[A, B, C] {
	return Triple[A, B, C]{p.First, p.Second.First, p.Second.Second}
}

func (t Triple[A, B, C]) pairs() Pair[A, Pair[B, C]] {
	return Pair[A, Pair[B, C]]{t.First, Pair[B, C]{t.Second, t.Third}}
}

// tripleSerde writes a triple as nested pairs.
type tripleSerde[A, B, C any] struct {
	pairs serde.Serde[Pair[A, Pair[B, C]]]
}

func (s tripleSerde[A, B, C]) Append(dst []byte, v Triple[A, B, C]) ([]byte, error) {
	return s.pairs.Append(dst, v.pairs())
}

func (s tripleSerde[A, B, C]) Decode(b []byte) (Triple[A, B, C], error) {
	p, err := s.pairs.Decode(b)
	return flat(p), err
}

// PairOf is the serde of pairs: each part with its length, an int32 that is -1 for
// null, in front.
func PairOf[A, B any](a serde.Serde[A], b serde.Serde[B]) serde.Serde[Pair[A, B]] {
	return pairSerde[A, B]{newPart(a), newPart(b)}
}

type pairSerde[A, B any] struct {
	a part[A]
	b part[B]
}

func (s pairSerde[A, B]) Append(dst []byte, v Pair[A, B]) ([]byte, error) {
	dst, err := s.a.append(dst, v.First)
	if err != nil {
		return dst, err
	}
	return s.b.append(dst, v.Second)
}

func (s pairSerde[A, B]) Decode(b []byte) (v Pair[A, B], err error) {
	if v.First, b, err = s.a.decode(b); err != nil {
		return v, fmt.Errorf("the first of a pair: %w", err)
	}
	if v.Second, b, err = s.b.decode(b); err != nil {
		return v, fmt.Errorf("the second of a pair: %w", err)
	}
	if len(b) > 0 {
		return v, errParts
	}
	return v, nil
}

var errParts = errors.New("its lengths do not fit: the topic holds something else, or was written with another serde")

// part is one part of something with several, each with its length in front.
type part[T any] struct {
	serde serde.Serde[T]
	aware serde.NullAware[T] // or nil
}

func newPart[T any](s serde.Serde[T]) part[T] {
	aware, _ := s.(serde.NullAware[T])
	return part[T]{s, aware}
}

func (p part[T]) isNull(v T) bool { return p.aware != nil && p.aware.IsNull(v) }

func (p part[T]) append(dst []byte, v T) ([]byte, error) {
	at := len(dst)
	dst = binary.BigEndian.AppendUint32(dst, ^uint32(0))
	if p.isNull(v) {
		return dst, nil
	}
	dst, err := p.serde.Append(dst, v)
	if err == nil {
		binary.BigEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
	}
	return dst, err
}

// decode reads one part and returns what follows it.
func (p part[T]) decode(b []byte) (v T, rest []byte, err error) {
	if len(b) < 4 {
		return v, b, errParts
	}
	n := int32(binary.BigEndian.Uint32(b))
	switch b = b[4:]; {
	case n == -1 && p.aware != nil:
		return p.aware.Null(), b, nil
	case n < 0 || int(n) > len(b):
		return v, b, errParts
	}
	v, err = p.serde.Decode(b[:n:n])
	return v, b[n:], err
}
