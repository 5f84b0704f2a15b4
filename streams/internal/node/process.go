package node

import (
	"errors"
	"fmt"

	"github.com/millrace/millrace/streams/record"
)

// Processor is an operation of the user's own. It gets each record by value: it may
// change its copy and forward it. The value and the headers are shared with the
// neighbours, though: the value must not be changed, and what is added to the
// headers is seen by the operators that get the record later.
type Processor[K, V any] interface {
	Process(r record.Record[K, V]) error
}

// ProcessorFunc is a [Processor] without state.
type ProcessorFunc[K, V any] func(r record.Record[K, V]) error

// Process implements [Processor].
func (f ProcessorFunc[K, V]) Process(r record.Record[K, V]) error { return f(r) }

// Process hands each record to p.
func Process[K, V any](p Processor[K, V]) Sink[K, V] {
	return func(r *record.Record[K, V]) error { return p.Process(*r) }
}

// Forwarder sends what a processor makes: to all children or to one of them. It
// belongs to the task's goroutine.
type Forwarder[K, V any] struct {
	env   *Env
	out   *slot[K, V]
	named map[string]Sink[K, V]
}

// NewForwarder sends to all, or by name to one of named.
func NewForwarder[K, V any](env *Env, all Sink[K, V], named map[string]Sink[K, V]) *Forwarder[K, V] {
	return &Forwarder[K, V]{env, newSlot(all), named}
}

// Forward sends r to all children. Where K or V has a null of its own, nil is null;
// else NoKey and Null say it.
func (f *Forwarder[K, V]) Forward(r record.Record[K, V]) error { return f.send(&r, f.out.next) }

// ForwardTo sends r to the child of that name only.
func (f *Forwarder[K, V]) ForwardTo(child string, r record.Record[K, V]) error {
	next, ok := f.named[child]
	if !ok {
		return fmt.Errorf("no operator %q follows this processor directly; As names an operator", child)
	}
	return f.send(&r, next)
}

var errForwardTime = errors.New("the time of a forwarded record is negative")

// send takes the record over and sends it. What follows happens at its time.
func (f *Forwarder[K, V]) send(r *record.Record[K, V], next Sink[K, V]) error {
	if r.Time < 0 {
		return errForwardTime
	}
	o := &f.out.rec
	o.Key, o.NoKey, o.Value, o.Null = r.Key, r.NoKey, r.Value, r.Null
	if f.out.noKey != nil {
		o.NoKey = f.out.noKey(r.Key)
	}
	if f.out.null != nil {
		o.Null = f.out.null(r.Value)
	}
	f.out.at(r.Time, r.Headers)
	before := f.env.at(r.Time)
	err := next(o)
	f.env.at(before)
	return err
}

// FixedForward sends a value under the key of the record under way.
type FixedForward[V any] func(v V, null bool, time int64, h *record.Headers) error

// ProcessValues hands each record to p, whose context forwards with what it is
// given here: values under the record's own key. Outside of a record it is an error.
func ProcessValues[K, V, V2 any](env *Env, next Sink[K, V2], make func(FixedForward[V2], func() (int64, *record.Headers)) Processor[K, V]) Sink[K, V] {
	out := NewForwarder(env, next, nil)
	var cur *record.Record[K, V]
	forward := func(v V2, null bool, time int64, h *record.Headers) error {
		if cur == nil {
			return errors.New("a processor of values can forward only while it processes a record, because the key is that record's")
		}
		return out.Forward(record.Record[K, V2]{Key: cur.Key, NoKey: cur.NoKey, Value: v, Null: null, Time: time, Headers: h})
	}
	p := make(forward, func() (int64, *record.Headers) {
		if cur == nil {
			return 0, nil
		}
		return cur.Time, cur.Headers
	})
	if p == nil {
		return nil
	}
	return func(r *record.Record[K, V]) error {
		cur = r
		err := p.Process(*r)
		cur = nil
		return err
	}
}

// Punctuation makes call happen outside of any record: at the time now, in ms, and
// with no current record.
func Punctuation(env *Env, call func(now int64) error) func(now int64) error {
	return func(now int64) error {
		c := env.Cur
		c.Topic, c.Partition, c.Offset, c.Time, c.Headers = "", -1, -1, now, nil
		env.at(now)
		return call(now)
	}
}
