package store

import (
	"bytes"
	"container/heap"
	"fmt"
	"math"

	"github.com/millrace/millrace/store/format"
	"github.com/millrace/millrace/streams/record"
	"github.com/millrace/millrace/streams/serde"
)

// Buffered is one record of a Buffer: a change of a table, with the place where the
// last part of it came from.
type Buffered[K, V any] struct {
	Key      K
	Old, New record.Opt[V]
	// Time orders the buffer, in ms.
	Time    int64
	Context format.Context
}

// buffered is a record with its values encoded.
type buffered struct {
	key   string
	row   format.BufferRow // its slices are its own
	place int              // in the heap
}

// Buffer is the buffer of a suppress: it holds the last change of each key until
// the operator lets it go, in the order of the times at which the keys came in, and
// of the keys' bytes within one time. All of it is in memory; the engine, and with
// it the changelog, gets what changed at each Flush, as in Kafka Streams.
//
// It belongs to the goroutine of its task. After [DB.Rollback] make a new one.
type Buffer[K, V any] struct {
	engine Engine
	codec[K, V]
	rows  map[string]*buffered // nil until the first use
	queue bufferQueue
	bytes int
	dirty dirtyKeys
}

// NewBuffer is the typed view of an engine whose Spec is a buffer.
func NewBuffer[K, V any](e Engine, spec Spec, ks serde.Serde[K], vs serde.Serde[V]) (*Buffer[K, V], error) {
	if err := expect(spec, KindBuffer); err != nil {
		return nil, err
	}
	return &Buffer[K, V]{engine: e, codec: codec[K, V]{keys: ks, values: vs}, dirty: newDirtyKeys()}, nil
}

// Put adds a change at a time, in ms, which orders it. A key that is in the buffer
// already keeps its time and the value it had before the first change. The
// context's slices are kept.
func (s *Buffer[K, V]) Put(b Buffered[K, V]) error {
	if err := s.load(); err != nil {
		return err
	}
	key, err := s.encodeKey(b.Key)
	if err != nil {
		return err
	}
	row := format.BufferRow{Context: b.Context, Time: b.Time}
	if row.Old, err = s.part(b.Old); err == nil {
		row.New, err = s.part(b.New)
	}
	if err != nil {
		return err
	}
	row.Prior = row.Old
	at := s.rows[string(key)]
	if at == nil {
		at = s.add(string(key), row)
	} else {
		row.Prior, row.Time = at.row.Prior, at.row.Time
		s.bytes -= at.row.Size(len(key))
		at.row = row
	}
	s.bytes += row.Size(len(key))
	s.dirty.add(at.key)
	return nil
}

// part encodes a value into bytes of its own; none is nil.
func (s *Buffer[K, V]) part(v record.Opt[V]) ([]byte, error) {
	if !v.OK {
		return nil, nil
	}
	b, err := s.encodePlain(v.V)
	return append([]byte{}, b...), err
}

func (s *Buffer[K, V]) add(key string, row format.BufferRow) *buffered {
	b := &buffered{key: key, row: row}
	s.rows[key] = b
	heap.Push(&s.queue, b)
	return b
}

// Prior is the value that k had before the first of its buffered changes, and
// whether k is in the buffer at all: what readers downstream still see.
func (s *Buffer[K, V]) Prior(k K) (prior record.Opt[V], held bool, err error) {
	if err = s.load(); err != nil {
		return prior, false, err
	}
	key, err := s.encodeKey(k)
	if err != nil {
		return prior, false, err
	}
	b := s.rows[string(key)]
	if b == nil {
		return prior, false, nil
	}
	prior, err = s.whole(b.row.Prior)
	return prior, err == nil, err
}

func (s *Buffer[K, V]) whole(b []byte) (v record.Opt[V], err error) {
	if b == nil {
		return v, nil
	}
	v.V, err = s.decodePlain(b)
	v.OK = err == nil
	return v, err
}

// Evict hands out the oldest record and removes it, as long as more says so. An
// error of emit leaves the record in the buffer and ends the loop.
func (s *Buffer[K, V]) Evict(more func() bool, emit func(Buffered[K, V]) error) error {
	if err := s.load(); err != nil {
		return err
	}
	for len(s.queue) > 0 && more() {
		b := s.queue[0]
		out, err := s.decode(b)
		if err != nil {
			return err
		}
		if err := emit(out); err != nil {
			return err
		}
		heap.Remove(&s.queue, b.place) // emit may have put older ones
		delete(s.rows, b.key)
		s.bytes -= b.row.Size(len(b.key))
		s.dirty.add(b.key)
	}
	return nil
}

func (s *Buffer[K, V]) decode(b *buffered) (out Buffered[K, V], err error) {
	out.Time, out.Context = b.row.Time, b.row.Context
	if out.Key, err = s.decodeKey([]byte(b.key)); err != nil {
		return out, err
	}
	if out.Old, err = s.whole(b.row.Old); err != nil {
		return out, err
	}
	out.New, err = s.whole(b.row.New)
	return out, err
}

// Len is the number of records in the buffer.
func (s *Buffer[K, V]) Len() (int, error) { err := s.load(); return len(s.rows), err }

// Bytes is the memory that Kafka Streams would reckon for the buffer.
func (s *Buffer[K, V]) Bytes() (int, error) { err := s.load(); return s.bytes, err }

// MinTime is the time of the oldest record, the end of time if there is none.
func (s *Buffer[K, V]) MinTime() (int64, error) {
	if err := s.load(); err != nil || len(s.queue) == 0 {
		return math.MaxInt64, err
	}
	return s.queue[0].row.Time, nil
}

// Flush writes what changed since the last one to the engine, each key once.
func (s *Buffer[K, V]) Flush() error {
	for _, key := range s.dirty.list() {
		s.plain = append(s.plain[:0], key...)
		var err error
		if b := s.rows[key]; b != nil {
			s.value = format.AppendBufferRow(s.value[:0], b.row)
			err = s.engine.Put(s.plain, s.value)
		} else {
			err = s.engine.Delete(s.plain)
		}
		if err != nil {
			return err
		}
	}
	s.dirty.clear()
	return nil
}

// load reads the whole buffer at the first use: after a restart, or a restore.
func (s *Buffer[K, V]) load() error {
	if s.rows != nil {
		return nil
	}
	rows := map[string]*buffered{}
	s.rows, s.queue, s.bytes = rows, nil, 0
	var fault error
	err := s.engine.Scan(nil, nil, false, func(key, value []byte) bool {
		var row format.BufferRow
		if row, fault = format.ParseBufferRow(bytes.Clone(value)); fault != nil {
			return false
		}
		s.add(string(key), row)
		s.bytes += row.Size(len(key))
		return true
	})
	if err == nil && fault != nil {
		err = fmt.Errorf("%w: %w", ErrCorrupt, fault)
	}
	if err != nil {
		s.rows = nil
	}
	return err
}

// bufferQueue is a heap: the oldest record first, by key within one time.
type bufferQueue []*buffered

func (q bufferQueue) Len() int { return len(q) }

func (q bufferQueue) Less(i, j int) bool {
	if q[i].row.Time != q[j].row.Time {
		return q[i].row.Time < q[j].row.Time
	}
	return q[i].key < q[j].key
}

func (q bufferQueue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = i, j
}

// Push implements heap.Interface.
func (q *bufferQueue) Push(x any) {
	b := x.(*buffered)
	b.place = len(*q)
	*q = append(*q, b)
}

// Pop implements heap.Interface.
func (q *bufferQueue) Pop() any {
	last := len(*q) - 1
	b := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return b
}
