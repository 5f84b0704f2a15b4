// Package protoserde writes Protocol Buffers messages as bare bytes. Package registry
// has the format of a schema registry.
package protoserde

import (
	"errors"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/millrace/millrace/streams/serde"
)

// Of is the serde of the message type T, a pointer such as *orders.Order; nil is null.
// One message has the same bytes within one build of a program, so that it can be a
// key; another program may write it in other bytes. Unknown fields are kept.
//
// Decoded messages are shared by operators like all values: they must not be changed.
func Of[T proto.Message]() serde.Serde[T] {
	var none T
	return message[T]{none.ProtoReflect().Type()}
}

type message[T proto.Message] struct{ typ protoreflect.MessageType }

var (
	errNil    = errors.New("a null has no encoding; write a null key or value instead")
	errDecode = errors.New("not such a message: the topic holds something else, or was written with another serde")
)

// Append implements serde.Serde.
func (s message[T]) Append(dst []byte, v T) ([]byte, error) {
	if s.IsNull(v) {
		return dst, errNil
	}
	return proto.MarshalOptions{Deterministic: true}.MarshalAppend(dst, v)
}

// Decode implements serde.Serde. The library's error would quote names and bytes.
func (s message[T]) Decode(b []byte) (T, error) {
	v := s.typ.New().Interface().(T)
	if err := proto.Unmarshal(b, v); err != nil {
		return s.Null(), errDecode
	}
	return v, nil
}

// Null implements serde.NullAware.
func (message[T]) Null() (none T) { return none }

// IsNull implements serde.NullAware: a nil pointer is an invalid message.
func (message[T]) IsNull(v T) bool { return !v.ProtoReflect().IsValid() }
