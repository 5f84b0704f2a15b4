package store

import (
	"iter"
	"math"

	"github.com/millrace/millrace/store/keyenc"
	"github.com/millrace/millrace/streams/serde"
)

// WindowEntry is one window of a key with its value and the value's time, in ms.
type WindowEntry[K, V any] struct {
	Key   serde.Windowed[K]
	Value V
	Time  int64
}

// Window is a typed store of windows: a key and a window's start lead to a value
// with a time. Windows that start at the store's stream time minus its retention,
// or earlier, are gone. All times are ms since the epoch.
//
// It belongs to the goroutine of its task. Loops over it may read, but must not
// write. After [DB.Rollback] make a new one: it remembers the stream time.
type Window[K, V any] struct {
	engine Engine
	codec[K, V]
	horizon
	size int64 // ms
}

// NewWindow is the typed view of an engine whose Spec is a timestamped window
// store. The Spec must be valid.
func NewWindow[K, V any](e Engine, spec Spec, ks serde.Serde[K], vs serde.Serde[V]) (*Window[K, V], error) {
	if err := expect(spec, KindWindow); err != nil {
		return nil, err
	}
	return &Window[K, V]{
		engine: e, codec: codec[K, V]{keys: ks, values: vs},
		horizon: newHorizon(e, spec, keyenc.WindowTime), size: spec.WindowSize.Milliseconds(),
	}, nil
}

// Get returns the value of the window of k that starts at start, and its time.
func (s *Window[K, V]) Get(k K, start int64) (v V, ts int64, ok bool, err error) {
	if err = s.recall(); err != nil || s.expired(start) {
		return v, 0, false, err
	}
	key, err := s.key(k, start)
	if err != nil {
		return v, 0, false, err
	}
	b, ok, err := s.engine.Get(key)
	if err != nil || !ok {
		return v, 0, false, err
	}
	v, ts, err = s.decodeTimed(b)
	return v, ts, err == nil, err
}

// Put sets the value of a window and its time. A window that has expired already is
// written, so that it is in the changelog as Kafka Streams has it, but never read
// again.
func (s *Window[K, V]) Put(k K, start int64, v V, ts int64) error {
	if err := s.advance(start); err != nil {
		return err
	}
	key, err := s.key(k, start)
	if err != nil {
		return err
	}
	value, err := s.encodeTimed(v, ts)
	if err != nil {
		return err
	}
	return s.engine.Put(key, value)
}

// Delete removes a window, which need not be there. Like Put it moves the store's
// stream time.
func (s *Window[K, V]) Delete(k K, start int64) error {
	if err := s.advance(start); err != nil {
		return err
	}
	key, err := s.key(k, start)
	if err != nil {
		return err
	}
	return s.engine.Delete(key)
}

// Fetch yields the windows of k that start at from <= start <= to, in that order.
// An error is the last pair of the sequence.
func (s *Window[K, V]) Fetch(k K, from, to int64) iter.Seq2[WindowEntry[K, V], error] {
	return func(yield func(WindowEntry[K, V], error) bool) {
		if err := s.fetch(k, from, to, yield); err != nil {
			yield(WindowEntry[K, V]{}, err)
		}
	}
}

func (s *Window[K, V]) fetch(k K, from, to int64, yield func(WindowEntry[K, V], error) bool) error {
	if err := s.recall(); err != nil {
		return err
	}
	first, last := s.segments(from, to)
	from = max(from, s.oldest())
	return scanKey(s.engine, &s.codec, k, first, last, from, to, s.decode, yield)
}

// All yields every window, by segment, key and start; so an older window may come
// after a younger one of a smaller key. An error is the last pair.
func (s *Window[K, V]) All() iter.Seq2[WindowEntry[K, V], error] {
	return scanAll(s.engine, &s.horizon, s.decode, func(e WindowEntry[K, V]) int64 { return e.Key.Window.Start })
}

func (s *Window[K, V]) key(k K, start int64) ([]byte, error) {
	plain, err := s.encodeKey(k)
	if err != nil {
		return nil, err
	}
	s.local = keyenc.AppendWindow(s.local[:0], keyenc.Segment(start, s.interval), plain, start, 0)
	return s.local, nil
}

func (s *Window[K, V]) decode(key, value []byte) (e WindowEntry[K, V], ok bool, err error) {
	plain, w, err := keyenc.SplitWindow(s.plain[:0], key)
	if err != nil {
		return e, false, corruptKey(err)
	}
	s.plain = plain
	e.Key.Window = serde.Window{Start: w.Start, End: endOf(w.Start, s.size)}
	if e.Key.Key, err = s.decodeKey(plain); err != nil {
		return e, false, err
	}
	e.Value, e.Time, err = s.decodeTimed(value)
	return e, true, err
}

// endOf is where a window ends; it stops at the end of time, as Kafka Streams
// does, instead of wrapping around.
func endOf(start, size int64) int64 {
	if end := start + size; end >= start {
		return end
	}
	return math.MaxInt64
}
