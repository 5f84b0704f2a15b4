package node

import (
	"math"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams/record"
)

// JoinWindow says which records of the other side one of a side at time t joins:
// those of t-Before to t+After. Grace is how long after that they may come. All in
// ms; one of Before and After may be negative.
type JoinWindow struct{ Before, After, Grace int64 }

// Swap is the window seen from the other side.
func (w JoinWindow) Swap() JoinWindow { return JoinWindow{w.After, w.Before, w.Grace} }

// JoinClock is the stream time of one join in one task: the highest time of either
// side.
type JoinClock struct{ now int64 }

// NewJoinClock has seen nothing yet.
func NewJoinClock() *JoinClock { return &JoinClock{now: -1} }

// JoinKept sends the records of one side on, then keeps them for the other to look
// at. A null value takes its place in the changelog only.
func JoinKept[K, V any](_ *Env, st *store.Window[K, V], next Sink[K, V]) Sink[K, V] {
	return func(r *record.Record[K, V]) error {
		if err := next(r); err != nil {
			return err
		}
		switch {
		case r.NoKey:
			return nil
		case r.Null:
			return st.Delete(r.Key, r.Time)
		}
		return st.Put(r.Key, r.Time, r.Value, r.Time)
	}
}

// JoinSide is one side of a join of streams.
type JoinSide[K, V, V2, R any] struct {
	// Other keeps the other side's records.
	Other *store.Window[K, V2]
	// Window is this side's.
	Window JoinWindow
	// Clock is the join's.
	Clock *JoinClock
	// Join makes the result; the other side is missing if this one stands alone.
	Join func(K, V, record.Opt[V2]) R
	// Outer says that this side's records come out unjoined, too.
	Outer bool
	// Hold keeps a record until its window closes; nil unless Outer.
	Hold func(k K, v V, time int64) error
	// Met forgets the held records of the other side; nil in an inner join.
	Met func(k K, time int64) error
	// Release sends the held records whose windows have closed; nil likewise.
	Release func(after int64, h *record.Headers) error
}

// match is one record of the other side.
type match[V any] struct {
	value V
	time  int64
}

// StreamJoin joins each record of one side with those of the other side in its
// window, in order of their time; results have the later of both times. A record
// that must not get lost and has no match is held until its window closes, or sent
// alone at once if that is past already, whatever the grace. Null keys and values
// are skipped, except that an outer side's records without key are sent alone.
func StreamJoin[K, V, V2, R any](env *Env, s JoinSide[K, V, V2, R], next Sink[K, R]) Sink[K, V] {
	op := &streamJoin[K, V, V2, R]{JoinSide: s, env: env, out: newSlot(next)}
	op.keep = func(e store.WindowEntry[K, V2]) bool {
		op.found = append(op.found, match[V2]{e.Value, e.Key.Window.Start})
		return true
	}
	return op.process
}

type streamJoin[K, V, V2, R any] struct {
	JoinSide[K, V, V2, R]
	env   *Env
	out   *slot[K, R]
	found []match[V2]
	keep  func(store.WindowEntry[K, V2]) bool // made once
}

func (o *streamJoin[K, V, V2, R]) process(r *record.Record[K, V]) error {
	o.Clock.now = max(o.Clock.now, r.Time)
	switch {
	case o.Outer && r.NoKey && !r.Null:
		return o.send(r, record.Opt[V2]{}, r.Time)
	case r.NoKey:
		o.env.Skip(SkipNullKey)
		return nil
	case r.Null:
		o.env.Skip(SkipNullValue)
		return nil
	}
	if o.Release != nil && r.Time == o.Clock.now {
		if err := o.Release(o.Window.After, r.Headers); err != nil {
			return err
		}
	}
	until := max(0, r.Time+o.Window.After)
	if err := o.find(r.Key, max(0, r.Time-o.Window.Before), until); err != nil {
		return err
	}
	switch {
	case len(o.found) > 0 || !o.Outer:
		return o.matches(r)
	case until < o.Clock.now:
		return o.send(r, record.Opt[V2]{}, r.Time)
	}
	return o.Hold(r.Key, r.Value, r.Time)
}

// find reads the matches before any is sent: what comes after writes stores.
func (o *streamJoin[K, V, V2, R]) find(k K, from, to int64) error {
	o.found = o.found[:0]
	return o.Other.Each(k, from, to, false, o.keep)
}

func (o *streamJoin[K, V, V2, R]) matches(r *record.Record[K, V]) error {
	for _, m := range o.found {
		if o.Met != nil {
			if err := o.Met(r.Key, m.time); err != nil {
				return err
			}
		}
		if err := o.send(r, record.Some(m.value), max(r.Time, m.time)); err != nil {
			return err
		}
	}
	return nil
}

func (o *streamJoin[K, V, V2, R]) send(r *record.Record[K, V], other record.Opt[V2], time int64) error {
	follow(o.out, r)
	o.out.rec.Time = time
	o.out.setValue(o.Join(r.Key, r.Value, other))
	return o.out.sendAt(o.env)
}

// never is the time of the first held record if there is none.
const never = math.MaxInt64
