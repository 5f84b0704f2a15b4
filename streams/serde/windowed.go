package serde

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"
)

// InnerKey is an optional interface of a serde for windowed keys. Kafka Streams
// partitions windowed keys by the key inside, so that all windows of one key are
// in one partition; writers hash what this returns.
type InnerKey interface {
	// InnerKey returns the part of an encoded windowed key that is the key itself.
	// The result aliases encoded.
	InnerKey(encoded []byte) []byte
}

// WindowedTime is the serde of a key in a time window, as in output topics: the
// key's bytes and the window's start. Its end is not on the wire; size gives it
// back, in whole milliseconds. It is an [InnerKey].
func WindowedTime[K any](inner Serde[K], size time.Duration) Serde[Windowed[K]] {
	return windowedTime[K]{inner: inner, size: size.Milliseconds()}
}

// WindowedSession is the serde of a key in a session: the key's bytes, the
// session's end and its start. It is an [InnerKey].
func WindowedSession[K any](inner Serde[K]) Serde[Windowed[K]] {
	return windowedSession[K]{inner: inner}
}

const stamp = 8 // bytes of one time

type windowedTime[K any] struct {
	inner Serde[K]
	size  int64 // ms
}

func (s windowedTime[K]) Append(dst []byte, w Windowed[K]) ([]byte, error) {
	dst, err := s.inner.Append(dst, w.Key)
	if err != nil {
		return dst, fmt.Errorf("windowed key: %w", err)
	}
	return binary.BigEndian.AppendUint64(dst, uint64(w.Window.Start)), nil
}

func (s windowedTime[K]) Decode(b []byte) (Windowed[K], error) {
	key, times, err := splitWindowed(s.inner, b, stamp)
	if err != nil {
		return Windowed[K]{}, err
	}
	start := timeAt(times, 0)
	end := start + s.size
	if end < start {
		end = math.MaxInt64 // as Kafka Streams: a window ends at the end of time at the latest
	}
	return Windowed[K]{Key: key, Window: Window{Start: start, End: end}}, nil
}

// InnerKey is all but the start.
func (windowedTime[K]) InnerKey(encoded []byte) []byte { return cut(encoded, stamp) }

type windowedSession[K any] struct{ inner Serde[K] }

func (s windowedSession[K]) Append(dst []byte, w Windowed[K]) ([]byte, error) {
	dst, err := s.inner.Append(dst, w.Key)
	if err != nil {
		return dst, fmt.Errorf("windowed key: %w", err)
	}
	dst = binary.BigEndian.AppendUint64(dst, uint64(w.Window.End))
	return binary.BigEndian.AppendUint64(dst, uint64(w.Window.Start)), nil
}

func (s windowedSession[K]) Decode(b []byte) (Windowed[K], error) {
	key, times, err := splitWindowed(s.inner, b, 2*stamp)
	if err != nil {
		return Windowed[K]{}, err
	}
	w := Window{Start: timeAt(times, stamp), End: timeAt(times, 0)}
	if w.End < w.Start {
		return Windowed[K]{}, errors.New("a session must not end before it starts")
	}
	return Windowed[K]{Key: key, Window: w}, nil
}

// InnerKey is all but the end and the start.
func (windowedSession[K]) InnerKey(encoded []byte) []byte { return cut(encoded, 2*stamp) }

// splitWindowed decodes the key that stands before the last suffix bytes.
func splitWindowed[K any](inner Serde[K], b []byte, suffix int) (key K, times []byte, err error) {
	if len(b) < suffix {
		return key, nil, fmt.Errorf("a windowed key has %d bytes, fewer than its %d of times", len(b), suffix)
	}
	n := len(b) - suffix
	if key, err = inner.Decode(b[:n]); err != nil {
		return key, nil, fmt.Errorf("windowed key: %w", err)
	}
	return key, b[n:], nil
}

func timeAt(b []byte, at int) int64 { return int64(binary.BigEndian.Uint64(b[at:])) }

// cut drops the suffix of an encoded key. Bytes that are too short are no
// windowed key; they are returned whole, because a hash must not fail.
func cut(encoded []byte, suffix int) []byte {
	if len(encoded) < suffix {
		return encoded
	}
	return encoded[:len(encoded)-suffix]
}
