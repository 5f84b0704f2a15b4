package store

import (
	"bytes"
	"fmt"
	"math"

	"github.com/millrace/millrace/store/keyenc"
	"github.com/millrace/millrace/streams/serde"
)

// putLogger is what an engine that logs can do: emit the record of a put without
// making it. Kafka Streams logs the puts to a versioned store that come too late,
// and leaves them out again when it restores.
type putLogger interface {
	LogPut(key, value []byte) error
}

// LoggedVersion is the value of a stored version as its changelog has it: nil for a
// deletion, never nil else. It aliases b.
func LoggedVersion(b []byte) ([]byte, error) {
	switch {
	case len(b) > 0 && b[0] == versionValue:
		return b[1:], nil
	case len(b) == 1 && b[0] == versionDeleted:
		return nil, nil
	}
	return nil, fmt.Errorf("%w: %d bytes are no version", ErrCorrupt, len(b))
}

// AppendLoggedVersion appends the stored form of a changelog's value: the way back.
func AppendLoggedVersion(dst, value []byte) []byte {
	if value == nil {
		return append(dst, versionDeleted)
	}
	return append(append(dst, versionValue), value...)
}

// expiriesPerPut bounds the work that one put does for those before it. Each put
// adds one entry to the index, so that two keep it from growing.
const expiriesPerPut = 2

// Versioned is a typed versioned store. It belongs to the goroutine of its task.
// Loops over it may read, but must not write. After [DB.Rollback] make a new one.
type Versioned[K, V any] struct {
	ReadOnlyVersioned[K, V]
	engine Engine
	due    int64 // nothing in the index is older, ms
	doomed []byte
	index  []byte
}

// NewVersioned is the typed view of an engine whose Spec is a versioned store.
func NewVersioned[K, V any](e Engine, spec Spec, ks serde.Serde[K], vs serde.Serde[V]) (*Versioned[K, V], error) {
	r, err := NewReadOnlyVersioned(e, spec, ks, vs)
	if err != nil {
		return nil, err
	}
	return &Versioned[K, V]{ReadOnlyVersioned: *r, engine: e, due: math.MinInt64}, nil
}

// Put adds the version of k that is valid from ts on, or replaces the one of just
// that time. It returns the time of the next version, ValidToUndefined if there is
// none, or NotPut if ts is before the store's history.
func (s *Versioned[K, V]) Put(k K, v V, ts int64) (validTo int64, err error) {
	value, err := s.encodeValue(append(s.value[:0], versionValue), v)
	if err != nil {
		return NotPut, err
	}
	return s.put(k, value, ts)
}

// PutNull is Put of a deletion: from ts on k has no value.
func (s *Versioned[K, V]) PutNull(k K, ts int64) (validTo int64, err error) {
	return s.put(k, append(s.value[:0], versionDeleted), ts)
}

// Delete is PutNull that returns the version that was valid at ts before. A delete
// from before the store's history is left out and returns none.
func (s *Versioned[K, V]) Delete(k K, ts int64) (old Version[V], ok bool, err error) {
	if old, ok, err = s.GetAsOf(k, ts); err != nil {
		return old, false, err
	}
	validTo, err := s.PutNull(k, ts)
	return old, ok && err == nil && validTo != NotPut, err
}

func (s *Versioned[K, V]) put(k K, value []byte, ts int64) (validTo int64, err error) {
	s.value = value
	if err := s.recall(); err != nil {
		return NotPut, err
	}
	plain, err := s.encodeKey(k)
	if err != nil {
		return NotPut, err
	}
	s.local = keyenc.AppendVersion(s.local[:0], plain, ts)
	if s.observed != unseen && ts < s.oldest() {
		return NotPut, s.logOnly(value)
	}
	if err := s.engine.Put(s.local, value); err != nil {
		return NotPut, err
	}
	s.index = keyenc.AppendVersionIndex(s.index[:0], ts, plain)
	if err := s.engine.Put(s.index, nil); err != nil {
		return NotPut, err
	}
	if validTo, err = s.successor(plain); err != nil {
		return NotPut, err
	}
	s.observed, s.due = max(s.observed, ts), min(s.due, ts)
	return validTo, s.expire()
}

func (s *Versioned[K, V]) logOnly(value []byte) error {
	if l, ok := s.engine.(putLogger); ok {
		return l.LogPut(s.local, value)
	}
	return nil
}

// successor is the time of the version after the one in s.local.
func (s *Versioned[K, V]) successor(plain []byte) (int64, error) {
	b := s.borrow()
	defer func() { s.giveBack(b) }()
	b = append(append(b, s.local...), 0) // the smallest key above it
	n := len(b)
	b = keyenc.AppendVersionsEnd(b, plain)
	next := ValidToUndefined
	err := s.engine.Scan(b[:n], b[n:], false, func(key, _ []byte) bool {
		next = keyenc.Int64(key[len(key)-8:])
		return false
	})
	return next, err
}

// expire takes the oldest entries out of the index that the history has passed. A
// version that began before it has no use for those before it, of which there is
// nothing in the index any more; and a deletion has no use itself.
func (s *Versioned[K, V]) expire() error {
	for range expiriesPerPut {
		if s.due >= s.oldest() {
			return nil
		}
		ok, err := s.eldest()
		if err != nil || !ok {
			return err
		}
		if s.due >= s.oldest() {
			return nil
		}
		if err := s.forget(); err != nil {
			return err
		}
	}
	return nil
}

// eldest finds the first entry of the index, and puts its time into s.due.
func (s *Versioned[K, V]) eldest() (ok bool, err error) {
	var fault error
	err = s.engine.Scan(nil, keyenc.VersionIndexEnd(), false, func(key, _ []byte) bool {
		s.index = append(s.index[:0], key...)
		s.due, _, fault = keyenc.SplitVersionIndex(key)
		ok = fault == nil
		return false
	})
	if err == nil {
		err = corruptKey(fault)
	}
	return ok, err
}

// forget removes the entry in s.index and what it makes useless.
func (s *Versioned[K, V]) forget() error {
	ts, plain, err := keyenc.SplitVersionIndex(s.index)
	if err != nil {
		return corruptKey(err)
	}
	b := s.borrow()
	defer func() { s.giveBack(b) }()
	b = keyenc.AppendEscaped(b, plain)
	n := len(b)
	b = append(keyenc.AppendVersion(b, plain, ts), 0)
	own := b[n : len(b)-1]

	s.doomed = s.doomed[:0]
	var ends []int
	err = s.engine.Scan(b[:n], b[n:], false, func(key, value []byte) bool {
		if !bytes.Equal(key, own) || len(value) == 1 && value[0] == versionDeleted {
			s.doomed = append(s.doomed, key...)
			ends = append(ends, len(s.doomed))
		}
		return true
	})
	from := 0
	for _, to := range ends {
		if err == nil {
			err = s.engine.Delete(s.doomed[from:to])
		}
		from = to
	}
	if err == nil {
		err = s.engine.Delete(s.index)
	}
	return err
}
