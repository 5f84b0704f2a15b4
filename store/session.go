package store

import (
	"iter"
	"math"

	"github.com/millrace/millrace/store/keyenc"
	"github.com/millrace/millrace/streams/serde"
)

// SessionEntry is one session of a key with its aggregate.
type SessionEntry[K, V any] struct {
	Key   serde.Windowed[K]
	Value V
}

// ReadOnlySession reads a store of sessions: a key, a start and an end, both
// included, lead to an aggregate. Sessions that ended at the store's stream time
// minus its retention, or earlier, are gone. All times are ms since the epoch.
//
// It has buffers of its own and remembers the stream time, so each goroutine makes
// its own, over each [Snapshot] a new one.
type ReadOnlySession[K, V any] struct {
	codec[K, V]
	horizon
	each *sessionScan[K, V] // kept for the next; nil before the first, and while in use
}

// NewReadOnlySession is the typed view of a reader of a session store.
func NewReadOnlySession[K, V any](r Reader, spec Spec, ks serde.Serde[K], vs serde.Serde[V]) (*ReadOnlySession[K, V], error) {
	if err := expect(spec, KindSession); err != nil {
		return nil, err
	}
	return &ReadOnlySession[K, V]{
		codec: codec[K, V]{keys: ks, values: vs}, horizon: newHorizon(r, spec, keyenc.SessionTime),
	}, nil
}

// Session is a typed store of sessions. It belongs to the goroutine of its task.
// Loops over it may read, but must not write. After [DB.Rollback] make a new one.
type Session[K, V any] struct {
	ReadOnlySession[K, V]
	engine Engine
}

// NewSession is the typed view of an engine whose Spec is a session store.
func NewSession[K, V any](e Engine, spec Spec, ks serde.Serde[K], vs serde.Serde[V]) (*Session[K, V], error) {
	r, err := NewReadOnlySession(e, spec, ks, vs)
	if err != nil {
		return nil, err
	}
	return &Session[K, V]{ReadOnlySession: *r, engine: e}, nil
}

// Fetch yields the sessions of k, by end, then start. An error is the last pair of
// the sequence.
func (s *ReadOnlySession[K, V]) Fetch(k K) iter.Seq2[SessionEntry[K, V], error] {
	return s.Find(k, math.MinInt64, math.MaxInt64)
}

// BackwardFetch is Fetch from the youngest session to the oldest.
func (s *ReadOnlySession[K, V]) BackwardFetch(k K) iter.Seq2[SessionEntry[K, V], error] {
	return s.BackwardFind(k, math.MinInt64, math.MaxInt64)
}

// FetchRange yields the sessions of a span of keys, in the order of FindRange.
func (s *ReadOnlySession[K, V]) FetchRange(keys Span[K]) iter.Seq2[SessionEntry[K, V], error] {
	return s.FindRange(keys, math.MinInt64, math.MaxInt64)
}

// BackwardFetchRange is FetchRange in the opposite order.
func (s *ReadOnlySession[K, V]) BackwardFetchRange(keys Span[K]) iter.Seq2[SessionEntry[K, V], error] {
	return s.BackwardFindRange(keys, math.MinInt64, math.MaxInt64)
}

// Find yields the sessions of k that end at earliestEnd or later and start at
// latestStart or earlier, by end, then start: those that a record between the two
// would merge. An error is the last pair of the sequence.
func (s *ReadOnlySession[K, V]) Find(k K, earliestEnd, latestStart int64) iter.Seq2[SessionEntry[K, V], error] {
	return scanKey(&s.horizon, &s.codec, k, s.scanOf(k, earliestEnd, latestStart, false))
}

// BackwardFind is Find in the opposite order.
func (s *ReadOnlySession[K, V]) BackwardFind(k K, earliestEnd, latestStart int64) iter.Seq2[SessionEntry[K, V], error] {
	return scanKey(&s.horizon, &s.codec, k, s.scanOf(k, earliestEnd, latestStart, true))
}

// FindRange is Find over a span of keys: by segment, key, end and start.
func (s *ReadOnlySession[K, V]) FindRange(keys Span[K], earliestEnd, latestStart int64) iter.Seq2[SessionEntry[K, V], error] {
	return scanSpan(&s.horizon, &s.codec, keys, s.scan(earliestEnd, latestStart, false))
}

