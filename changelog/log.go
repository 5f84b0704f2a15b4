package changelog

import (
	"encoding/binary"
	"fmt"

	"github.com/millrace/millrace/store"
)

// timeSize is the length of the time in front of a timestamped value.
const timeSize = 8

// Log wraps an engine so that each Put and Delete is also emitted as a record of
// the store's changelog, after it was staged. now is the time of the record being
// processed, in ms. The slices given to emit are lent for the call; a nil value is
// a deletion. Range deletions are expiry and are not logged: the topic's retention
// does the same.
//
// The result belongs to the goroutine of e. A store with LoggingOff is returned as
// it is.
func Log(e store.Engine, spec store.Spec, now func() int64, emit func(key, value []byte, ts int64) error) store.Engine {
	if spec.LoggingOff {
		return e
	}
	return &logged{Engine: e, spec: spec, keys: newKeys(spec), now: now, emit: emit}
}

// logged is an engine whose writes go to the changelog too; reads pass through.
type logged struct {
	store.Engine
	spec store.Spec
	keys keys
	now  func() int64
	emit func(key, value []byte, ts int64) error
}

func (l *logged) Put(key, value []byte) error {
	if err := l.Engine.Put(key, value); err != nil {
		return err
	}
	out, err := l.keys.logged(key)
	if err != nil {
		return fmt.Errorf("changelog of store %q: %w", l.spec.Name, err)
	}
	value, ts, err := l.plain(value)
	if err != nil {
		return err
	}
	return l.emit(out, value, ts)
}

// plain takes the time off a timestamped value.
func (l *logged) plain(value []byte) ([]byte, int64, error) {
	if !l.spec.Timestamped {
		if value == nil {
			value = []byte{} // nil would be a deletion
		}
		return value, l.now(), nil
	}
	if len(value) < timeSize {
		return nil, 0, fmt.Errorf("changelog of store %q: a value of %d bytes has no timestamp; write it through a timestamped view", l.spec.Name, len(value))
	}
	return value[timeSize:], int64(binary.BigEndian.Uint64(value)), nil
}

func (l *logged) Delete(key []byte) error {
	if err := l.Engine.Delete(key); err != nil {
		return err
	}
	out, err := l.keys.logged(key)
	if err != nil {
		return fmt.Errorf("changelog of store %q: %w", l.spec.Name, err)
	}
	return l.emit(out, nil, l.now())
}
