package serde

import (
	"encoding/binary"
	"fmt"
	"math"
	"unsafe"

	"github.com/google/uuid"
)

// The serdes of single values, in the formats of Kafka's serializers of the same
// names. All are safe for concurrent use and never to be assigned to.
var (
	// String is UTF-8 text. Bytes that are not UTF-8 are kept as they are, where
	// a JVM would put replacement characters. It is a [Borrower].
	String Serde[string] = stringSerde{}
	// Bytes are taken as they are; Decode copies. It is a [Borrower]. A nil slice
	// is an empty value, not a null: see [Nullable].
	Bytes Serde[[]byte] = bytesSerde{}
	// Int64 is eight bytes, big-endian: Kafka's Long.
	Int64 Serde[int64] = int64Serde{}
	// Int32 is four bytes, big-endian: Kafka's Integer.
	Int32 Serde[int32] = int32Serde{}
	// Int16 is two bytes, big-endian: Kafka's Short.
	Int16 Serde[int16] = int16Serde{}
	// Float32 is an IEEE 754 number of four bytes, big-endian: Kafka's Float.
	Float32 Serde[float32] = float32Serde{}
	// Float64 is an IEEE 754 number of eight bytes, big-endian: Kafka's Double.
	Float64 Serde[float64] = float64Serde{}
	// Bool is one byte, 0 or 1: Kafka's Boolean.
	Bool Serde[bool] = boolSerde{}
	// UUID is the lower-case text of 36 characters, as Kafka writes it.
	UUID Serde[uuid.UUID] = uuidSerde{}
)

// width is the error of a value of fixed size that has another one.
func width(kind string, want int, b []byte) error {
	if len(b) == want {
		return nil
	}
	return fmt.Errorf("%s has %d bytes, not %d: the topic holds something else, or was written with another serde", kind, len(b), want)
}

type stringSerde struct{}

func (stringSerde) Append(dst []byte, v string) ([]byte, error) { return append(dst, v...), nil }

func (stringSerde) Decode(b []byte) (string, error) { return string(b), nil }

// DecodeShared is a string over b itself.
func (stringSerde) DecodeShared(b []byte) (string, error) {
	return unsafe.String(unsafe.SliceData(b), len(b)), nil
}

type bytesSerde struct{}

func (bytesSerde) Append(dst, v []byte) ([]byte, error) { return append(dst, v...), nil }

func (bytesSerde) Decode(b []byte) ([]byte, error) { return append([]byte{}, b...), nil }

// DecodeShared is b, cut so that an append by its user cannot reach beyond it.
func (bytesSerde) DecodeShared(b []byte) ([]byte, error) { return b[:len(b):len(b)], nil }

type int64Serde struct{}

func (int64Serde) Append(dst []byte, v int64) ([]byte, error) {
	return binary.BigEndian.AppendUint64(dst, uint64(v)), nil
}

func (int64Serde) Decode(b []byte) (int64, error) {
	if err := width("an Int64", 8, b); err != nil {
		return 0, err
	}
	return int64(binary.BigEndian.Uint64(b)), nil
}

type int32Serde struct{}

func (int32Serde) Append(dst []byte, v int32) ([]byte, error) {
	return binary.BigEndian.AppendUint32(dst, uint32(v)), nil
}

func (int32Serde) Decode(b []byte) (int32, error) {
	if err := width("an Int32", 4, b); err != nil {
		return 0, err
	}
	return int32(binary.BigEndian.Uint32(b)), nil
}

type int16Serde struct{}

func (int16Serde) Append(dst []byte, v int16) ([]byte, error) {
	return binary.BigEndian.AppendUint16(dst, uint16(v)), nil
}

func (int16Serde) Decode(b []byte) (int16, error) {
	if err := width("an Int16", 2, b); err != nil {
		return 0, err
	}
	return int16(binary.BigEndian.Uint16(b)), nil
}

type float32Serde struct{}

func (float32Serde) Append(dst []byte, v float32) ([]byte, error) {
	return binary.BigEndian.AppendUint32(dst, math.Float32bits(v)), nil
}

func (float32Serde) Decode(b []byte) (float32, error) {
	if err := width("a Float32", 4, b); err != nil {
		return 0, err
	}
	return math.Float32frombits(binary.BigEndian.Uint32(b)), nil
}

type float64Serde struct{}

func (float64Serde) Append(dst []byte, v float64) ([]byte, error) {
	return binary.BigEndian.AppendUint64(dst, math.Float64bits(v)), nil
}

func (float64Serde) Decode(b []byte) (float64, error) {
	if err := width("a Float64", 8, b); err != nil {
		return 0, err
	}
	return math.Float64frombits(binary.BigEndian.Uint64(b)), nil
}

type boolSerde struct{}

func (boolSerde) Append(dst []byte, v bool) ([]byte, error) {
	if v {
		return append(dst, 1), nil
	}
	return append(dst, 0), nil
}

// Decode takes 0 and 1 only, as Kafka's deserializer does.
func (boolSerde) Decode(b []byte) (bool, error) {
	if err := width("a Bool", 1, b); err != nil {
		return false, err
	}
	if b[0] > 1 {
		return false, fmt.Errorf("a Bool must be the byte 0 or 1")
	}
	return b[0] == 1, nil
}

const uuidText = 36

type uuidSerde struct{}

func (uuidSerde) Append(dst []byte, v uuid.UUID) ([]byte, error) {
	const digits = "0123456789abcdef"
	for i, b := range v {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			dst = append(dst, '-')
		}
		dst = append(dst, digits[b>>4], digits[b&15])
	}
	return dst, nil
}

// Decode takes the canonical text only; upper case is fine.
func (uuidSerde) Decode(b []byte) (uuid.UUID, error) {
	if err := width("a UUID", uuidText, b); err != nil {
		return uuid.Nil, err
	}
	id, err := uuid.ParseBytes(b)
	if err != nil { // its text quotes the bytes
		return uuid.Nil, fmt.Errorf("a UUID must be 32 hexadecimal digits in groups of 8-4-4-4-12")
	}
	return id, nil
}
