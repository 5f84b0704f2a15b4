package format

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrMalformed says that bytes are not of the expected format: something else
// wrote them, or a release of another format did.
var ErrMalformed = errors.New("malformed bytes")

// null is the length of a null in front of optional bytes.
const null = -1

// reader takes bytes apart from the front. The first fault stays, and all that is
// read after it is empty, so that callers look once, at the end.
type reader struct {
	b   []byte
	bad bool
}

// take is the next n bytes, nil after a fault.
func (r *reader) take(n int) []byte {
	if r.bad || n < 0 || n > len(r.b) {
		r.bad = true
		return nil
	}
	out := r.b[:n:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) int32() int32 {
	if b := r.take(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

func (r *reader) int64() int64 {
	if b := r.take(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

// varint is a zig-zag varint, as in Kafka's records.
func (r *reader) varint() int64 {
	v, n := binary.Varint(r.b)
	if r.take(n); n <= 0 {
		r.bad = true
	}
	return v
}

// bytes32 is nil for null, and not nil if empty.
func (r *reader) bytes32() []byte {
	n := r.int32()
	if n == null || r.bad {
		return nil
	}
	return r.take(int(n))
}

// rest is everything that is left; never nil without a fault.
func (r *reader) rest() []byte { return r.take(len(r.b)) }

// done reports a fault, and bytes that nobody asked for.
func (r *reader) done(what string) error {
	if r.bad || len(r.b) > 0 {
		return fmt.Errorf("%w: not %s", ErrMalformed, what)
	}
	return nil
}

func appendInt32(dst []byte, v int) []byte {
	return binary.BigEndian.AppendUint32(dst, uint32(int32(v)))
}

func appendInt64(dst []byte, v int64) []byte { return binary.BigEndian.AppendUint64(dst, uint64(v)) }

// appendBytes32 writes nil as null.
func appendBytes32(dst, b []byte) []byte {
	if b == nil {
		return appendInt32(dst, null)
	}
	return append(appendInt32(dst, len(b)), b...)
}
