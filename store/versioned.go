package store

import (
	"fmt"
	"iter"
	"math"

	"github.com/millrace/millrace/store/keyenc"
	"github.com/millrace/millrace/streams/serde"
)

// What [Versioned.Put] returns instead of a time, as in Kafka Streams.
const (
	// ValidToUndefined says that the version is the key's latest.
	ValidToUndefined int64 = -1
	// NotPut says that the put came later than the history reaches, and was left out.
	NotPut int64 = math.MinInt64
)

// The first byte of a stored version.
const (
	versionDeleted = iota // and nothing follows
	versionValue
)

// Version is a value of a key with the time it was valid: From <= time < To, in ms.
// To is ValidToUndefined in the latest version.
type Version[V any] struct {
	Value    V
	From, To int64
}

// VersionEntry is the latest version of a key.
type VersionEntry[K, V any] struct {
	Key     K
	Version Version[V]
}

// ReadOnlyVersioned reads a store that keeps the values a key had, each from its
// time on. The latest version of a key is kept for ever; one that was replaced at
// the store's stream time minus its history, or later, can still be asked for. All
// times are ms since the epoch.
//
// It has buffers of its own and remembers the stream time, so each goroutine makes
// its own, over each [Snapshot] a new one.
type ReadOnlyVersioned[K, V any] struct {
	codec[K, V]
	reader   Reader
	history  int64 // ms
	observed int64 // ms, or unseen
}

// NewReadOnlyVersioned is the typed view of a reader of a versioned store.
func NewReadOnlyVersioned[K, V any](r Reader, spec Spec, ks serde.Serde[K], vs serde.Serde[V]) (*ReadOnlyVersioned[K, V], error) {
	if err := expect(spec, KindVersioned); err != nil {
		return nil, err
	}
	return &ReadOnlyVersioned[K, V]{
		codec: codec[K, V]{keys: ks, values: vs}, reader: r, history: spec.History.Milliseconds(), observed: unseen,
	}, nil
}

// Get returns the latest version of k; none if that is a deletion.
func (s *ReadOnlyVersioned[K, V]) Get(k K) (v Version[V], ok bool, err error) {
	key, err := s.encodeKey(k)
	if err != nil {
		return v, false, err
	}
	b := s.borrow()
	defer func() { s.giveBack(b) }()
	b = keyenc.AppendEscaped(b, key)
	n := len(b)
	b = keyenc.AppendVersionsEnd(b, key)
	return s.last(b[:n], b[n:])
}

// GetAsOf returns the version of k that was valid at a time. Nothing is returned
// for a time before the store's history, unless the latest version reaches so far
// back.
func (s *ReadOnlyVersioned[K, V]) GetAsOf(k K, asOf int64) (v Version[V], ok bool, err error) {
	if err = s.recall(); err != nil {
		return v, false, err
	}
	for v, err = range s.between(k, asOf, asOf, true) {
		if err != nil || v.To != ValidToUndefined && asOf < s.oldest() {
			return Version[V]{}, false, err
		}
		return v, true, nil
	}
	return v, false, nil
}

// History yields the versions of k that were valid at some time of from <= time <=
// to, as far as the store's history reaches, the oldest first. An error is the last
// pair of the sequence.
func (s *ReadOnlyVersioned[K, V]) History(k K, from, to int64) iter.Seq2[Version[V], error] {
	return s.within(k, from, to, false)
}

// BackwardHistory is History with the youngest version first.
func (s *ReadOnlyVersioned[K, V]) BackwardHistory(k K, from, to int64) iter.Seq2[Version[V], error] {
	return s.within(k, from, to, true)
}

// within leaves out what was replaced before the history began. It may lie there
// still, and an answer must not depend on that.
//
//go:noinline
func (s *ReadOnlyVersioned[K, V]) within(k K, from, to int64, reverse bool) iter.Seq2[Version[V], error] {
	return func(yield func(Version[V], error) bool) {
		if err := s.recall(); err != nil {
			yield(Version[V]{}, err)
			return
		}
		for v, err := range s.between(k, from, to, reverse) {
			expired := v.To != ValidToUndefined && v.To <= s.oldest()
			if !(expired && err == nil) && !yield(v, err) {
				return
			}
		}
	}
}

// between yields the versions of k that were valid between two times. The rows are
// read before the first is yielded: each needs its neighbour for its end.
//
//go:noinline
func (s *ReadOnlyVersioned[K, V]) between(k K, from, to int64, reverse bool) iter.Seq2[Version[V], error] {
	return seq(func(yield func(Version[V], error) bool) error {
		versions, err := s.collect(k, from, to)
		for i := range versions {
			if reverse {
				i = len(versions) - 1 - i
			}
			if !yield(versions[i], nil) {
				return nil
			}
		}
		return err
	})
}

