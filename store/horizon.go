package store

import (
	"math"

	"github.com/millrace/millrace/store/keyenc"
)

// unseen is the observed time of a store that never had an entry.
const unseen = math.MinInt64

// horizon is where a window or session store ends: it follows the store's own
// stream time, the highest time ever put, and expires what lies a retention
// behind. What is at observed - retention or older is gone, to the millisecond;
// the bytes go later, a whole segment in one range deletion.
type horizon struct {
	reader    Reader
	retention int64 // ms
	interval  int64 // ms, of a segment
	timeOf    func(key []byte) (segment, t int64, err error)

	observed int64 // ms, or unseen
	first    int64 // segments before it have been deleted
	bound    [2][]byte
	look     *lookBack // nil before the first
}

// lookBack is the search for the observed time. It is kept: a store below a record
// cache may stay empty, and is searched again with each record.
type lookBack struct {
	visit         func(key, _ []byte) bool
	last, highest int64 // a segment, and the highest time in it
	fault         error
}

func (h *horizon) newLook() *lookBack {
	l := new(lookBack)
	l.visit = func(key, _ []byte) bool {
		segment, t, err := h.timeOf(key)
		if l.fault = err; err != nil || l.highest != unseen && segment != l.last {
			return false
		}
		l.last, l.highest = segment, max(l.highest, t)
		return true
	}
	return l
}

func newHorizon(r Reader, spec Spec, timeOf func([]byte) (segment, t int64, err error)) horizon {
	return horizon{
		reader: r, retention: spec.Retention.Milliseconds(), interval: spec.SegmentInterval(),
		timeOf: timeOf, observed: unseen, first: math.MinInt64,
	}
}

// recall finds the observed time of a store that was filled before this view was
// made: the highest one in the last segment, which is read once for it. A guess
// would be cheaper, but a restored store must expire exactly what the one before
// did. It is done at the first use, because a view is made before its store is
// restored.
func (h *horizon) recall() error {
	if h.observed != unseen {
		return nil
	}
	if h.look == nil {
		h.look = h.newLook()
	}
	h.look.highest, h.look.fault = unseen, nil
	err := h.reader.Scan(nil, nil, true, h.look.visit)
	if err == nil {
		err = h.look.fault
	}
	if err != nil {
		return corruptKey(err)
	}
	h.observed = h.look.highest
	return nil
}

// advance takes note that an entry of time t is put, and drops the segments that
// are no longer needed.
func (h *horizon) advance(e Engine, t int64) error {
	if err := h.recall(); err != nil {
		return err
	}
	h.observed = max(h.observed, t)
	needed := keyenc.Segment(h.oldest(), h.interval)
	if needed <= h.first {
		return nil
	}
	lo := keyenc.SegmentPrefix(h.bound[0][:0], math.MinInt64)
	hi := keyenc.SegmentPrefix(h.bound[1][:0], needed)
	h.bound = [2][]byte{lo, hi}
	if err := e.DeleteRange(lo, hi); err != nil {
		return err
	}
	h.first = needed
	return nil
}

// StreamTime is the store's own stream time in ms, the highest time ever put, and
// whether there is one.
func (h *horizon) StreamTime() (ms int64, ok bool, err error) {
	err = h.recall()
	return h.observed, h.observed != unseen, err
}

// oldest is the lowest time that has not expired.
func (h *horizon) oldest() int64 {
	if h.observed < math.MinInt64+h.retention {
		return math.MinInt64
	}
	// The one can overflow only if there is no retention at the end of time.
	return max(h.observed-h.retention, h.observed-h.retention+1)
}

func (h *horizon) expired(t int64) bool { return t < h.oldest() }

// segments are the numbers of the first and last segment that may hold entries of
// from <= time <= to; none if first > last.
func (h *horizon) segments(from, to int64) (first, last int64) {
	from, to = max(from, h.oldest()), min(to, h.observed)
	if h.observed == unseen || from > to {
		return 0, -1
	}
	return keyenc.Segment(from, h.interval), keyenc.Segment(to, h.interval)
}
