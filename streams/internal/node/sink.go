package node

import (
	"github.com/millrace/millrace/streams/record"
	"github.com/millrace/millrace/streams/serde"
)

// Emit sends one encoded record to a topic. Nil bytes are null. The partition is
// derived from hash: the key, or the inner key of a windowed one; nil stands for
// any partition. All slices are lent for the call. time is in ms.
type Emit func(key, value, hash []byte, time int64, h *record.Headers) error

// EncodeError says that a result cannot be written. Its text has no payload as long as
// the serde's errors have none.
type EncodeError struct {
	Part string // "key" or "value"
	Err  error
}

// Error names the part and the cause.
func (e *EncodeError) Error() string { return "encode the " + e.Part + ": " + e.Err.Error() }

// Unwrap returns the serde's error.
func (e *EncodeError) Unwrap() error { return e.Err }

// Out is the door out of the typed world: it encodes records into its own two
// buffers and emits them.
func Out[K, V any](_ *Env, ks serde.Serde[K], vs serde.Serde[V], emit Emit) Sink[K, V] {
	key, value := newWriter(ks), newWriter(vs)
	inner, windowed := ks.(serde.InnerKey)
	aware := key.aware != nil || value.aware != nil
	var own record.Headers
	return func(r *record.Record[K, V]) error {
		h := r.Headers
		if aware { // what serdes add is for this record only
			h = own.From(h)
		}
		k, err := key.write(h, r.Key, r.NoKey)
		if err != nil {
			return &EncodeError{Part: "key", Err: err}
		}
		v, err := value.write(h, r.Value, r.Null)
		if err != nil {
			return &EncodeError{Part: "value", Err: err}
		}
		hash := k
		if windowed && k != nil {
			hash = inner.InnerKey(k)
		}
		return emit(k, v, hash, r.Time, h)
	}
}

// writer encodes one part of a record into a buffer that it keeps.
type writer[T any] struct {
	serde serde.Serde[T]
	aware serde.HeaderAware[T] // or nil
	null  func(T) bool         // or nil
	buf   []byte
}

// newWriter starts with a buffer, because an empty value must not become the nil
// slice that stands for null.
func newWriter[T any](s serde.Serde[T]) *writer[T] {
	aware, _ := s.(serde.HeaderAware[T])
	return &writer[T]{serde: s, aware: aware, null: nullTest[T](), buf: make([]byte, 0, 64)}
}

// write returns the encoding, valid until the next call; nil for null.
func (w *writer[T]) write(h *record.Headers, v T, null bool) ([]byte, error) {
	if null || w.null != nil && w.null(v) {
		return nil, nil
	}
	b, err := w.encode(h, v)
	if err == nil && b != nil {
		w.buf = b
	}
	return w.buf, err
}

func (w *writer[T]) encode(h *record.Headers, v T) ([]byte, error) {
	if w.aware != nil {
		return w.aware.AppendWith(h, w.buf[:0], v)
	}
	return w.serde.Append(w.buf[:0], v)
}