// collect reads from the newest version down to the one that was valid at from.
func (s *ReadOnlyVersioned[K, V]) collect(k K, from, to int64) (out []Version[V], err error) {
	key, err := s.encodeKey(k)
	if err != nil {
		return nil, err
	}
	b := s.borrow()
	defer func() { s.giveBack(b) }()
	b = append(b, key...)
	n := len(b)
	b = keyenc.AppendEscaped(b, b[:n])
	lo := len(b)
	b = keyenc.AppendVersionsEnd(b, b[:n])

	next, fault := ValidToUndefined, error(nil)
	err = s.reader.Scan(b[n:lo], b[lo:], true, func(key, value []byte) bool {
		v, ok, err := s.version(key, value)
		if fault = err; err != nil {
			return false
		}
		v.To, next = next, v.From
		if ok && v.From <= to {
			out = append(out, v)
		}
		return v.From > from
	})
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	if err == nil {
		err = fault
	}
	return out, err
}

// last is the youngest version of a range of local keys.
func (s *ReadOnlyVersioned[K, V]) last(lo, hi []byte) (v Version[V], ok bool, err error) {
	var fault error
	err = s.reader.Scan(lo, hi, true, func(key, value []byte) bool {
		v, ok, fault = s.version(key, value)
		return false
	})
	if err == nil {
		err = fault
	}
	v.To = ValidToUndefined
	return v, ok && err == nil, err
}

// version decodes one row; ok is false for a deletion.
func (s *ReadOnlyVersioned[K, V]) version(key, value []byte) (v Version[V], ok bool, err error) {
	if len(key) < 8 || len(value) == 0 {
		return v, false, fmt.Errorf("%w: a row of %d bytes is no version", ErrCorrupt, len(key))
	}
	v.From = keyenc.Int64(key[len(key)-8:])
	if value[0] == versionDeleted {
		return v, false, nil
	}
	v.Value, err = s.decodePlain(value[1:])
	return v, err == nil, err
}

// All yields the latest version of every key that has one, in the order of the
// keys' bytes. An error is the last pair of the sequence.
func (s *ReadOnlyVersioned[K, V]) All() iter.Seq2[VersionEntry[K, V], error] {
	return seq(func(yield func(VersionEntry[K, V], error) bool) error {
		var held VersionEntry[K, V]
		var last []byte
		ready, more := false, true
		decode := func(key, value []byte) (VersionEntry[K, V], bool, error) {
			out, ok := held, false
			if plain := key[:max(0, len(key)-8)]; string(plain) != string(last) {
				ok, last = ready, append(last[:0], plain...)
			}
			var err error
			held, ready, err = s.entry(key, value)
			return out, ok, err
		}
		more = walk(s.reader, keyenc.VersionIndexEnd(), nil, false, decode, yield)
		if more && ready {
			yield(held, nil)
		}
		return nil
	})
}

func (s *ReadOnlyVersioned[K, V]) entry(key, value []byte) (e VersionEntry[K, V], ok bool, err error) {
	if e.Version, ok, err = s.version(key, value); err != nil || !ok {
		return e, false, err
	}
	e.Version.To = ValidToUndefined
	plain, _, err := keyenc.SplitVersion(s.plain[:0], key)
	if err != nil {
		return e, false, corruptKey(err)
	}
	s.plain = plain
	e.Key, err = s.decodeKey(plain)
	return e, err == nil, err
}

// recall finds the stream time of a store that was filled before this view was
// made: the last entry of the index.
func (s *ReadOnlyVersioned[K, V]) recall() error {
	if s.observed != unseen {
		return nil
	}
	var fault error
	err := s.reader.Scan(nil, keyenc.VersionIndexEnd(), true, func(key, _ []byte) bool {
		s.observed, _, fault = keyenc.SplitVersionIndex(key)
		return false
	})
	if err == nil {
		err = corruptKey(fault)
	}
	return err
}

// oldest is the earliest time that can be asked for, and put to.
func (s *ReadOnlyVersioned[K, V]) oldest() int64 {
	if s.observed < math.MinInt64+s.history {
		return math.MinInt64
	}
	return s.observed - s.history
}

// StreamTime is the store's own stream time in ms, the highest time ever put, and
// whether there is one.
func (s *ReadOnlyVersioned[K, V]) StreamTime() (ms int64, ok bool, err error) {
	err = s.recall()
	return s.observed, s.observed != unseen, err
}
