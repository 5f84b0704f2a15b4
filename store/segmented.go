package store

import (
	"errors"
	"fmt"
	"iter"
	"math"

	"github.com/millrace/millrace/store/keyenc"
)

// expect checks that a Spec is valid and of the kind that a view is for.
func expect(spec Spec, kind Kind) error {
	if spec.Kind != kind {
		return fmt.Errorf("store %q is a %v store, not a %v store", spec.Name, spec.Kind, kind)
	}
	return spec.Validate()
}

// corruptKey marks an error of package keyenc as damage; others stay as they are.
func corruptKey(err error) error {
	if errors.Is(err, keyenc.ErrMalformed) {
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return err
}

// scan is one scan over the segments of a window or session store: entries of
// from <= time <= to, by segment, in ascending order or in reverse.
type scan[E any] struct {
	from, to int64
	reverse  bool
	decode   func(key, value []byte) (E, bool, error)
}

// over calls visit for each segment in the scan's order until it returns false.
func (s scan[E]) over(h *horizon, visit func(segment int64) bool) {
	first, last := h.segments(s.from, s.to)
	for n := first; n <= last; n++ {
		segment := n
		if s.reverse {
			segment = last - (n - first)
		}
		if !visit(segment) {
			return
		}
	}
}

// seq makes a sequence of a scan, with its error as the last pair.
//
//go:noinline
func seq[E any](run func(yield func(E, error) bool) error) iter.Seq2[E, error] {
	return func(yield func(E, error) bool) {
		if err := run(yield); err != nil {
			var none E
			yield(none, err)
		}
	}
}

// scanKey yields what one key has, by time. Each segment needs its own seek, but
// there are only a few: a segment covers half the retention.
//
//go:noinline
func scanKey[K, V, E any](h *horizon, c *codec[K, V], k K, s scan[E]) iter.Seq2[E, error] {
	return seq(func(yield func(E, error) bool) error {
		if err := h.recall(); err != nil {
			return err
		}
		plain, err := c.encodeKey(k)
		if err != nil {
			return err
		}
		b := append(c.borrow(), plain...)
		defer func() { c.giveBack(b) }()
		n, from := len(b), max(s.from, h.oldest())
		s.over(h, func(segment int64) bool {
			b = keyenc.AppendInt64(keyenc.KeyPrefix(b[:n], segment, b[:n]), from)
			m := len(b)
			b = timeEnd(b, segment, b[:n], s.to)
			return walk(h.reader, b[n:m], b[m:], s.reverse, s.decode, yield)
		})
		return nil
	})
}

// timeEnd appends the lowest key above all those of a key up to the time to.
func timeEnd(dst []byte, segment int64, plain []byte, to int64) []byte {
	if to == math.MaxInt64 {
		return keyenc.KeyPrefixEnd(dst, segment, plain)
	}
	return keyenc.AppendInt64(keyenc.KeyPrefix(dst, segment, plain), to+1)
}

// scanSpan yields what a span of keys has, by segment, then key, then time: the
// order of Kafka Streams' persistent stores.
//
//go:noinline
func scanSpan[K, V, E any](h *horizon, c *codec[K, V], span Span[K], s scan[E]) iter.Seq2[E, error] {
	return seq(func(yield func(E, error) bool) error {
		if err := h.recall(); err != nil {
			return err
		}
		b := c.borrow()
		defer func() { c.giveBack(b) }()
		lo, hi, err := c.bounds(&b, span)
		if err != nil {
			return err
		}
		if span.To.OK {
			hi = hi[:len(hi)-1] // the key itself: its windows are in the range
		}
		decode := s.within(h)
		var bound []byte
		s.over(h, func(segment int64) bool {
			bound = keyenc.SegmentPrefix(bound[:0], segment)
			if span.From.OK {
				bound = keyenc.KeyPrefix(bound[:0], segment, lo)
			}
			n := len(bound)
			if span.To.OK {
				bound = keyenc.KeyPrefixEnd(bound, segment, hi)
			} else {
				bound = keyenc.SegmentPrefix(bound, segment+1)
			}
			return walk(h.reader, bound[:n], bound[n:], s.reverse, decode, yield)
		})
		return nil
	})
}

// within is the scan's decode, with entries of another time left out undecoded:
// keys are scanned whole, and a segment holds more than what was asked for.
//
//go:noinline
func (s scan[E]) within(h *horizon) func(key, value []byte) (E, bool, error) {
	from := max(s.from, h.oldest())
	return func(key, value []byte) (entry E, ok bool, err error) {
		if _, t, err := h.timeOf(key); err != nil || t < from || t > s.to {
			return entry, false, corruptKey(err)
		}
		return s.decode(key, value)
	}
}
