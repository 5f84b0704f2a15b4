package serde

import "errors"

// Void is the type of nothing: keys or values that are always null, as those of
// a topic without keys. It has one value, nil.
type Void = *struct{}

// Nothing is the serde of [Void]: null is all it writes and reads, as Kafka's
// Void serde.
var Nothing Serde[Void] = voidSerde{}

var errVoid = errors.New("a Void is always null, but there is a value: the topic holds something else, or was written with another serde")

type voidSerde struct{}

// Append is for a value that is not nil, which there should be none of: null has
// no encoding.
func (voidSerde) Append(dst []byte, _ Void) ([]byte, error) { return dst, errVoid }

func (voidSerde) Decode([]byte) (Void, error) { return nil, errVoid }

// Null implements NullAware.
func (voidSerde) Null() Void { return nil }

// IsNull implements NullAware.
func (voidSerde) IsNull(v Void) bool { return v == nil }
