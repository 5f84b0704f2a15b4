package store

import (
	"iter"

	"github.com/millrace/millrace/streams/serde"
)

// Entry is one key of a KV with its value.
type Entry[K, V any] struct {
	Key   K
	Value V
}

// ReadOnlyKV reads a key-value store without timestamps. Keys are ordered as their
// bytes are. It has buffers of its own, so each goroutine makes its own; over a
// reader of a [Snapshot] that may be any goroutine.
type ReadOnlyKV[K, V any] struct {
	reader Reader
	codec[K, V]
}

// NewReadOnlyKV is the typed view of a reader.
func NewReadOnlyKV[K, V any](r Reader, ks serde.Serde[K], vs serde.Serde[V]) *ReadOnlyKV[K, V] {
	return &ReadOnlyKV[K, V]{reader: r, codec: codec[K, V]{keys: ks, values: vs}}
}

// KV is a typed key-value store without timestamps. It belongs to the goroutine of
// its task.
//
// Loops over a store may read it, but must not write to it.
type KV[K, V any] struct {
	ReadOnlyKV[K, V]
	engine Engine
}

// NewKV is the typed view of an engine.
func NewKV[K, V any](e Engine, ks serde.Serde[K], vs serde.Serde[V]) *KV[K, V] {
	return &KV[K, V]{ReadOnlyKV: *NewReadOnlyKV(e, ks, vs), engine: e}
}

// Get returns the value of k and whether there is one.
func (s *ReadOnlyKV[K, V]) Get(k K) (v V, ok bool, err error) {
	key, err := s.encodeKey(k)
	if err != nil {
		return v, false, err
	}
	b, ok, err := s.reader.Get(key)
	if err != nil || !ok {
		return v, false, err
	}
	v, err = s.decodePlain(b)
	return v, err == nil, err
}

// Put sets the value of k.
func (s *KV[K, V]) Put(k K, v V) error {
	key, err := s.encodeKey(k)
	if err != nil {
		return err
	}
	value, err := s.encodePlain(v)
	if err != nil {
		return err
	}
	return s.engine.Put(key, value)
}

// Delete removes k, which need not be there.
func (s *KV[K, V]) Delete(k K) error {
	key, err := s.encodeKey(k)
	if err != nil {
		return err
	}
	return s.engine.Delete(key)
}

// All yields every entry in ascending order of the keys' bytes. An error is the
// last pair of the sequence.
func (s *ReadOnlyKV[K, V]) All() iter.Seq2[Entry[K, V], error] { return s.Select(Span[K]{}, false) }

// ReverseAll is All in descending order.
func (s *ReadOnlyKV[K, V]) ReverseAll() iter.Seq2[Entry[K, V], error] {
	return s.Select(Span[K]{}, true)
}

// Range yields the entries of from <= key <= to, ascending; both bounds are
// included, as in Kafka Streams.
func (s *ReadOnlyKV[K, V]) Range(from, to K) iter.Seq2[Entry[K, V], error] {
	return s.Select(Between(from, to), false)
}

// ReverseRange is Range in descending order.
func (s *ReadOnlyKV[K, V]) ReverseRange(from, to K) iter.Seq2[Entry[K, V], error] {
	return s.Select(Between(from, to), true)
}

// Select yields the entries of a span of keys, ascending or in reverse.
func (s *ReadOnlyKV[K, V]) Select(span Span[K], reverse bool) iter.Seq2[Entry[K, V], error] {
	return spanOf(s.reader, &s.codec, span, reverse, s.decode)
}

// Prefix yields the entries whose encoded key begins with prefix, ascending. The
// slice must not change during the loop.
func (s *ReadOnlyKV[K, V]) Prefix(prefix []byte) iter.Seq2[Entry[K, V], error] {
	return prefixOf(s.reader, prefix, false, s.decode)
}

// ReversePrefix is Prefix in descending order.
func (s *ReadOnlyKV[K, V]) ReversePrefix(prefix []byte) iter.Seq2[Entry[K, V], error] {
	return prefixOf(s.reader, prefix, true, s.decode)
}

func (s *ReadOnlyKV[K, V]) decode(key, value []byte) (e Entry[K, V], ok bool, err error) {
	if e.Key, err = s.decodeKey(key); err != nil {
		return e, false, err
	}
	e.Value, err = s.decodePlain(value)
	return e, true, err
}
