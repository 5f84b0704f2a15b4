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
	if timed := kind == KindWindow; spec.Timestamped != timed {
		return fmt.Errorf("store %q: the values of %v stores have timestamps: %t; set Spec.Timestamped so", spec.Name, kind, timed)
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

// scanKey yields what one key has at from <= time <= to in the segments first to
// last, oldest first. Each segment needs its own seek, but there are only a few: a
// segment covers half the retention.
func scanKey[K, V, E any](e Engine, c *codec[K, V], k K, first, last, from, to int64,
	decode func(key, value []byte) (E, bool, error), yield func(E, error) bool,
) error {
	plain, err := c.encodeKey(k)
	if err != nil || first > last {
		return err
	}
	b := append(c.borrow(), plain...)
	defer func() { c.giveBack(b) }()
	n := len(b)
	for segment := first; segment <= last; segment++ {
		b = keyenc.AppendInt64(keyenc.KeyPrefix(b[:n], segment, b[:n]), from)
		m := len(b)
		b = timeEnd(b, segment, b[:n], to)
		if !walk(e, b[n:m], b[m:], false, decode, yield) {
			return nil
		}
	}
	return nil
}

// timeEnd appends the lowest key above all those of a key up to the time to.
func timeEnd(dst []byte, segment int64, plain []byte, to int64) []byte {
	if to == math.MaxInt64 {
		return keyenc.KeyPrefixEnd(dst, segment, plain)
	}
	return keyenc.AppendInt64(keyenc.KeyPrefix(dst, segment, plain), to+1)
}

// scanAll yields everything that has not expired.
func scanAll[E any](e Engine, h *horizon, decode func(key, value []byte) (E, bool, error),
	timeOf func(E) int64,
) iter.Seq2[E, error] {
	return func(yield func(E, error) bool) {
		if err := h.recall(); err != nil {
			var none E
			yield(none, err)
			return
		}
		oldest := h.oldest()
		lo := keyenc.SegmentPrefix(nil, keyenc.Segment(oldest, h.interval))
		walk(e, lo, nil, false, func(key, value []byte) (E, bool, error) {
			entry, ok, err := decode(key, value)
			return entry, ok && err == nil && timeOf(entry) >= oldest, err
		}, yield)
	}
}
