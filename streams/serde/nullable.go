package serde

import (
	"errors"

	"github.com/millrace/millrace/streams/record"
)

// Nullable is the serde of a *T: nil stands for null, anything else is as s has
// it. It is for code that wants to see nulls; it is [NullAware], and [HeaderAware] if
// s is.
func Nullable[T any](s Serde[T]) Serde[*T] {
	plain := nullableSerde[T]{inner: s}
	if aware, ok := s.(HeaderAware[T]); ok {
		return nullableWith[T]{plain, aware}
	}
	return plain
}

var errNull = errors.New("a null has no encoding; write a null key or value instead")

type nullableSerde[T any] struct{ inner Serde[T] }

// Append refuses nil, because null cannot be told from an empty value in bytes.
// Whoever writes a record or an entry asks IsNull first.
func (s nullableSerde[T]) Append(dst []byte, v *T) ([]byte, error) {
	if v == nil {
		return dst, errNull
	}
	return s.inner.Append(dst, *v)
}

// Decode returns nil for nil bytes.
func (s nullableSerde[T]) Decode(b []byte) (*T, error) {
	if b == nil {
		return nil, nil
	}
	v, err := s.inner.Decode(b)
	if err != nil {
		return nil, err
	}
	return &v, nil
}

// DecodeShared borrows if the inner serde can.
func (s nullableSerde[T]) DecodeShared(b []byte) (*T, error) {
	borrower, ok := s.inner.(Borrower[T])
	if !ok || b == nil {
		return s.Decode(b)
	}
	v, err := borrower.DecodeShared(b)
	if err != nil {
		return nil, err
	}
	return &v, nil
}

// Null is nil.
func (nullableSerde[T]) Null() *T { return nil }

// IsNull says whether v is nil.
func (nullableSerde[T]) IsNull(v *T) bool { return v == nil }

// nullableWith is Nullable of a serde that looks at headers.
type nullableWith[T any] struct {
	nullableSerde[T]
	aware HeaderAware[T]
}

// AppendWith implements HeaderAware.
func (s nullableWith[T]) AppendWith(h *record.Headers, dst []byte, v *T) ([]byte, error) {
	if v == nil {
		return dst, errNull
	}
	return s.aware.AppendWith(h, dst, *v)
}

// DecodeWith implements HeaderAware.
func (s nullableWith[T]) DecodeWith(h *record.Headers, b []byte) (*T, error) {
	if b == nil {
		return nil, nil
	}
	v, err := s.aware.DecodeWith(h, b)
	if err != nil {
		return nil, err
	}
	return &v, nil
}
