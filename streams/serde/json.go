package serde

import (
	"encoding/json"
	"errors"
	"fmt"
)

// JSON is the serde of T as a JSON text, by [encoding/json] and its struct tags.
//
// With a pointer type for T, the text "null" decodes to nil, which operators take
// for a null value; a record whose value is null is no JSON text at all, so that
// a stream that may have such records needs [Nullable].
func JSON[T any]() Serde[T] { return jsonSerde[T]{} }

type jsonSerde[T any] struct{}

func (jsonSerde[T]) Append(dst []byte, v T) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return dst, jsonFault[T]("encode", err)
	}
	return append(dst, b...), nil
}

func (jsonSerde[T]) Decode(b []byte) (T, error) {
	var v T
	if err := json.Unmarshal(b, &v); err != nil {
		var zero T
		return zero, jsonFault[T]("decode", err)
	}
	return v, nil
}

// jsonFault says what is wrong without the value: the library's own texts quote
// pieces of it.
func jsonFault[T any](what string, err error) error {
	var syntax *json.SyntaxError
	var typ *json.UnmarshalTypeError
	var zero T
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("%s %T: not valid JSON at byte %d", what, zero, syntax.Offset)
	case errors.As(err, &typ):
		return fmt.Errorf("%s %T: field %q cannot hold the JSON value at byte %d, want %s", what, zero, typ.Field, typ.Offset, typ.Type)
	default:
		return fmt.Errorf("%s %T as JSON failed with a %T", what, zero, err)
	}
}
