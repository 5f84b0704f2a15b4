package store

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/millrace/millrace/store/keyenc"
)

// ttlReader shows the entries of a store with a TTL under their plain keys, and
// hides the index.
type ttlReader struct {
	reader Reader
	key    []byte
}

// NewTTLReader is a reader of a store with a TTL, for the views that read a
// [Snapshot]. It has a buffer of its own, so each goroutine makes its own.
func NewTTLReader(r Reader, spec Spec) (Reader, error) {
	if err := expectTTL(spec); err != nil {
		return nil, err
	}
	return &ttlReader{reader: r}, nil
}

func expectTTL(spec Spec) error {
	if spec.TTL <= 0 {
		return fmt.Errorf("store %q has no TTL; set Spec.TTL", spec.Name)
	}
	return expect(spec, KindKeyValue)
}

// at is the local key of an entry, until the next call.
func (r *ttlReader) at(key []byte) []byte {
	r.key = keyenc.AppendLive(r.key[:0], key)
	return r.key
}

// Get implements [Reader].
func (r *ttlReader) Get(key []byte) (value []byte, ok bool, err error) {
	return r.reader.Get(r.at(key))
}

// Scan implements [Reader]. Its bounds are not in the buffer: scans nest.
func (r *ttlReader) Scan(lo, hi []byte, reverse bool, visit func(key, value []byte) bool) error {
	var fault error
	from, to := liveBounds(lo, hi)
	err := r.reader.Scan(from, to, reverse, func(local, value []byte) bool {
		var key []byte
		if key, fault = keyenc.SplitLive(local); fault != nil {
			return false
		}
		return visit(key, value)
	})
	if err == nil {
		err = corruptKey(fault)
	}
	return err
}

func liveBounds(lo, hi []byte) (from, to []byte) {
	if hi == nil {
		return keyenc.AppendLive(nil, lo), keyenc.LiveEnd()
	}
	return keyenc.AppendLive(nil, lo), keyenc.AppendLive(nil, hi)
}

// TTL is the engine of a timestamped key-value store whose entries expire: an entry
// goes with a sweep when its time lies [Spec.TTL] or more behind the sweep's, up to a
// sixteenth of the TTL later. Until then it is there for readers: what is found in
// the store is what was forwarded. The views of timestamped key-value stores and
// record caches go on top; in a snapshot [NewTTLReader] takes its place.
//
// An index by time leads sweeps to what is due, so that they never scan the store.
// It is local: the changelog has the entries as Kafka Streams would write them, and a
// tombstone for each that expired. An entry's rows in the index are not removed when
// it is overwritten or deleted; sweeps come past and drop them.
//
// It belongs to the goroutine of its task. After [DB.Rollback] make a new one.
type TTL struct {
	ttlReader
	engine   Engine
	ttl      int64 // ms
	interval int64 // ms, of a segment of the index
	swept    int64 // nothing is in segments before it

	index  []byte
	value  []byte
	doomed []byte // keys of the index, one after the other
	ends   []int
}

// NewTTL is the engine of a store whose Spec has a TTL, over the engine that logs.
func NewTTL(e Engine, spec Spec) (*TTL, error) {
	if err := expectTTL(spec); err != nil {
		return nil, err
	}
	return &TTL{
		ttlReader: ttlReader{reader: e}, engine: e, ttl: spec.TTL.Milliseconds(), interval: spec.TTLInterval(),
		swept: math.MinInt64,
	}, nil
}

// Put implements [Engine]. The value begins with its time, as timestamped views
// write it.
func (s *TTL) Put(key, value []byte) error { return s.put(s.engine, key, value) }

func (s *TTL) put(e Engine, key, value []byte) error {
	ts, err := timeOf(value)
	if err != nil {
		return err
	}
	if err := e.Put(s.at(key), value); err != nil {
		return err
	}
	segment := keyenc.Segment(ts, s.interval)
	s.swept = min(s.swept, segment)
	s.index = keyenc.AppendExpiry(s.index[:0], segment, key)
	return e.Put(s.index, nil)
}

