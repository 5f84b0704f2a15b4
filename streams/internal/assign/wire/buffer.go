package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/millrace/millrace/streams/internal/topo"
)

// MaxSize bounds the user data of one member, in bytes.
const MaxSize = 1 << 20

// ErrMalformed is in every error about bytes that do not decode.
var ErrMalformed = errors.New("malformed group metadata")

// reader takes values off a byte slice. After a fault it returns zeros, and err
// says what was wrong first.
type reader struct {
	b   []byte
	err error
}

// newReader refuses what is too large before it looks inside.
func newReader(b []byte) *reader {
	r := &reader{b: b}
	if len(b) > MaxSize {
		r.fail("%d bytes are more than the allowed %d", len(b), MaxSize)
	}
	return r
}

// fail keeps the first fault and empties the input, which ends all loops.
func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: "+format, append([]any{ErrMalformed}, args...)...)
	}
	r.b = nil
}

// next returns n bytes, which alias the input, or zeros for a fixed-size value
// after a fault.
func (r *reader) next(n int) []byte {
	if n > len(r.b) {
		r.fail("%d bytes expected, %d left", n, len(r.b))
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) u8() byte {
	if b := r.next(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) u16() uint16 {
	if b := r.next(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (r *reader) i32() int32 {
	if b := r.next(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

func (r *reader) i64() int64 {
	if b := r.next(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

// count reads a length and makes sure that so many elements of at least that
// size can follow.
func (r *reader) count(atLeast int) int {
	n := r.i32()
	if r.err == nil && (n < 0 || int(n) > len(r.b)/atLeast) {
		r.fail("%d elements announced, %d bytes left", n, len(r.b))
		return 0
	}
	return int(n)
}

// bytes32 is a string with a four-byte length.
func (r *reader) bytes32() string { return string(r.next(r.count(1))) }

// utf is a string with a two-byte length.
func (r *reader) utf() string { return string(r.next(int(r.u16()))) }

// task reads a task id without the name of a topology.
func (r *reader) task() topo.TaskID {
	id := topo.TaskID{Subtopology: r.i32(), Partition: r.i32()}
	if id.Subtopology < 0 || id.Partition < 0 {
		r.fail("negative task id %s", id)
	}
	return id
}

// writer appends values. It cannot fail but for strings that are too long.
type writer struct {
	b   []byte
	err error
}

func (w *writer) u8(v byte)   { w.b = append(w.b, v) }
func (w *writer) u16(v int)   { w.b = binary.BigEndian.AppendUint16(w.b, uint16(v)) }
func (w *writer) i32(v int32) { w.b = binary.BigEndian.AppendUint32(w.b, uint32(v)) }
func (w *writer) i64(v int64) { w.b = binary.BigEndian.AppendUint64(w.b, uint64(v)) }
func (w *writer) count(n int) { w.i32(int32(n)) }

// bytes32 writes a string with a four-byte length.
func (w *writer) bytes32(s string) {
	w.count(len(s))
	w.b = append(w.b, s...)
}

// utf writes a string with a two-byte length. The JVM uses its modified UTF-8,
// which is the same for the names of topics and hosts: they are ASCII.
func (w *writer) utf(s string) {
	if len(s) > math.MaxUint16 {
		w.err = fmt.Errorf("a name of %d bytes does not fit the group protocol", len(s))
		return
	}
	w.u16(len(s))
	w.b = append(w.b, s...)
}

// task writes a task id without the name of a topology.
func (w *writer) task(id topo.TaskID) {
	w.i32(id.Subtopology)
	w.i32(id.Partition)
}

// done returns the bytes if others will accept them.
func (w *writer) done() ([]byte, error) {
	if w.err == nil && len(w.b) > MaxSize {
		w.err = fmt.Errorf("group metadata of %d bytes is over the limit of %d", len(w.b), MaxSize)
	}
	if w.err != nil {
		return nil, w.err
	}
	return w.b, nil
}
