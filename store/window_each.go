package store

import (
	"github.com/millrace/millrace/store/keyenc"
	"github.com/millrace/millrace/streams/serde"
)

// windowScan is a scan over the windows of one key whose closure is kept, so that the
// next one allocates nothing.
type windowScan[K, V any] struct {
	step  func(key, value []byte) bool
	visit func(WindowEntry[K, V]) bool
	key   K
	more  bool
	fault error
}

func (s *ReadOnlyWindow[K, V]) newScan() *windowScan[K, V] {
	c := new(windowScan[K, V])
	c.step = func(key, value []byte) bool {
		_, start, err := keyenc.WindowTime(key)
		if err != nil {
			c.fault = corruptKey(err)
			return false
		}
		e := WindowEntry[K, V]{Key: serde.Windowed[K]{Key: c.key, Window: serde.Window{Start: start, End: endOf(start, s.size)}}}
		if e.Value, e.Time, c.fault = s.decodeValue(value, start); c.fault != nil {
			return false
		}
		c.more = c.visit(e)
		return c.more
	}
	return c
}

// Each is Fetch, or BackwardFetch if reverse, for the record path: it calls visit for
// each window until that returns false, and allocates nothing if visit is a function
// that is kept. visit may read the store, but must not write.
func (s *ReadOnlyWindow[K, V]) Each(k K, from, to int64, reverse bool, visit func(WindowEntry[K, V]) bool) error {
	if err := s.recall(); err != nil {
		return err
	}
	plain, err := s.encodeKey(k)
	if err != nil {
		return err
	}
	c := s.each
	if s.each = nil; c == nil {
		c = s.newScan()
	}
	*c = windowScan[K, V]{step: c.step, visit: visit, key: k, more: true}
	err = s.scanEach(c, plain, from, to, reverse)
	c.visit, s.each = nil, c
	return err
}

// scanEach scans the segments that there may be windows in.
func (s *ReadOnlyWindow[K, V]) scanEach(c *windowScan[K, V], plain []byte, from, to int64, reverse bool) (err error) {
	b := append(s.borrow(), plain...)
	n, oldest := len(b), max(from, s.oldest())
	first, last := s.segments(from, to)
	for i := first; i <= last && c.more && c.fault == nil && err == nil; i++ {
		segment := i
		if reverse {
			segment = last - (i - first)
		}
		b = keyenc.AppendInt64(keyenc.KeyPrefix(b[:n], segment, b[:n]), oldest)
		m := len(b)
		b = timeEnd(b, segment, b[:n], to)
		err = s.reader.Scan(b[n:m], b[m:], reverse, c.step)
	}
	s.giveBack(b)
	if err == nil {
		err = c.fault
	}
	return err
}
