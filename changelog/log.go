package changelog

import (
	"encoding/binary"
	"fmt"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/format"
	"github.com/millrace/millrace/store/keyenc"
	"github.com/millrace/millrace/streams/record"
)

// timeSize is the length of the time in front of a timestamped value.
const timeSize = 8

// Record is one record of a changelog. All slices are lent for the call.
type Record struct {
	Key, Value []byte // a nil value is a deletion
	Time       int64  // ms
	Headers    []record.Header
}

// Context is what the records of a changelog take over from the record that is
// being processed.
type Context struct {
	// Now is the time of that record, in ms.
	Now func() int64
	// Headers are those of that record; nil if nobody has any.
	Headers func() []record.Header
	// Wall is the wall clock, in ms, which the changelogs of buffers go by; Now if
	// it is nil.
	Wall func() int64
}

// Log is Write without headers, for those who have none to give and keep none: a
// buffer's records then have no version either, and are still read.
func Log(e store.Engine, spec store.Spec, now func() int64, emit func(key, value []byte, ts int64) error) store.Engine {
	return Write(e, spec, Context{Now: now}, func(r *Record) error { return emit(r.Key, r.Value, r.Time) })
}

// Write wraps an engine so that each Put and Delete is also emitted as a record of
// the store's changelog, after it was staged. The record is lent for the call.
// Range deletions are expiry and are not logged: the topic's retention does the
// same; nor is what a versioned store forgets. What a [store.TTL] expires is.
//
// The result belongs to the goroutine of e. A store with LoggingOff is returned as
// it is.
func Write(e store.Engine, spec store.Spec, context Context, emit func(*Record) error) store.Engine {
	if spec.LoggingOff {
		return e
	}
	if context.Wall == nil {
		context.Wall = context.Now
	}
	return &logged{Engine: e, spec: spec, keys: newKeys(spec), context: context, emit: emit, version: bufferVersion()}
}

// bufferVersion is the header of a suppress buffer's rows.
func bufferVersion() []record.Header {
	return []record.Header{{Key: format.VersionHeader, Value: []byte{format.BufferVersion}}}
}

// logged is an engine whose writes go to the changelog too; reads pass through.
type logged struct {
	store.Engine
	spec    store.Spec
	keys    keys
	context Context
	emit    func(*Record) error
	version []record.Header
	out     Record // is lent to emit
}

func (l *logged) Put(key, value []byte) error {
	if err := l.Engine.Put(key, value); err != nil {
		return err
	}
	return l.LogPut(key, value)
}

func (l *logged) Delete(key []byte) error {
	if err := l.Engine.Delete(key); err != nil {
		return err
	}
	return l.LogDelete(key)
}

// Staged, LogPut and LogDelete are for record caches, which write the store in
// one order and the changelog in another; see cached.Split. Versioned stores log
// puts that come too late, LRU stores remove unlogged.
func (l *logged) Staged() store.Engine { return l.Engine }

// LogPut emits the record of a Put that was staged apart.
func (l *logged) LogPut(key, value []byte) error {
	if l.local(key) {
		return nil
	}
	if err := l.begin(key); err != nil {
		return err
	}
	if err := l.fill(key, value); err != nil {
		return fmt.Errorf("changelog of store %q: %w", l.spec.Name, err)
	}
	return l.emit(&l.out)
}

// LogDelete emits the record of a Delete that was staged apart.
func (l *logged) LogDelete(key []byte) error {
	// A version is never deleted, it is followed by a deletion: this is expiry.
	if l.spec.Kind == store.KindVersioned || l.local(key) {
		return nil
	}
	if err := l.begin(key); err != nil {
		return err
	}
	if l.spec.LogRemovalHeaders && l.context.Headers != nil {
		l.out.Headers = l.context.Headers()
	}
	return l.emit(&l.out)
}

// local tells rows that only the engine has: the index of a versioned store, or of
// one with a TTL.
func (l *logged) local(key []byte) bool {
	return l.spec.Kind == store.KindVersioned && keyenc.IsVersionIndex(key) || l.spec.TTL > 0 && keyenc.IsExpiry(key)
}

// begin makes the record of a deletion, which a value may be added to.
func (l *logged) begin(key []byte) error {
	out, err := l.keys.logged(key)
	if err != nil {
		return fmt.Errorf("changelog of store %q: %w", l.spec.Name, err)
	}
	l.out = Record{Key: out, Time: l.context.Now()}
	if l.spec.LogHeaders && l.context.Headers != nil {
		l.out.Headers = l.context.Headers()
	}
	if l.spec.Kind == store.KindBuffer || l.spec.Kind == store.KindGraceBuffer {
		l.out.Time = l.context.Wall()
	}
	return nil
}

// fill adds the value, and the time that goes with it.
func (l *logged) fill(key, value []byte) (err error) {
	switch {
	case l.spec.Kind == store.KindVersioned:
		l.out.Time = keyenc.VersionTime(key)
		l.out.Value, err = store.LoggedVersion(value)
		return err
	case l.spec.Timestamped && len(value) < timeSize:
		return fmt.Errorf("a value of %d bytes has no timestamp; write it through a timestamped view", len(value))
	case l.spec.Timestamped:
		l.out.Time = int64(binary.BigEndian.Uint64(value))
		l.out.Value = value[timeSize:]
		return nil
	case l.spec.Kind == store.KindBuffer:
		l.out.Headers = l.version
	}
	if value == nil {
		value = []byte{} // nil would be a deletion
	}
	l.out.Value = value
	return nil
}
