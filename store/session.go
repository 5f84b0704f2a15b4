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

// Session is a typed store of sessions: a key, a start and an end, both included,
// lead to an aggregate. Sessions that ended at the store's stream time minus its
// retention, or earlier, are gone. All times are ms since the epoch.
//
// It belongs to the goroutine of its task. Loops over it may read, but must not
// write. After [DB.Rollback] make a new one: it remembers the stream time.
type Session[K, V any] struct {
	engine Engine
	codec[K, V]
	horizon
}

// NewSession is the typed view of an engine whose Spec is a session store. The
// Spec must be valid.
func NewSession[K, V any](e Engine, spec Spec, ks serde.Serde[K], vs serde.Serde[V]) (*Session[K, V], error) {
	if err := expect(spec, KindSession); err != nil {
		return nil, err
	}
	return &Session[K, V]{
		engine: e, codec: codec[K, V]{keys: ks, values: vs}, horizon: newHorizon(e, spec, keyenc.SessionTime),
	}, nil
}

// Find yields the sessions of k that end at earliestEnd or later and start at
// latestStart or earlier, by end, then start: those that a record between the two
// would merge. An error is the last pair of the sequence.
func (s *Session[K, V]) Find(k K, earliestEnd, latestStart int64) iter.Seq2[SessionEntry[K, V], error] {
	return func(yield func(SessionEntry[K, V], error) bool) {
		if err := s.find(k, earliestEnd, latestStart, yield); err != nil {
			yield(SessionEntry[K, V]{}, err)
		}
	}
}

func (s *Session[K, V]) find(k K, earliestEnd, latestStart int64, yield func(SessionEntry[K, V], error) bool) error {
	if err := s.recall(); err != nil {
		return err
	}
	first, last := s.segments(earliestEnd, math.MaxInt64)
	earliestEnd = max(earliestEnd, s.oldest())
	decode := func(key, value []byte) (SessionEntry[K, V], bool, error) {
		e, ok, err := s.decode(key, value)
		return e, ok && e.Key.Window.Start <= latestStart, err
	}
	return scanKey(s.engine, &s.codec, k, first, last, earliestEnd, math.MaxInt64, decode, yield)
}

// Get returns the aggregate of exactly that session.
func (s *Session[K, V]) Get(k K, start, end int64) (v V, ok bool, err error) {
	if err = s.recall(); err != nil || s.expired(end) {
		return v, false, err
	}
	key, err := s.key(k, start, end)
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

// Put sets the aggregate of a session. One that has expired already is written, so
// that it is in the changelog as Kafka Streams has it, but never read again.
func (s *Session[K, V]) Put(k K, start, end int64, v V) error {
	if err := s.advance(end); err != nil {
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

// All yields every session, by segment, key, end and start. An error is the last
// pair of the sequence.
func (s *Session[K, V]) All() iter.Seq2[SessionEntry[K, V], error] {
	return scanAll(s.engine, &s.horizon, s.decode, func(e SessionEntry[K, V]) int64 { return e.Key.Window.End })
}

func (s *Session[K, V]) key(k K, start, end int64) ([]byte, error) {
	plain, err := s.encodeKey(k)
	if err != nil {
		return nil, err
	}
	s.local = keyenc.AppendSession(s.local[:0], keyenc.Segment(end, s.interval), plain, start, end)
	return s.local, nil
}

func (s *Session[K, V]) decode(key, value []byte) (e SessionEntry[K, V], ok bool, err error) {
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
