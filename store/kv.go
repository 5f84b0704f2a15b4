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

// KV is a typed key-value store without timestamps. Keys are ordered as their
// bytes are. It belongs to the goroutine of its task.
//
// Loops over a store may read it, but must not write to it.
type KV[K, V any] struct {
	engine Engine
	codec[K, V]
}

// NewKV is the typed view of an engine.
func NewKV[K, V any](e Engine, ks serde.Serde[K], vs serde.Serde[V]) *KV[K, V] {
	return &KV[K, V]{engine: e, codec: codec[K, V]{keys: ks, values: vs}}
}

// Get returns the value of k and whether there is one.
func (s *KV[K, V]) Get(k K) (v V, ok bool, err error) {
	key, err := s.encodeKey(k)
	if err != nil {
		return v, false, err
	}
	b, ok, err := s.engine.Get(key)
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
func (s *KV[K, V]) All() iter.Seq2[Entry[K, V], error] { return s.scan(false) }

// ReverseAll is All in descending order.
func (s *KV[K, V]) ReverseAll() iter.Seq2[Entry[K, V], error] { return s.scan(true) }

// Range yields the entries of from <= key <= to, ascending; both bounds are
// included, as in Kafka Streams.
func (s *KV[K, V]) Range(from, to K) iter.Seq2[Entry[K, V], error] {
	return spanOf(s.engine, &s.codec, from, to, false, s.decode)
}

// ReverseRange is Range in descending order.
func (s *KV[K, V]) ReverseRange(from, to K) iter.Seq2[Entry[K, V], error] {
	return spanOf(s.engine, &s.codec, from, to, true, s.decode)
}

func (s *KV[K, V]) scan(reverse bool) iter.Seq2[Entry[K, V], error] {
	return func(yield func(Entry[K, V], error) bool) {
		walk(s.engine, nil, nil, reverse, s.decode, yield)
	}
}

func (s *KV[K, V]) decode(key, value []byte) (e Entry[K, V], ok bool, err error) {
	if e.Key, err = s.decodeKey(key); err != nil {
		return e, false, err
	}
	e.Value, err = s.decodePlain(value)
	return e, true, err
}
