// Package serde turns typed keys and values into Kafka's bytes and back, in the
// formats of Kafka's own serializers, so that JVM applications read what
// Millrace writes and the other way round.
//
// Encoding appends to a caller's buffer, so that the record path allocates
// nothing. The package is a leaf of the library.
package serde

// Serde encodes and decodes values of one type. Implementations must be safe
// for concurrent use: every task of a process shares them.
type Serde[T any] interface {
	// Append appends v's encoding to dst and returns the extended slice. It
	// must not keep dst. A value that cannot be encoded is an error, whose text
	// must not hold the value.
	Append(dst []byte, v T) ([]byte, error)

	// Decode reads one value from all of b. The result must not alias b, which
	// the caller may overwrite: stores reuse their buffers.
	Decode(b []byte) (T, error)
}

// Borrower is an optional interface of a Serde whose decoded value may alias
// the bytes, which saves a copy. Only sources use it: their bytes are never
// written again.
type Borrower[T any] interface {
	// DecodeShared is Decode, except that the result may alias b.
	DecodeShared(b []byte) (T, error)
}

// NullAware is an optional interface of a Serde whose type has a null of its
// own, such as a nil pointer. A Stream source of such a serde turns a null into
// that value, instead of handing the record to the deserialization handler.
type NullAware[T any] interface {
	// Null returns the value that stands for null bytes.
	Null() T
	// IsNull says whether v stands for null bytes.
	IsNull(v T) bool
}

// Window is a span of event time, in milliseconds since the Unix epoch. A time
// window holds Start and excludes End; a session holds both.
type Window struct {
	Start, End int64
}

// Windowed is a key within a window.
type Windowed[K any] struct {
	Key    K
	Window Window
}
