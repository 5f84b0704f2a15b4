package serde

import (
	"fmt"
	"slices"

	"github.com/millrace/millrace/streams/record"
)

// HeaderAware is an optional interface of a Serde whose bytes mean something only
// together with the record's headers, such as the name of an encoding or the id of
// a schema. Sources and sinks use it in place of Append and Decode. Stores and
// their changelogs do not, because they keep no headers: the Serde must be able to
// do without.
type HeaderAware[T any] interface {
	// AppendWith is Append for a record with these headers, which it may change:
	// they are written with the record, and nobody else sees the change. The key is
	// encoded before the value.
	AppendWith(h *record.Headers, dst []byte, v T) ([]byte, error)

	// DecodeWith is Decode for a record with these headers, or
	// [Borrower.DecodeShared]: the result may alias b. It may change the headers that
	// operators see. The key is decoded before the value.
	DecodeWith(h *record.Headers, b []byte) (T, error)
}

// ByHeader is a serde for a topic whose records are encoded in several ways, of
// which the header of that name says which: it is a [HeaderAware]. What it writes
// is encoded as write, a key of the choices, and gets the header. A record without
// the header is read as write, too, and so is what stores keep.
func ByHeader[T any](header, write string, choices map[string]Serde[T]) Serde[T] {
	return byHeader[T]{header, write, choices}
}

type byHeader[T any] struct {
	header, write string
	choices       map[string]Serde[T]
}

func (s byHeader[T]) Append(dst []byte, v T) ([]byte, error) {
	inner, err := s.choose(s.write)
	if err != nil {
		return dst, err
	}
	return inner.Append(dst, v)
}

func (s byHeader[T]) Decode(b []byte) (T, error) { return s.decode(s.write, b) }

// AppendWith implements HeaderAware.
func (s byHeader[T]) AppendWith(h *record.Headers, dst []byte, v T) ([]byte, error) {
	if was, ok := h.Last(s.header); !ok || string(was) != s.write {
		h.Set(s.header, []byte(s.write))
	}
	return s.Append(dst, v)
}

// DecodeWith implements HeaderAware.
func (s byHeader[T]) DecodeWith(h *record.Headers, b []byte) (T, error) {
	how, ok := h.Last(s.header)
	if !ok {
		return s.decode(s.write, b)
	}
	return s.decode(string(how), b)
}

func (s byHeader[T]) decode(how string, b []byte) (v T, err error) {
	inner, err := s.choose(how)
	if err != nil {
		return v, err
	}
	return inner.Decode(b)
}

// choose finds an encoding. The error names those that there are, and not what the
// header says, which may be anything.
func (s byHeader[T]) choose(how string) (Serde[T], error) {
	if inner, ok := s.choices[how]; ok && inner != nil {
		return inner, nil
	}
	known := make([]string, 0, len(s.choices))
	for name := range s.choices {
		known = append(known, name)
	}
	slices.Sort(known)
	return nil, fmt.Errorf("the header %q names none of the encodings %q; add a choice for it", s.header, known)
}
