// Package avroserde writes Avro's binary encoding, as bare bytes of one schema. Package
// registry has the format of a schema registry, which knows several.
package avroserde

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/twmb/avro"

	"github.com/millrace/millrace/streams/serde"
)

// Of is the serde of T by a schema in Avro's JSON. Fields of structs are matched by
// name or by the tag `avro`. The error says what is wrong with the schema; that T does
// not fit it is seen when a value is written.
//
// One value has the same bytes everywhere, except for maps, whose order is by chance:
// a type with a map cannot be a key.
func Of[T any](schema string) (serde.Serde[T], error) {
	parsed, err := avro.Parse(schema)
	if err != nil {
		return nil, fmt.Errorf("the schema of %v: %w", reflect.TypeFor[T](), err)
	}
	return For[T](parsed), nil
}

// For is Of for a schema that is parsed already. One that [avro.Resolve] made reads
// what another schema wrote, and cannot write.
func For[T any](schema *avro.Schema) serde.Serde[T] { return datum[T]{schema} }

type datum[T any] struct{ schema *avro.Schema }

var errDecode = errors.New("not of this schema: the topic holds something else, or was written with another one")

// Append implements serde.Serde. The library's error would quote the value.
func (s datum[T]) Append(dst []byte, v T) ([]byte, error) {
	out, err := s.schema.AppendEncode(dst, &v)
	if err != nil {
		return dst, fmt.Errorf("a %v does not fit the schema", reflect.TypeFor[T]())
	}
	return out, nil
}

// Decode implements serde.Serde.
func (s datum[T]) Decode(b []byte) (v T, err error) {
	rest, err := s.schema.Decode(b, &v)
	if err != nil || len(rest) > 0 {
		var none T
		return none, errDecode
	}
	return v, nil
}
