package node

import (
	"fmt"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams/record"
)

// Bounds say how long and how much a Suppress holds back.
type Bounds struct {
	// Wait is how far time must come beyond a change's own, in ms.
	Wait int64
	// Records and Bytes bound the buffer; negative is no bound.
	Records, Bytes int
	// Fail ends the task when the buffer is full, instead of sending the oldest
	// changes early.
	Fail bool
}

// BufferFullError says that a buffer has reached its bounds and must not send early.
type BufferFullError struct{ Records, Bytes int }

// Error tells how full the buffer is.
func (e *BufferFullError) Error() string {
	return fmt.Sprintf("the buffer of Suppress is full, with %d records and %d bytes, and must not send early; raise its bounds or shorten the windows", e.Records, e.Bytes)
}

// Suppress holds the changes of a table back, the last of each key, until the
// highest time that it has seen itself is Wait beyond their own, which timeOf gives.
// They leave by that time, then by key, in the context in which they came. drop
// leaves deletions out.
func Suppress[K, V any](env *Env, b *store.Buffer[K, V], bounds Bounds, timeOf func(K, int64) int64, drop bool, next Sink[K, Change[V]]) Sink[K, Change[V]] {
	op := &suppress[K, V]{env: env, b: b, bounds: bounds, drop: drop, out: newSlot(next), now: -1}
	due, full := op.due, op.overfull
	emit := op.emit
	return func(r *record.Record[K, Change[V]]) error {
		op.now = max(op.now, r.Time)
		c := &r.Value
		err := b.Put(store.Buffered[K, V]{
			Key: r.Key, Time: timeOf(r.Key, r.Time), Context: contextOf(env.Cur, r),
			Old: record.Opt[V]{V: c.Old, OK: c.Had}, New: record.Opt[V]{V: c.New, OK: c.Has},
		})
		if err == nil {
			err = b.Evict(due, emit)
		}
		switch {
		case err != nil || !full():
		case bounds.Fail:
			err = op.fail()
		default:
			err = b.Evict(full, emit)
		}
		if err == nil {
			err, op.fault = op.fault, nil
		}
		return err
	}
}

type suppress[K, V any] struct {
	env    *Env
	b      *store.Buffer[K, V]
	bounds Bounds
	drop   bool
	out    *slot[K, Change[V]]
	now    int64 // the highest time seen, ms
	fault  error // of a question to the buffer
}

func (o *suppress[K, V]) due() bool {
	first, err := o.b.MinTime()
	o.note(err)
	return err == nil && first <= o.now-o.bounds.Wait
}

func (o *suppress[K, V]) overfull() bool {
	n, err := o.b.Len()
	o.note(err)
	size, err := o.b.Bytes()
	o.note(err)
	return o.bounds.Records >= 0 && n > o.bounds.Records || o.bounds.Bytes >= 0 && size > o.bounds.Bytes
}

func (o *suppress[K, V]) note(err error) {
	if err != nil {
		o.fault = err
	}
}

func (o *suppress[K, V]) fail() error {
	n, err := o.b.Len()
	if err != nil {
		return err
	}
	size, err := o.b.Bytes()
	if err != nil {
		return err
	}
	return &BufferFullError{n, size}
}

// emit sends one change as if it came now.
func (o *suppress[K, V]) emit(d store.Buffered[K, V]) error {
	if o.drop && !d.New.OK {
		return nil
	}
	before, now := *o.env.Cur, o.env.at(d.Context.Time)
	resume(o.env.Cur, &d.Context)
	o.out.rec.Key = d.Key
	o.out.rec.Value = Change[V]{New: d.New.V, Has: d.New.OK, Old: d.Old.V, Had: d.Old.OK}
	o.out.hd.Reset(d.Context.Headers)
	o.out.rec.Time, o.out.rec.Headers = d.Context.Time, &o.out.hd
	err := o.out.send()
	*o.env.Cur = before
	o.env.at(now)
	return err
}

// Suppressed is the look-up of a table behind a Suppress: rows are as those below
// have seen them last.
func Suppressed[K, V any](get Lookup[K, V], b *store.Buffer[K, V]) Lookup[K, V] {
	return func(k K) (v V, time int64, ok bool, err error) {
		prior, held, err := b.Prior(k)
		if err != nil || held {
			return prior.V, -1, prior.OK, err
		}
		return get(k)
	}
}
