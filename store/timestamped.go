package store

import (
	"iter"

	"github.com/millrace/millrace/streams/serde"
)

// TimestampedEntry is one key of a TimestampedKV with its value and the value's
// time, in ms since the epoch.
type TimestampedEntry[K, V any] struct {
	Key   K
	Value V
	Time  int64
}

// ReadOnlyTimestampedKV reads a key-value store whose values have a time. Each
// goroutine makes its own; see [ReadOnlyKV].
type ReadOnlyTimestampedKV[K, V any] struct {
	reader Reader
	codec[K, V]
}

// NewReadOnlyTimestampedKV is the typed view of a reader of a Timestamped store.
func NewReadOnlyTimestampedKV[K, V any](r Reader, ks serde.Serde[K], vs serde.Serde[V]) *ReadOnlyTimestampedKV[K, V] {
	return &ReadOnlyTimestampedKV[K, V]{reader: r, codec: codec[K, V]{keys: ks, values: vs}}
}

// TimestampedKV is a typed key-value store whose values have a time: what tables
// and aggregates are kept in. It belongs to the goroutine of its task.
//
// Loops over a store may read it, but must not write to it.
type TimestampedKV[K, V any] struct {
	ReadOnlyTimestampedKV[K, V]
	engine Engine
}

// NewTimestampedKV is the typed view of an engine whose Spec is Timestamped.
func NewTimestampedKV[K, V any](e Engine, ks serde.Serde[K], vs serde.Serde[V]) *TimestampedKV[K, V] {
	return &TimestampedKV[K, V]{ReadOnlyTimestampedKV: *NewReadOnlyTimestampedKV(e, ks, vs), engine: e}
}

// Get returns the value of k, its time in ms, and whether there is one.
func (s *ReadOnlyTimestampedKV[K, V]) Get(k K) (v V, ts int64, ok bool, err error) {
	key, err := s.encodeKey(k)
	if err != nil {
		return v, 0, false, err
	}
	b, ok, err := s.reader.Get(key)
	if err != nil || !ok {
		return v, 0, false, err
	}
	v, ts, err = s.decodeTimed(b)
	return v, ts, err == nil, err
}

// Put sets the value of k and its time, in ms.
func (s *TimestampedKV[K, V]) Put(k K, v V, ts int64) error {
	key, err := s.encodeKey(k)
	if err != nil {
		return err
	}
	value, err := s.encodeTimed(v, ts)
	if err != nil {
		return err
	}
	return s.engine.Put(key, value)
}

// Delete removes k, which need not be there.
func (s *TimestampedKV[K, V]) Delete(k K) error {
	key, err := s.encodeKey(k)
	if err != nil {
		return err
	}
	return s.engine.Delete(key)
}

// All yields every entry in ascending order of the keys' bytes. An error is the
// last pair of the sequence.
func (s *ReadOnlyTimestampedKV[K, V]) All() iter.Seq2[TimestampedEntry[K, V], error] {
	return s.Select(Span[K]{}, false)
}

// ReverseAll is All in descending order.
func (s *ReadOnlyTimestampedKV[K, V]) ReverseAll() iter.Seq2[TimestampedEntry[K, V], error] {
	return s.Select(Span[K]{}, true)
}

// Range yields the entries of from <= key <= to, ascending; both bounds are
// included, as in Kafka Streams.
func (s *ReadOnlyTimestampedKV[K, V]) Range(from, to K) iter.Seq2[TimestampedEntry[K, V], error] {
	return s.Select(Between(from, to), false)
}

// ReverseRange is Range in descending order.
func (s *ReadOnlyTimestampedKV[K, V]) ReverseRange(from, to K) iter.Seq2[TimestampedEntry[K, V], error] {
	return s.Select(Between(from, to), true)
}

// Select yields the entries of a span of keys, ascending or in reverse.
func (s *ReadOnlyTimestampedKV[K, V]) Select(span Span[K], reverse bool) iter.Seq2[TimestampedEntry[K, V], error] {
	return spanOf(s.reader, &s.codec, span, reverse, s.decode)
}

// Prefix yields the entries whose encoded key begins with prefix, ascending. The
// slice must not change during the loop.
func (s *ReadOnlyTimestampedKV[K, V]) Prefix(prefix []byte) iter.Seq2[TimestampedEntry[K, V], error] {
	return prefixOf(s.reader, prefix, false, s.decode)
}

// ReversePrefix is Prefix in descending order.
func (s *ReadOnlyTimestampedKV[K, V]) ReversePrefix(prefix []byte) iter.Seq2[TimestampedEntry[K, V], error] {
	return prefixOf(s.reader, prefix, true, s.decode)
}

func (s *ReadOnlyTimestampedKV[K, V]) decode(key, value []byte) (e TimestampedEntry[K, V], ok bool, err error) {
	if e.Key, err = s.decodeKey(key); err != nil {
		return e, false, err
	}
	e.Value, e.Time, err = s.decodeTimed(value)
	return e, true, err
}