// BackwardFindRange is FindRange in the opposite order.
func (s *ReadOnlySession[K, V]) BackwardFindRange(keys Span[K], earliestEnd, latestStart int64) iter.Seq2[SessionEntry[K, V], error] {
	return scanSpan(&s.horizon, &s.codec, keys, s.scan(earliestEnd, latestStart, true))
}

// scan is over the ends of sessions; their starts are looked at one by one.
func (s *ReadOnlySession[K, V]) scan(earliestEnd, latestStart int64, reverse bool) scan[SessionEntry[K, V]] {
	decode := func(key, value []byte) (SessionEntry[K, V], bool, error) {
		e, ok, err := s.decode(key, value)
		return e, ok && e.Key.Window.Start <= latestStart, err
	}
	return scan[SessionEntry[K, V]]{from: earliestEnd, to: math.MaxInt64, reverse: reverse, decode: decode}
}

// scanOf is a scan over the sessions of one key, which need not be decoded again.
func (s *ReadOnlySession[K, V]) scanOf(k K, earliestEnd, latestStart int64, reverse bool) scan[SessionEntry[K, V]] {
	decode := func(key, value []byte) (e SessionEntry[K, V], ok bool, err error) {
		if e.Key.Window, ok, err = s.touched(key, latestStart); ok {
			e.Key.Key = k
			e.Value, err = s.decodePlain(value)
		}
		return e, ok, err
	}
	return scan[SessionEntry[K, V]]{from: earliestEnd, to: math.MaxInt64, reverse: reverse, decode: decode}
}

// touched is the window of a local key, and whether it starts early enough.
func (s *ReadOnlySession[K, V]) touched(key []byte, latestStart int64) (w serde.Window, ok bool, err error) {
	plain, at, err := keyenc.SplitSession(s.plain[:0], key)
	if err != nil {
		return w, false, corruptKey(err)
	}
	s.plain = plain
	return serde.Window{Start: at.Start, End: at.End}, at.Start <= latestStart, nil
}

// Get returns the aggregate of exactly that session.
func (s *ReadOnlySession[K, V]) Get(k K, start, end int64) (v V, ok bool, err error) {
	if err = s.recall(); err != nil || s.expired(end) {
		return v, false, err
	}
	key, err := s.key(k, start, end)
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

// Put sets the aggregate of a session. One that has expired already is written, so
// that it is in the changelog as Kafka Streams has it, but never read again.
func (s *Session[K, V]) Put(k K, start, end int64, v V) error {
	if err := s.advance(s.engine, end); err != nil {
		return err
	}
	key, err := s.key(k, start, end)
	if err != nil {
		return err
	}
	value, err := s.encodePlain(v)
	if err != nil {
		return err
	}
	return s.engine.Put(key, value)
}

// Remove removes a session, which need not be there. It does not move the store's
// stream time.
func (s *Session[K, V]) Remove(k K, start, end int64) error {
	key, err := s.key(k, start, end)
	if err != nil {
		return err
	}
	return s.engine.Delete(key)
}

// All yields every session, in the order of FindRange.
func (s *ReadOnlySession[K, V]) All() iter.Seq2[SessionEntry[K, V], error] {
	return s.FetchRange(Span[K]{})
}

// BackwardAll is All in the opposite order.
func (s *ReadOnlySession[K, V]) BackwardAll() iter.Seq2[SessionEntry[K, V], error] {
	return s.BackwardFetchRange(Span[K]{})
}

func (s *ReadOnlySession[K, V]) key(k K, start, end int64) ([]byte, error) {
	plain, err := s.encodeKey(k)
	if err != nil {
		return nil, err
	}
	s.local = keyenc.AppendSession(s.local[:0], keyenc.Segment(end, s.interval), plain, start, end)
	return s.local, nil
}

func (s *ReadOnlySession[K, V]) decode(key, value []byte) (e SessionEntry[K, V], ok bool, err error) {
	plain, w, err := keyenc.SplitSession(s.plain[:0], key)
	if err != nil {
		return e, false, corruptKey(err)
	}
	s.plain = plain
	e.Key.Window = serde.Window{Start: w.Start, End: w.End}
	if e.Key.Key, err = s.decodeKey(plain); err != nil {
		return e, false, err
	}
	e.Value, err = s.decodePlain(value)
	return e, true, err
}
