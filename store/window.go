package store

import (
	"iter"
	"math"

	"github.com/millrace/millrace/store/keyenc"
	"github.com/millrace/millrace/streams/serde"
)

// WindowEntry is one window of a key with its value and the value's time, in ms. In
// a store that is not timestamped the time is the window's start.
type WindowEntry[K, V any] struct {
	Key   serde.Windowed[K]
	Value V
	Time  int64
}

// ReadOnlyWindow reads a store of windows: a key and a window's start lead to a
// value. Windows that start at the store's stream time minus its retention, or
// earlier, are gone. All times are ms since the epoch.
//
// It has buffers of its own and remembers the stream time, so each goroutine makes
// its own, over each [Snapshot] a new one.
type ReadOnlyWindow[K, V any] struct {
	codec[K, V]
	horizon
	spec Spec
	size int64 // ms
	each *windowScan[K, V]
}

// NewReadOnlyWindow is the typed view of a reader of a window store.
func NewReadOnlyWindow[K, V any](r Reader, spec Spec, ks serde.Serde[K], vs serde.Serde[V]) (*ReadOnlyWindow[K, V], error) {
	if err := expect(spec, KindWindow); err != nil {
		return nil, err
	}
	return &ReadOnlyWindow[K, V]{
		codec: codec[K, V]{keys: ks, values: vs}, horizon: newHorizon(r, spec, keyenc.WindowTime),
		spec: spec, size: spec.WindowSize.Milliseconds(),
	}, nil
}

// Window is a typed store of windows. It belongs to the goroutine of its task.
// Loops over it may read, but must not write. After [DB.Rollback] make a new one.
//
// A store that retains duplicates keeps every value that was put into a window, in
// that order; Get finds none there, Fetch all.
type Window[K, V any] struct {
	ReadOnlyWindow[K, V]
	engine  Engine
	seq     int32 // of the last put, in a store that retains duplicates
	counted bool
}

// NewWindow is the typed view of an engine whose Spec is a window store.
func NewWindow[K, V any](e Engine, spec Spec, ks serde.Serde[K], vs serde.Serde[V]) (*Window[K, V], error) {
	r, err := NewReadOnlyWindow(e, spec, ks, vs)
	if err != nil {
		return nil, err
	}
	return &Window[K, V]{ReadOnlyWindow: *r, engine: e}, nil
}

// Get returns the value of the window of k that starts at start, and its time.
func (s *ReadOnlyWindow[K, V]) Get(k K, start int64) (v V, ts int64, ok bool, err error) {
	if err = s.recall(); err != nil || s.expired(start) {
		return v, 0, false, err
	}
	key, err := s.key(k, start, 0)
	if err != nil {
		return v, 0, false, err
	}
	b, ok, err := s.reader.Get(key)
	if err != nil || !ok {
		return v, 0, false, err
	}
	v, ts, err = s.decodeValue(b, start)
	return v, ts, err == nil, err
}

// Put sets the value of a window and its time, which a store that is not
// timestamped does not keep. A window that has expired already is written, so that
// it is in the changelog as Kafka Streams has it, but never read again.
func (s *Window[K, V]) Put(k K, start int64, v V, ts int64) error {
	key, err := s.next(k, start)
	if err != nil {
		return err
	}
	value, err := s.encodePlain(v)
	if s.spec.Timestamped {
		value, err = s.encodeTimed(v, ts)
	}
	if err != nil {
		return err
	}
	return s.engine.Put(key, value)
}

// Delete removes a window, which need not be there. Like Put it moves the store's
// stream time. From a store that retains duplicates it removes nothing; as in Kafka
// Streams it takes a number all the same and leaves a tombstone in the changelog, and
// moves the time only if the store is in memory.
func (s *Window[K, V]) Delete(k K, start int64) error {
	next := s.next
	if s.spec.RetainDuplicates && !s.spec.InMemory {
		next = s.number
	}
	key, err := next(k, start)
	if err != nil {
		return err
	}
	return s.engine.Delete(key)
}

// next is the local key of the next write.
func (s *Window[K, V]) next(k K, start int64) ([]byte, error) {
	if err := s.advance(s.engine, start); err != nil {
		return nil, err
	}
	return s.number(k, start)
}

// number is next without a move of the stream time.
func (s *Window[K, V]) number(k K, start int64) ([]byte, error) {
	if !s.spec.RetainDuplicates {
		return s.key(k, start, 0)
	}
	if err := s.count(); err != nil {
		return nil, err
	}
	s.seq = (s.seq + 1) & math.MaxInt32
	return s.key(k, start, s.seq)
}

// count goes on after the highest number that the store holds. Kafka Streams starts
// at one again, and then overwrites what one window got before the restart.
func (s *Window[K, V]) count() error {
	if s.counted {
		return nil
	}
	var fault error
	err := s.engine.Scan(nil, nil, false, func(key, _ []byte) bool {
		var seq int32
		seq, fault = keyenc.WindowSeq(key)
		s.seq = max(s.seq, seq)
		return fault == nil
	})
	if err == nil {
		err = corruptKey(fault)
	}
	s.counted = err == nil
	return err
}

