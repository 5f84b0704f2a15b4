package store

import "iter"

// walk yields the decoded entries of one scan and reports whether the consumer
// wants more. decode's ok leaves an entry out; its error ends the sequence.
func walk[E any](e Engine, lo, hi []byte, reverse bool,
	decode func(key, value []byte) (entry E, ok bool, err error), yield func(E, error) bool,
) (more bool) {
	var fault error
	more = true
	err := e.Scan(lo, hi, reverse, func(key, value []byte) bool {
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

// spanOf scans from <= key <= to. The bounds share one borrowed buffer.
func spanOf[K, V, E any](e Engine, c *codec[K, V], from, to K, reverse bool,
	decode func(key, value []byte) (E, bool, error),
) iter.Seq2[E, error] {
	return func(yield func(E, error) bool) {
		b := c.borrow()
		defer func() { c.giveBack(b) }()
		lo, hi, err := c.bounds(&b, from, to)
		if err != nil {
			var none E
			yield(none, err)
			return
		}
		walk(e, lo, hi, reverse, decode, yield)
	}
}

// bounds encodes an inclusive range of keys into b as a half-open one of bytes.
func (c *codec[K, V]) bounds(b *[]byte, from, to K) (lo, hi []byte, err error) {
	key, err := c.encodeKey(from)
	if err != nil {
		return nil, nil, err
	}
	n := len(key)
	*b = append(*b, key...)
	if key, err = c.encodeKey(to); err != nil {
		return nil, nil, err
	}
	// A zero byte more is the smallest key above "to".
	*b = append(append(*b, key...), 0)
	return (*b)[:n:n], (*b)[n:], nil
}
