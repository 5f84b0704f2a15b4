package store

import (
	"fmt"
	"math"

	"github.com/millrace/millrace/store/format"
	"github.com/millrace/millrace/store/keyenc"
	"github.com/millrace/millrace/streams/serde"
)

// Delayed is one record in the buffer of a stream-table join with grace.
type Delayed[K, V any] struct {
	Key     K
	Value   V
	Context format.Context // its Time is the record's
}

// GraceBuffer holds the stream's records of a stream-table join back until the
// buffer's stream time, the highest time of a record put, has passed them by the
// grace period: the table may still change in between. Records leave by time, then
// by the key's bytes, then as they came. That is the order of Kafka Streams' layout, in
// which a number follows the key without an end: of keys that extend each other by
// zero bytes the longer one may leave first.
//
// It belongs to the goroutine of its task. After [DB.Rollback] make a new one.
type GraceBuffer[K, V any] struct {
	engine Engine
	codec[K, V]
	grace    int64 // ms
	observed int64 // ms, or unseen
	seq      int32 // of the last put
	count    int
	loaded   bool
}

// NewGraceBuffer is the typed view of an engine whose Spec is a grace buffer; the
// Retention is the grace period.
func NewGraceBuffer[K, V any](e Engine, spec Spec, ks serde.Serde[K], vs serde.Serde[V]) (*GraceBuffer[K, V], error) {
	if err := expect(spec, KindGraceBuffer); err != nil {
		return nil, err
	}
	return &GraceBuffer[K, V]{
		engine: e, codec: codec[K, V]{keys: ks, values: vs}, grace: spec.Retention.Milliseconds(), observed: unseen,
	}, nil
}

// Put holds a record back. It reports false, and holds nothing, if the record's time
// lies more than the grace period behind: it is to be joined at once. Times before
// the epoch are refused.
func (s *GraceBuffer[K, V]) Put(d Delayed[K, V]) (held bool, err error) {
	if err := s.load(); err != nil {
		return false, err
	}
	ts := d.Context.Time
	if ts < 0 {
		return false, fmt.Errorf("grace buffer: a record of the time %d ms, before the epoch; its timestamp extractor made it", ts)
	}
	if s.observed != unseen && s.observed-s.grace > ts {
		return false, nil
	}
	plain, err := s.encodeKey(d.Key)
	if err != nil {
		return false, err
	}
	value, err := s.encodePlain(d.Value)
	if err != nil {
		return false, err
	}
	s.seq = (s.seq + 1) & math.MaxInt32
	s.observed = max(s.observed, ts)
	s.local = keyenc.AppendGrace(s.local[:0], ts, plain, s.seq)
	row := format.BufferRow{Context: d.Context, New: value}
	b := format.AppendBufferRow(s.borrow(), row)
	defer func() { s.giveBack(b) }()
	if err := s.engine.Put(s.local, b); err != nil {
		return false, err
	}
	s.count++
	return true, nil
}

// Release hands out and removes the records that have waited long enough, the
// oldest first. An error of emit leaves its record in the buffer.
func (s *GraceBuffer[K, V]) Release(emit func(Delayed[K, V]) error) error {
	if err := s.load(); err != nil {
		return err
	}
	for s.observed != unseen && s.observed >= s.grace {
		d, ok, err := s.eldest(s.observed - s.grace)
		if err != nil || !ok {
			return err
		}
		key := append(s.borrow(), s.local...) // emit may put
		err = emit(d)
		if err == nil {
			err = s.engine.Delete(key)
		}
		s.giveBack(key)
		if err != nil {
			return err
		}
		s.count--
	}
	return nil
}

// eldest is the first record up to a time; its key is left in s.local.
func (s *GraceBuffer[K, V]) eldest(upTo int64) (d Delayed[K, V], ok bool, err error) {
	var hi []byte
	if upTo < math.MaxInt64 {
		hi = keyenc.GracePrefix(s.borrow(), upTo+1)
		defer func() { s.giveBack(hi) }()
	}
	var fault error
	err = s.engine.Scan(nil, hi, false, func(key, value []byte) bool {
		s.local = append(s.local[:0], key...)
		d, fault = s.decode(key, value)
		ok = fault == nil
		return false
	})
	if err == nil {
		err = fault
	}
	return d, ok, err
}

func (s *GraceBuffer[K, V]) decode(key, value []byte) (d Delayed[K, V], err error) {
	_, plain, _, err := keyenc.SplitGrace(key)
	if err != nil {
		return d, corruptKey(err)
	}
	row, err := format.ParseBufferRow(append([]byte(nil), value...)) // headers are kept
	if err != nil {
		return d, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	d.Context = row.Context
	if d.Key, err = s.decodeKey(plain); err != nil {
		return d, err
	}
	d.Value, err = s.decodePlain(row.New)
	return d, err
}

// Len is the number of records that are held back.
func (s *GraceBuffer[K, V]) Len() (int, error) { err := s.load(); return s.count, err }

// load reads the keys at the first use: how many there are, the highest time, and
// the highest number, after which the next one comes.
func (s *GraceBuffer[K, V]) load() error {
	if s.loaded {
		return nil
	}
	var fault error
	s.count = 0
	err := s.engine.Scan(nil, nil, false, func(key, _ []byte) bool {
		ts, _, seq, err := keyenc.SplitGrace(key)
		if fault = err; err != nil {
			return false
		}
		s.observed, s.seq = max(s.observed, ts), max(s.seq, seq)
		s.count++
		return true
	})
	if err == nil {
		err = corruptKey(fault)
	}
	s.loaded = err == nil
	return err
}
