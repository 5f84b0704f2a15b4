package node

import (
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams/record"
)

// SelfJoin joins a stream with itself out of one store, which holds the records
// before the one in hand and not that one; see [JoinKept]. Results are those of a
// [StreamJoin] with the stream on both sides, in the same order: the record as the
// left side with those before it, then those before it as the left side, and among
// them, by time, the record with itself, unless it is too late for the store.
func SelfJoin[K, V, R any](env *Env, st *store.Window[K, V], w JoinWindow, f func(K, V, V) R, next Sink[K, R]) Sink[K, V] {
	op := &selfJoin[K, V, R]{env: env, st: st, window: w, join: f, now: -1, out: newSlot(next)}
	op.keep = func(e store.WindowEntry[K, V]) bool {
		op.found = append(op.found, match[V]{e.Value, e.Key.Window.Start})
		return true
	}
	return op.process
}

type selfJoin[K, V, R any] struct {
	env    *Env
	st     *store.Window[K, V]
	window JoinWindow
	join   func(K, V, V) R
	now    int64 // the highest time so far
	out    *slot[K, R]
	found  []match[V]
	keep   func(store.WindowEntry[K, V]) bool // made once
}

func (o *selfJoin[K, V, R]) process(r *record.Record[K, V]) error {
	switch {
	case r.NoKey:
		o.env.Skip(SkipNullKey)
		return nil
	case r.Null:
		o.env.Skip(SkipNullValue)
		return nil
	}
	o.now = max(o.now, r.Time)
	if err := o.asLeft(r); err != nil {
		return err
	}
	return o.asRight(r)
}

// asLeft joins the record with those of its window.
func (o *selfJoin[K, V, R]) asLeft(r *record.Record[K, V]) error {
	if err := o.find(r.Key, r.Time-o.window.Before, r.Time+o.window.After); err != nil {
		return err
	}
	for _, m := range o.found {
		if err := o.send(r, r.Value, m.value, max(r.Time, m.time)); err != nil {
			return err
		}
	}
	return nil
}

// asRight joins those with the record in whose window it is, and it with itself where
// its time comes.
func (o *selfJoin[K, V, R]) asRight(r *record.Record[K, V]) error {
	if err := o.find(r.Key, r.Time-o.window.After, r.Time+o.window.Before); err != nil {
		return err
	}
	kept := o.window.Before + o.window.After + o.window.Grace
	alone := r.Time > o.now-kept+1
	for _, m := range o.found {
		if alone && m.time > r.Time {
			alone = false
			if err := o.send(r, r.Value, r.Value, r.Time); err != nil {
				return err
			}
		}
		if err := o.send(r, m.value, r.Value, max(r.Time, m.time)); err != nil {
			return err
		}
	}
	if !alone {
		return nil
	}
	return o.send(r, r.Value, r.Value, r.Time)
}

// find reads what is kept from one time to another before any result is sent.
func (o *selfJoin[K, V, R]) find(k K, from, to int64) error {
	o.found = o.found[:0]
	return o.st.Each(k, max(0, from), max(0, to), false, o.keep)
}

func (o *selfJoin[K, V, R]) send(r *record.Record[K, V], left, right V, time int64) error {
	follow(o.out, r)
	o.out.rec.Time = time
	o.out.setValue(o.join(r.Key, left, right))
	return o.out.sendAt(o.env)
}