// Fetch yields the windows of k that start at from <= start <= to, in that order.
// An error is the last pair of the sequence.
func (s *ReadOnlyWindow[K, V]) Fetch(k K, from, to int64) iter.Seq2[WindowEntry[K, V], error] {
	return scanKey(&s.horizon, &s.codec, k, s.scanOf(k, from, to, false))
}

// BackwardFetch is Fetch from the youngest window to the oldest.
func (s *ReadOnlyWindow[K, V]) BackwardFetch(k K, from, to int64) iter.Seq2[WindowEntry[K, V], error] {
	return scanKey(&s.horizon, &s.codec, k, s.scanOf(k, from, to, true))
}

// FetchRange yields the windows of a span of keys that start at from <= start <=
// to: by segment, key and start, so that an older window may come after a younger
// one of a smaller key. An error is the last pair of the sequence.
func (s *ReadOnlyWindow[K, V]) FetchRange(keys Span[K], from, to int64) iter.Seq2[WindowEntry[K, V], error] {
	return scanSpan(&s.horizon, &s.codec, keys, s.scan(from, to, false))
}

// BackwardFetchRange is FetchRange in the opposite order.
func (s *ReadOnlyWindow[K, V]) BackwardFetchRange(keys Span[K], from, to int64) iter.Seq2[WindowEntry[K, V], error] {
	return scanSpan(&s.horizon, &s.codec, keys, s.scan(from, to, true))
}

// FetchAll is FetchRange over all keys.
func (s *ReadOnlyWindow[K, V]) FetchAll(from, to int64) iter.Seq2[WindowEntry[K, V], error] {
	return s.FetchRange(Span[K]{}, from, to)
}

// BackwardFetchAll is BackwardFetchRange over all keys.
func (s *ReadOnlyWindow[K, V]) BackwardFetchAll(from, to int64) iter.Seq2[WindowEntry[K, V], error] {
	return s.BackwardFetchRange(Span[K]{}, from, to)
}

// All yields every window, in the order of FetchRange.
func (s *ReadOnlyWindow[K, V]) All() iter.Seq2[WindowEntry[K, V], error] {
	return s.FetchAll(math.MinInt64, math.MaxInt64)
}

// BackwardAll is All in the opposite order.
func (s *ReadOnlyWindow[K, V]) BackwardAll() iter.Seq2[WindowEntry[K, V], error] {
	return s.BackwardFetchAll(math.MinInt64, math.MaxInt64)
}

func (s *ReadOnlyWindow[K, V]) scan(from, to int64, reverse bool) scan[WindowEntry[K, V]] {
	return scan[WindowEntry[K, V]]{from: from, to: to, reverse: reverse, decode: s.decode}
}

// scanOf is a scan over the windows of one key, which need not be decoded again.
func (s *ReadOnlyWindow[K, V]) scanOf(k K, from, to int64, reverse bool) scan[WindowEntry[K, V]] {
	decode := func(key, value []byte) (e WindowEntry[K, V], ok bool, err error) {
		_, start, err := keyenc.WindowTime(key)
		if err != nil {
			return e, false, corruptKey(err)
		}
		e.Key = serde.Windowed[K]{Key: k, Window: serde.Window{Start: start, End: endOf(start, s.size)}}
		e.Value, e.Time, err = s.decodeValue(value, start)
		return e, true, err
	}
	return scan[WindowEntry[K, V]]{from: from, to: to, reverse: reverse, decode: decode}
}

func (s *ReadOnlyWindow[K, V]) key(k K, start int64, seq int32) ([]byte, error) {
	plain, err := s.encodeKey(k)
	if err != nil {
		return nil, err
	}
	s.local = keyenc.AppendWindow(s.local[:0], keyenc.Segment(start, s.interval), plain, start, seq)
	return s.local, nil
}

func (s *ReadOnlyWindow[K, V]) decode(key, value []byte) (e WindowEntry[K, V], ok bool, err error) {
	plain, w, err := keyenc.SplitWindow(s.plain[:0], key)
	if err != nil {
		return e, false, corruptKey(err)
	}
	s.plain = plain
	e.Key.Window = serde.Window{Start: w.Start, End: endOf(w.Start, s.size)}
	if e.Key.Key, err = s.decodeKey(plain); err != nil {
		return e, false, err
	}
	e.Value, e.Time, err = s.decodeValue(value, w.Start)
	return e, true, err
}

func (s *ReadOnlyWindow[K, V]) decodeValue(b []byte, start int64) (v V, ts int64, err error) {
	if s.spec.Timestamped {
		return s.decodeTimed(b)
	}
	v, err = s.decodePlain(b)
	return v, start, err
}

// endOf is where a window ends; it stops at the end of time, as Kafka Streams
// does, instead of wrapping around.
func endOf(start, size int64) int64 {
	if end := start + size; end >= start {
		return end
	}
	return math.MaxInt64
}
