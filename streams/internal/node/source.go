package node

import (
	"errors"

	"github.com/millrace/millrace/streams/record"
	"github.com/millrace/millrace/streams/serde"
)

// DecodeError says that a record of a source topic cannot be read. Its text has
// no payload as long as the serde's errors have none.
type DecodeError struct {
	Part string // "key", "value" or "time"
	Err  error
}

// Error names the part and the cause.
func (e *DecodeError) Error() string { return "decode the " + e.Part + ": " + e.Err.Error() }

// Unwrap returns the serde's error.
func (e *DecodeError) Unwrap() error { return e.Err }

var errNegativeTime = errors.New("the timestamp is negative: the producer wrote none, or a wrong one")

var errNullValue = errors.New("null value; use serde.Nullable, or read the topic as a table, where a null is a deletion")

// Source is the door into the typed world: it decodes what is in env.Cur's topic
// and sends it on. The bytes must never be written again, because what it makes
// of them may alias them (see [serde.Borrower]).
//
// A nil key is a record without key. A nil value is a deletion in a table and the
// serde's own null in a stream; without one it is a [*DecodeError], as is
// everything that the serdes refuse, and a negative time.
func Source[K, V any](env *Env, ks serde.Serde[K], vs serde.Serde[V], table bool, next Sink[K, V]) func(key, value []byte) error {
	out := newSlot(next)
	key, value := newReader(ks), newReader(vs)
	value.absentOK = table
	key.absentOK = true
	return func(k, v []byte) (err error) {
		if env.Cur.Time < 0 {
			return &DecodeError{Part: "time", Err: errNegativeTime}
		}
		out.hd.Reset(env.Cur.Headers)
		if out.rec.Key, out.rec.NoKey, err = key.read(&out.hd, k); err != nil {
			return &DecodeError{Part: "key", Err: err}
		}
		if out.rec.Value, out.rec.Null, err = value.read(&out.hd, v); err != nil {
			return &DecodeError{Part: "value", Err: err}
		}
		out.rec.Time, out.rec.Headers = env.Cur.Time, &out.hd
		return out.send()
	}
}

// reader decodes one part of a record by the cheapest way its serde has.
type reader[T any] struct {
	decode   func([]byte) (T, error)
	headers  serde.HeaderAware[T] // decodes in place of decode; or nil
	aware    serde.NullAware[T]   // or nil
	null     func(T) bool         // or nil
	absentOK bool                 // null bytes are fine without aware
}

func newReader[T any](s serde.Serde[T]) *reader[T] {
	r := &reader[T]{decode: s.Decode, null: nullTest[T]()}
	if b, ok := s.(serde.Borrower[T]); ok {
		r.decode = b.DecodeShared
	}
	r.aware, _ = s.(serde.NullAware[T])
	r.headers, _ = s.(serde.HeaderAware[T])
	return r
}

// read returns the value and whether it is null.
func (r *reader[T]) read(h *record.Headers, b []byte) (v T, null bool, err error) {
	switch {
	case b == nil:
		v, err = r.absent()
		return v, true, err
	case r.headers != nil:
		v, err = r.headers.DecodeWith(h, b)
	default:
		v, err = r.decode(b)
	}
	if err != nil {
		return v, false, err
	}
	return v, r.null != nil && r.null(v), nil
}

func (r *reader[T]) absent() (v T, err error) {
	if r.aware != nil {
		return r.aware.Null(), nil
	}
	if !r.absentOK {
		err = errNullValue
	}
	return v, err
}
