package cached

import (
	"bytes"
	"encoding/binary"
	"unsafe"

	"github.com/millrace/millrace/streams/record"
	"github.com/millrace/millrace/streams/serde"
)

// Context is the record that changed an entry last. It is kept with the entry, and
// is what those downstream see as the current record when the entry is flushed.
type Context struct {
	Topic     string
	Partition int32
	Offset    int64
	Time      int64 // ms
	// Headers are lent to Put and Delete, which copy them.
	Headers []record.Header
}

// Entry is the cell of one key. It is valid until the next call of Put, Delete,
// Get or Flush of its cache.
type Entry[V any] struct {
	// What every update touches comes first: it shares the processor's cache lines.
	key    string // encoded, with the window's bounds behind it
	value  V      // if plain or held
	time   int64  // of the value, ms
	seq    uint64 // of the last change, to put changes in order
	loaded bool   // value, bytes and time are valid; not so for a cell made to be written
	there  bool   // there is a value
	held   bool   // the value is decoded, and nobody else has it
	dirty  bool
	used   bool // since the hand of the clock last passed
	ctx    Context

	bytes []byte    // the encoded value, unless plain or held
	next  *Entry[V] // the next dirty session of the same key
	slot  int       // in Cache.ring
	size  int64     // as charged
}

// forget drops the value.
func (e *Entry[V]) forget() {
	var zero V
	e.value, e.held, e.bytes = zero, false, e.bytes[:0]
}

// keep copies an encoded value in.
func (e *Entry[V]) keep(b []byte) {
	e.forget()
	e.bytes = append(e.bytes, b...)
}

// layout is how bounds are written behind keys.
type layout int

const (
	noWindow layout = 0
	window   layout = 8  // start
	session  layout = 16 // end, start
)

func (l layout) append(dst []byte, w serde.Window) []byte {
	switch l {
	case window:
		return binary.BigEndian.AppendUint64(dst, uint64(w.Start))
	case session:
		return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(dst, uint64(w.End)), uint64(w.Start))
	}
	return dst
}

// split takes an entry's key apart. The plain key aliases it and must not be
// written. The end of a window is not in it.
func (l layout) split(key string) (plain []byte, w serde.Window) {
	b := unsafe.Slice(unsafe.StringData(key), len(key))
	n := len(b) - int(l)
	switch l {
	case window:
		w.Start = int64(binary.BigEndian.Uint64(b[n:]))
	case session:
		w.End, w.Start = int64(binary.BigEndian.Uint64(b[n:])), int64(binary.BigEndian.Uint64(b[n+8:]))
	}
	return b[:n:n], w
}

// copyHeaders copies headers off the batch that they came in.
func copyHeaders(list []record.Header) []record.Header {
	out := make([]record.Header, len(list))
	for i, h := range list {
		out[i] = record.Header{Key: h.Key, Value: bytes.Clone(h.Value)}
	}
	return out
}
