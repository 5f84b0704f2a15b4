package node

import (
	"context"
	"fmt"

	"github.com/millrace/millrace/streams/internal/async"
	"github.com/millrace/millrace/streams/record"
)

// AsyncError is a call that failed, with the record for which it was made. That is not
// the record under way.
type AsyncError struct {
	Topic     string
	Partition int32
	Offset    int64
	Operator  string
	Where     string
	Err       error
}

// Error is the cause's text.
func (e *AsyncError) Error() string { return fmt.Sprintf("the call failed: %v", e.Err) }

// Unwrap returns the cause.
func (e *AsyncError) Unwrap() error { return e.Err }

// Position tells the task whose fault it was.
func (e *AsyncError) Position() (topic string, partition int32, offset int64) {
	return e.Topic, e.Partition, e.Offset
}

// Location tells the task where it was.
func (e *AsyncError) Location() (operator, where string) { return e.Operator, e.Where }

// AsyncFaults says what becomes of calls that failed for good. Without it their errors
// are those of the operator.
type AsyncFaults struct {
	// Source has the bytes of the record under way, for Decide; they are kept.
	Source func() (key, value []byte)
	// Decide asks for another call, with all its attempts, or has left the record out, or
	// returns the error to end with. attempt counts from 1.
	Decide func(e *AsyncError, cur *Current, key, value []byte, attempt int) (again bool, err error)
}

// Async is an operator that replaces values by what calls of a slow function return.
// Many calls go on at once, beside the task; their results are sent on the task's
// goroutine, between records, in the order in which the records came in. Nothing is
// sent ahead of the oldest call.
//
// Because the offsets of the task are past the records that are held, the task drains
// the operator before it commits. A null that V cannot show keeps its place without a
// call.
type Async[K, V, V2 any] struct {
	env   *Env
	calls *async.Calls[inFlight[K, V], V2]
	nulls bool
	out   *slot[K, V2]
	place AsyncError // the operator's
	// Faults, if set, decides about failures. It is set before the first record.
	Faults *AsyncFaults
}

// inFlight is a record that is held, with what was current when it came.
type inFlight[K, V any] struct {
	rec record.Record[K, V]
	hd  record.Headers
	cur Current
	// For faults: the source's bytes, and how many calls have failed.
	key, value []byte
	failed     int
}

// NewAsync calls f for each record. Operator and where are for its errors; wake is
// called on other goroutines when there may be something to release.
func NewAsync[K, V, V2 any](env *Env, opt async.Options, operator, where string, f func(context.Context, record.Record[K, V]) (V2, error), wake func(), next Sink[K, V2]) *Async[K, V, V2] {
	call := func(ctx context.Context, in *inFlight[K, V]) (V2, error) { return f(ctx, in.rec) }
	return &Async[K, V, V2]{
		env: env, calls: async.New(opt, call, wake), nulls: nullable[V](), out: newSlot(next),
		place: AsyncError{Operator: operator, Where: where},
	}
}

// Process is the operator's sink: it takes a record in, and sends nothing.
func (o *Async[K, V, V2]) Process(r *record.Record[K, V]) error {
	call := o.calls.Add()
	in := &call.In
	in.rec, in.cur = *r, *o.env.Cur
	in.rec.Headers = in.hd.From(r.Headers)
	if o.Faults != nil {
		in.key, in.value = o.Faults.Source()
	}
	if unseen(r, o.nulls) {
		o.calls.Skip(call)
	} else {
		o.calls.Start(call)
	}
	return nil
}

// Held is the number of records that were not sent on yet.
func (o *Async[K, V, V2]) Held() int { return o.calls.Held() }

// Full says that as many calls are in flight as there should be.
func (o *Async[K, V, V2]) Full() bool { return o.calls.Full() }

// Wait waits until the oldest call has ended, if there is one.
func (o *Async[K, V, V2]) Wait(ctx context.Context) error { return o.calls.Wait(ctx) }

// Close cancels the calls that are in flight and gives their records up.
func (o *Async[K, V, V2]) Close() { o.calls.Close() }

// Drain sends everything that is held, and waits for it until ctx is done.
func (o *Async[K, V, V2]) Drain(ctx context.Context) error {
	for o.calls.Held() > 0 {
		if err := o.calls.Wait(ctx); err != nil {
			return fmt.Errorf("%d calls of %s have not ended: %w", o.calls.Held(), o.place.Operator, err)
		}
		if err := o.Release(); err != nil {
			return err
		}
	}
	return nil
}

// Release sends what ended, the oldest first, up to the first call that has not. The
// record that it was made for is the current one meanwhile.
func (o *Async[K, V, V2]) Release() error {
	before := *o.env.Cur
	defer func() { *o.env.Cur = before }()
	for call := o.calls.Ended(); call != nil; call = o.calls.Ended() {
		again, err := false, call.Err
		if err != nil {
			again, err = o.failed(&call.In, err)
		} else {
			err = o.send(&call.In, call.Out)
		}
		if again {
			o.calls.Again()
			return nil
		}
		o.calls.Drop()
		if err != nil {
			return err
		}
	}
	return nil
}

// failed decides about a call that failed.
func (o *Async[K, V, V2]) failed(in *inFlight[K, V], fault error) (again bool, err error) {
	e := o.place
	e.Topic, e.Partition, e.Offset, e.Err = in.cur.Topic, in.cur.Partition, in.cur.Offset, fault
	if o.Faults == nil {
		return false, &e
	}
	in.failed++
	return o.Faults.Decide(&e, &in.cur, in.key, in.value, in.failed)
}

// send sends the result of one call at the record's own time.
func (o *Async[K, V, V2]) send(in *inFlight[K, V], v V2) error {
	streamTime := o.env.Cur.StreamTime
	*o.env.Cur = in.cur
	o.env.Cur.StreamTime = streamTime
	follow(o.out, &in.rec)
	if unseen(&in.rec, o.nulls) {
		o.out.setNull()
	} else {
		o.out.setValue(v)
	}
	return o.out.sendAt(o.env)
}