// timeOf is the time in front of a timestamped value.
func timeOf(value []byte) (ms int64, err error) {
	if len(value) < 8 {
		return 0, fmt.Errorf("%w: a value of %d bytes in a store with a TTL has no timestamp", ErrCorrupt, len(value))
	}
	return int64(binary.BigEndian.Uint64(value)), nil
}

// Delete implements [Engine].
func (s *TTL) Delete(key []byte) error { return s.engine.Delete(s.at(key)) }

// DeleteRange implements [Engine].
func (s *TTL) DeleteRange(lo, hi []byte) error {
	from, to := liveBounds(lo, hi)
	return s.engine.DeleteRange(from, to)
}

// Expire is told which entry a sweep is about to remove; the value has its time in
// front. Both slices are lent for the call, in which the store may be read and
// written. If it reports keep the entry stays, and is looked at again when it is
// written next: a record cache in front of the store has a later value.
type Expire func(key, value []byte) (keep bool, err error)

// Sweep removes what has expired at the time now, in ms, the oldest segments first:
// at most so many entries in one call, whatever is due. It reports whether there may
// be more. Whether now is stream time or wall-clock time is up to the caller, which
// calls it often: where nothing is due it costs nothing.
//
// expire may be nil. If it fails the entry stays, and the sweep ends with its error.
func (s *TTL) Sweep(now int64, most int, expire Expire) (more bool, err error) {
	due := s.due(now)
	if due <= s.swept || most <= 0 {
		return due > s.swept, nil
	}
	last, err := s.gather(due, most)
	if err != nil {
		return false, err
	}
	// What expire writes into earlier segments lowers it again.
	s.swept = due
	if more = len(s.ends) == most; more {
		s.swept = last
	}
	from := 0
	for _, to := range s.ends {
		if err := s.settle(s.doomed[from:to], expire); err != nil {
			s.swept = math.MinInt64
			return true, err
		}
		from = to
	}
	return more, nil
}

// due is the first segment in which something may be younger than the TTL.
func (s *TTL) due(now int64) int64 {
	if now < math.MinInt64+s.ttl {
		return math.MinInt64
	}
	return keyenc.Segment(now-s.ttl+1, s.interval)
}

// gather collects keys of the index before a segment, and returns the segment of the
// last one.
func (s *TTL) gather(due int64, most int) (last int64, err error) {
	s.doomed, s.ends = s.doomed[:0], s.ends[:0]
	lo := keyenc.ExpiryPrefix(s.index[:0], s.swept)
	n := len(lo)
	lo = keyenc.ExpiryPrefix(lo, due)
	s.index = lo
	var fault error
	err = s.engine.Scan(lo[:n], lo[n:], false, func(key, _ []byte) bool {
		last, _, fault = keyenc.SplitExpiry(key)
		s.doomed = append(s.doomed, key...)
		s.ends = append(s.ends, len(s.doomed))
		return fault == nil && len(s.ends) < most
	})
	if err == nil {
		err = corruptKey(fault)
	}
	return last, err
}

// settle removes an entry that a key of the index leads to, unless it has been
// written again since, and then that key.
func (s *TTL) settle(index []byte, expire Expire) error {
	segment, key, err := keyenc.SplitExpiry(index)
	if err != nil {
		return corruptKey(err)
	}
	value, ok, err := s.Get(key)
	if err != nil {
		return err
	}
	if ok {
		ts, err := timeOf(value)
		if err != nil {
			return err
		}
		if keyenc.Segment(ts, s.interval) == segment {
			if err := s.remove(key, value, expire); err != nil {
				return err
			}
		}
	}
	return s.engine.Delete(index)
}

func (s *TTL) remove(key, value []byte, expire Expire) error {
	if expire != nil {
		s.value = append(s.value[:0], value...) // the engine's is gone with the next call
		if keep, err := expire(key, s.value); keep || err != nil {
			return err
		}
	}
	return s.Delete(key)
}
