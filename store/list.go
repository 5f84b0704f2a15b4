package store

import (
	"fmt"
	"iter"

	"github.com/millrace/millrace/store/format"
	"github.com/millrace/millrace/streams/serde"
)

// List is a typed store of lists: a key leads to the values that were added to it.
// It is what the shared store of an outer join is. It belongs to the goroutine of
// its task. Loops over it may read, but must not write.
type List[K, V any] struct {
	engine Engine
	codec[K, V]
	whole []byte // a list under change
}

// NewList is the typed view of an engine whose Spec is a list store.
func NewList[K, V any](e Engine, spec Spec, ks serde.Serde[K], vs serde.Serde[V]) (*List[K, V], error) {
	if err := expect(spec, KindList); err != nil {
		return nil, err
	}
	return &List[K, V]{engine: e, codec: codec[K, V]{keys: ks, values: vs}}, nil
}

// Add appends a value to the list of k. The changelog gets the whole list.
func (s *List[K, V]) Add(k K, v V) error {
	key, err := s.encodeKey(k)
	if err != nil {
		return err
	}
	value, err := s.encodePlain(v)
	if err != nil {
		return err
	}
	b, _, err := s.engine.Get(key)
	if err != nil {
		return err
	}
	s.whole, err = format.AppendListValue(append(s.whole[:0], b...), value)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return s.engine.Put(key, s.whole)
}

// Delete removes k with its list; it need not be there.
func (s *List[K, V]) Delete(k K) error {
	key, err := s.encodeKey(k)
	if err != nil {
		return err
	}
	return s.engine.Delete(key)
}

// Get yields the values of k, in the order in which they were added. An error is the
// last pair of the sequence.
func (s *List[K, V]) Get(k K) iter.Seq2[V, error] {
	return seq(func(yield func(V, error) bool) error {
		key, err := s.encodeKey(k)
		if err != nil {
			return err
		}
		b, ok, err := s.engine.Get(key)
		if err != nil || !ok {
			return err
		}
		b = append(s.borrow(), b...) // the loop may use the engine
		defer func() { s.giveBack(b) }()
		s.each(b, func(v V, err error) bool { return yield(v, err) })
		return nil
	})
}

// All yields every value under its key, by the keys' bytes, then as added. An error
// is the last pair of the sequence.
func (s *List[K, V]) All() iter.Seq2[Entry[K, V], error] { return s.Select(Span[K]{}, false) }

// Select yields the values of a span of keys, ascending or in reverse; the values
// of one key are always as added.
func (s *List[K, V]) Select(span Span[K], reverse bool) iter.Seq2[Entry[K, V], error] {
	return func(yield func(Entry[K, V], error) bool) {
		decode := func(key, value []byte) (rows iter.Seq2[Entry[K, V], error], ok bool, err error) {
			k, err := s.decodeKey(key)
			return s.under(k, value), true, err
		}
		for rows, err := range spanOf(s.engine, &s.codec, span, reverse, decode) {
			if err != nil {
				yield(Entry[K, V]{}, err)
				return
			}
			for e, err := range rows {
				if !yield(e, err) || err != nil {
					return
				}
			}
		}
	}
}

// under yields the values of one key. The list is lent for the visit only.
func (s *List[K, V]) under(k K, list []byte) iter.Seq2[Entry[K, V], error] {
	return func(yield func(Entry[K, V], error) bool) {
		s.each(list, func(v V, err error) bool { return yield(Entry[K, V]{k, v}, err) })
	}
}

// each decodes the values of one list.
func (s *List[K, V]) each(list []byte, yield func(V, error) bool) {
	for b, err := range format.ListValues(list) {
		var v V
		if err != nil {
			err = fmt.Errorf("%w: %w", ErrCorrupt, err)
		} else {
			v, err = s.decodePlain(b)
		}
		if !yield(v, err) || err != nil {
			return
		}
	}
}
