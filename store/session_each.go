package store

import (
	"math"

	"github.com/millrace/millrace/store/keyenc"
	"github.com/millrace/millrace/streams/serde"
)

// sessionScan is a scan over the sessions of one key whose closure is kept, so that
// the next one allocates nothing.
type sessionScan[K, V any] struct {
	step        func(key, value []byte) bool
	visit       func(SessionEntry[K, V]) bool
	key         K
	latestStart int64 // ms
	more        bool
	fault       error
}

func (s *ReadOnlySession[K, V]) newScan() *sessionScan[K, V] {
	c := new(sessionScan[K, V])
	c.step = func(key, value []byte) bool {
		w, ok, err := s.touched(key, c.latestStart)
		if c.fault = err; !ok {
			return err == nil
		}
		e := SessionEntry[K, V]{Key: serde.Windowed[K]{Key: c.key, Window: w}}
		if e.Value, c.fault = s.decodePlain(value); c.fault != nil {
			return false
		}
		c.more = c.visit(e)
		return c.more
	}
	return c
}

// Each is Find for the record path: it calls visit for each session until that
// returns false, and allocates nothing if visit is a function that is kept. An entry's
// key is k itself, its value as the serde decodes it, and if that aliases its bytes
// lent for the call. visit may read the store, but must not write.
func (s *ReadOnlySession[K, V]) Each(k K, earliestEnd, latestStart int64, visit func(SessionEntry[K, V]) bool) error {
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
	*c = sessionScan[K, V]{step: c.step, visit: visit, key: k, latestStart: latestStart, more: true}
	err = s.scanEach(c, plain, earliestEnd)
	c.visit, s.each = nil, c
	return err
}

// scanEach scans the segments that there may be sessions in.
func (s *ReadOnlySession[K, V]) scanEach(c *sessionScan[K, V], plain []byte, earliestEnd int64) (err error) {
	b := append(s.borrow(), plain...)
	n, from := len(b), max(earliestEnd, s.oldest())
	first, last := s.segments(earliestEnd, math.MaxInt64)
	for segment := first; segment <= last && c.more && c.fault == nil && err == nil; segment++ {
		b = keyenc.AppendInt64(keyenc.KeyPrefix(b[:n], segment, b[:n]), from)
		m := len(b)
		b = keyenc.KeyPrefixEnd(b, segment, b[:n])
		err = s.reader.Scan(b[n:m], b[m:], false, c.step)
	}
	s.giveBack(b)
	if err == nil {
		err = c.fault
	}
	return err
}
