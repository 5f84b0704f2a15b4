package keyenc

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// ErrMalformed says that bytes are not a key of the expected layout. In a local
// store it means corruption, in a changelog a record of another format.
var ErrMalformed = errors.New("malformed key")

const signBit = 1 << 63

// The escape of a zero byte, and what ends an escaped key. The terminator sorts
// below the escaped zero, so a key sorts before its own extensions.
const (
	zero       = 0x00
	escaped    = 0xff
	terminator = 0x01
)

// AppendInt64 appends v in 8 bytes that sort as numbers do.
func AppendInt64(dst []byte, v int64) []byte {
	return binary.BigEndian.AppendUint64(dst, uint64(v)^signBit)
}

// Int64 reads what AppendInt64 wrote. b must hold at least 8 bytes.
func Int64(b []byte) int64 { return int64(binary.BigEndian.Uint64(b) ^ signBit) }

// AppendEscaped appends key so that the result is prefix-free and sorts as the
// key does: each zero byte becomes 00 FF, and 00 01 ends it.
func AppendEscaped(dst, key []byte) []byte {
	for {
		i := bytes.IndexByte(key, zero)
		if i < 0 {
			break
		}
		dst = append(append(dst, key[:i]...), zero, escaped)
		key = key[i+1:]
	}
	return append(append(dst, key...), zero, terminator)
}

// AppendUnescaped appends the key at the front of b to dst and returns what
// follows its terminator.
func AppendUnescaped(dst, b []byte) (key, rest []byte, err error) {
	for {
		i := bytes.IndexByte(b, zero)
		if i < 0 || i+1 == len(b) {
			return dst, nil, ErrMalformed
		}
		dst = append(dst, b[:i]...)
		mark := b[i+1]
		b = b[i+2:]
		switch mark {
		case terminator:
			return dst, b, nil
		case escaped:
			dst = append(dst, zero)
		default:
			return dst, nil, ErrMalformed
		}
	}
}
