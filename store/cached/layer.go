package cached

import (
	"encoding/binary"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/keyenc"
	"github.com/millrace/millrace/streams/serde"
)

// Split is an engine that can write its store and its changelog apart, so that
// each has its own order. Engines that package changelog makes can.
type Split interface {
	// Staged writes to the store only.
	Staged() store.Engine
	// LogPut and LogDelete write to the changelog only. Key and value are the
	// engine's own and lent for the call.
	LogPut(key, value []byte) error
	LogDelete(key []byte) error
}

// layer is the store below a cache, in terms of encoded keys and values. What it
// returns is valid until the next call.
type layer interface {
	get(key []byte, w serde.Window) (value []byte, ts int64, ok bool, err error)
	put(key []byte, w serde.Window, value []byte, ts int64) error
	remove(key []byte, w serde.Window) error
}

// raw is the serde of what is encoded already.
type raw struct{}

func (raw) Append(dst, b []byte) ([]byte, error) { return append(dst, b...), nil }
func (raw) Decode(b []byte) ([]byte, error)      { return b, nil }

type (
	tableLayer struct {
		st *store.TimestampedKV[[]byte, []byte]
	}
	windowLayer  struct{ st *store.Window[[]byte, []byte] }
	sessionLayer struct {
		st *store.Session[[]byte, []byte]
	}
)

func (l tableLayer) get(key []byte, _ serde.Window) ([]byte, int64, bool, error) {
	return l.st.Get(key)
}

func (l tableLayer) put(key []byte, _ serde.Window, value []byte, ts int64) error {
	return l.st.Put(key, value, ts)
}
func (l tableLayer) remove(key []byte, _ serde.Window) error { return l.st.Delete(key) }

func (l windowLayer) get(key []byte, w serde.Window) ([]byte, int64, bool, error) {
	return l.st.Get(key, w.Start)
}

func (l windowLayer) put(key []byte, w serde.Window, value []byte, ts int64) error {
	return l.st.Put(key, w.Start, value, ts)
}
func (l windowLayer) remove(key []byte, w serde.Window) error { return l.st.Delete(key, w.Start) }

func (l sessionLayer) get(key []byte, w serde.Window) (value []byte, _ int64, ok bool, err error) {
	value, ok, err = l.st.Get(key, w.Start, w.End)
	return value, 0, ok, err
}

func (l sessionLayer) put(key []byte, w serde.Window, value []byte, _ int64) error {
	return l.st.Put(key, w.Start, w.End, value)
}

func (l sessionLayer) remove(key []byte, w serde.Window) error {
	return l.st.Remove(key, w.Start, w.End)
}

// logLayer writes to the changelog alone.
type logLayer struct {
	split    Split
	layout   layout
	interval int64 // ms, of a segment
	timed    bool
	key, buf []byte
}

func newLogLayer(s Split, spec store.Spec, l layout) *logLayer {
	return &logLayer{split: s, layout: l, interval: spec.SegmentInterval(), timed: spec.Timestamped}
}

// local is the engine's key.
func (l *logLayer) local(plain []byte, w serde.Window) []byte {
	switch l.layout {
	case window:
		l.key = keyenc.AppendWindow(l.key[:0], keyenc.Segment(w.Start, l.interval), plain, w.Start, 0)
	case session:
		l.key = keyenc.AppendSession(l.key[:0], keyenc.Segment(w.End, l.interval), plain, w.Start, w.End)
	default:
		return plain
	}
	return l.key
}

func (l *logLayer) put(plain []byte, w serde.Window, value []byte, ts int64) error {
	if l.timed {
		l.buf = append(binary.BigEndian.AppendUint64(l.buf[:0], uint64(ts)), value...)
		value = l.buf
	}
	return l.split.LogPut(l.local(plain, w), value)
}

func (l *logLayer) remove(plain []byte, w serde.Window) error {
	return l.split.LogDelete(l.local(plain, w))
}
