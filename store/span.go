package store

import (
	"iter"

	"github.com/millrace/millrace/store/keyenc"
	"github.com/millrace/millrace/streams/record"
)

// Span is a range of keys in the order of their bytes. Both bounds are included,
// as in Kafka Streams; one that is missing is open, so the zero value is every key.
type Span[K any] struct {
	From, To record.Opt[K]
}

// Between is the span of from <= key <= to.
func Between[K any](from, to K) Span[K] { return Span[K]{record.Some(from), record.Some(to)} }

// AtLeast is the span of from <= key.
func AtLeast[K any](from K) Span[K] { return Span[K]{From: record.Some(from)} }

// AtMost is the span of key <= to.
func AtMost[K any](to K) Span[K] { return Span[K]{To: record.Some(to)} }

// walk yields the decoded entries of one scan and reports whether the consumer
// wants more. decode's ok leaves an entry out; its error ends the sequence.
//
//go:noinline
func walk[E any](r Reader, lo, hi []byte, reverse bool,
	decode func(key, value []byte) (entry E, ok bool, err error), yield func(E, error) bool,
) (more bool) {
	var fault error
	more = true
	err := r.Scan(lo, hi, reverse, func(key, value []byte) bool {
		entry, ok, err := decode(key, value)
		if err != nil {
			fault = err
			return false
		}
		more = !ok || yield(entry, nil)
		return more
	})
	if err == nil {
		err = fault
	}
	if err != nil && more {
		var none E
		yield(none, err)
		return false
	}
	return more
}

// spanOf scans a span of plain keys. The bounds share one borrowed buffer.
//
//go:noinline
func spanOf[K, V, E any](r Reader, c *codec[K, V], span Span[K], reverse bool,
	decode func(key, value []byte) (E, bool, error),
) iter.Seq2[E, error] {
	return func(yield func(E, error) bool) {
		b := c.borrow()
		defer func() { c.giveBack(b) }()
		lo, hi, err := c.bounds(&b, span)
		if err != nil {
			var none E
			yield(none, err)
			return
		}
		walk(r, lo, hi, reverse, decode, yield)
	}
}

// bounds encodes a span into b as a half-open range of bytes.
func (c *codec[K, V]) bounds(b *[]byte, span Span[K]) (lo, hi []byte, err error) {
	if span.From.OK {
		key, err := c.encodeKey(span.From.V)
		if err != nil {
			return nil, nil, err
		}
		*b = append(*b, key...)
	}
	n := len(*b)
	if span.To.OK {
		key, err := c.encodeKey(span.To.V)
		if err != nil {
			return nil, nil, err
		}
		// A zero byte more is the smallest key above "to".
		*b = append(append(*b, key...), 0)
		hi = (*b)[n:]
	}
	return (*b)[:n:n], hi, nil
}

// prefixOf scans the keys whose bytes begin with prefix.
//
//go:noinline
func prefixOf[E any](r Reader, prefix []byte, reverse bool, decode func(key, value []byte) (E, bool, error)) iter.Seq2[E, error] {
	return func(yield func(E, error) bool) {
		hi, ok := keyenc.PrefixEnd(nil, prefix)
		if !ok {
			hi = nil
		}
		walk(r, prefix, hi, reverse, decode, yield)
	}
}
