package node

import (
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams/record"
	"github.com/millrace/millrace/streams/serde"
)

// SessionWindows are bursts of activity, in ms: records that are at most Gap
// apart belong to one session. Gap and Grace are >= 0.
type SessionWindows struct {
	Gap, Grace int64
}

// SessionAggregate is Aggregate by key and session. A record joins the sessions
// that are within the gap around it into one; merge combines their aggregates,
// the initial one first. Each session that is absorbed is sent as a deletion, in
// order of time and with its own end as the time; the result follows with the
// merged end as time. Results have no headers.
//
// A session is closed when its end, gap and grace lie before the highest time
// that this operator has seen; a record that would only make or extend closed
// ones is skipped. Null values are shown to add if V has a null.
func SessionAggregate[K, V, A any](env *Env, st *store.Session[K, A], s SessionWindows, init func() A, add func(K, V, A) A, merge func(K, A, A) A, next Sink[serde.Windowed[K], Change[A]]) Sink[K, V] {
	f := aggregateRule(init, add)
	f.merge = func(k K, a A, _ bool, b A) A { return merge(k, a, b) }
	return sessions(env, st, s, f, next)
}

// SessionReduce is Reduce by key and session; f merges sessions too, the earlier
// one first. See [SessionAggregate].
func SessionReduce[K, V any](env *Env, st *store.Session[K, V], s SessionWindows, f func(acc, v V) V, next Sink[serde.Windowed[K], Change[V]]) Sink[K, V] {
	return sessions(env, st, s, reduceRule[K](f), next)
}

func sessions[K, V, A any](env *Env, st *store.Session[K, A], s SessionWindows, f rule[K, V, A], next Sink[serde.Windowed[K], Change[A]]) Sink[K, V] {
	op := &sessionOp[K, V, A]{sessionFold: sessionFold[K, V, A]{env, s, f, -1}, st: st, out: newSlot(next)}
	op.collect = func(e store.SessionEntry[K, A]) bool {
		op.found = append(op.found, e)
		return true
	}
	return op.sink(op.process)
}

// sessionFold is what session operators have in common, with a cache and without.
type sessionFold[K, V, A any] struct {
	env      *Env
	spec     SessionWindows
	rule     rule[K, V, A]
	observed int64 // the highest time seen, ms
}

// sink shows process the records that can be aggregated, and their times to the
// operator's clock.
func (o *sessionFold[K, V, A]) sink(process func(*record.Record[K, V]) error) Sink[K, V] {
	nulls := nullable[V]()
	return func(r *record.Record[K, V]) error {
		if reason := unfit(r, nulls); reason != "" {
			o.env.Skip(reason)
			return nil
		}
		o.observed = max(o.observed, r.Time)
		return process(r)
	}
}

// closed says whether a session that ends then takes no more records.
func (o *sessionFold[K, V, A]) closed(end int64) bool {
	return end < o.observed-o.spec.Grace-o.spec.Gap
}

// around is the window that spans both.
func around(a, b serde.Window) serde.Window {
	return serde.Window{Start: min(a.Start, b.Start), End: max(a.End, b.End)}
}

// sessionOp is the state of one session operator in one task.
type sessionOp[K, V, A any] struct {
	sessionFold[K, V, A]
	st      *store.Session[K, A]
	out     *slot[serde.Windowed[K], Change[A]]
	found   []store.SessionEntry[K, A] // those that the record touches
	collect func(store.SessionEntry[K, A]) bool
}

func (o *sessionOp[K, V, A]) process(r *record.Record[K, V]) error {
	if err := o.find(r); err != nil {
		return err
	}
	point := serde.Window{Start: r.Time, End: r.Time}
	acc, had, whole := o.merge(r.Key, point)
	if o.closed(whole.End) {
		return o.rule.tooLate(o.env, r)
	}
	// A session that is the record's own instant is overwritten, not moved.
	if whole != point {
		if err := o.absorb(r); err != nil {
			return err
		}
	}
	return o.put(serde.Windowed[K]{Key: r.Key, Window: whole}, o.rule.add(r.Key, r.Value, acc, had))
}

// find lists the sessions that the record touches, in order of time.
func (o *sessionOp[K, V, A]) find(r *record.Record[K, V]) error {
	o.found = o.found[:0]
	return o.st.Each(r.Key, r.Time-o.spec.Gap, r.Time+o.spec.Gap, o.collect)
}

// merge combines the aggregates that were found and their windows with w.
func (o *sessionOp[K, V, A]) merge(k K, w serde.Window) (acc A, had bool, whole serde.Window) {
	acc, had = o.rule.seed()
	for _, e := range o.found {
		acc, had = o.rule.merge(k, acc, had, e.Value), true
		w = around(w, e.Key.Window)
	}
	return acc, had, w
}

// absorb removes the sessions that were found and sends their deletions.
func (o *sessionOp[K, V, A]) absorb(r *record.Record[K, V]) error {
	if o.rule.alias { // merging may have changed what was found
		if err := o.find(r); err != nil {
			return err
		}
	}
	for i := range o.found {
		e := &o.found[i]
		w := e.Key.Window
		if err := o.st.Remove(r.Key, w.Start, w.End); err != nil {
			return err
		}
		if err := o.send(e.Key, Change[A]{Old: e.Value, Had: true}); err != nil {
			return err
		}
	}
	return nil
}

// put stores the merged session, unless its aggregate is null, and sends it. It
// has no old value: it is another session than those before.
func (o *sessionOp[K, V, A]) put(k serde.Windowed[K], acc A) (err error) {
	c := Change[A]{New: acc, Has: !o.rule.isNull(acc)}
	if c.Has {
		err = o.st.Put(k.Key, k.Window.Start, k.Window.End, acc)
	} else {
		err = o.st.Remove(k.Key, k.Window.Start, k.Window.End)
	}
	if err != nil {
		return err
	}
	return o.send(k, c)
}

// send sends a change at its session's end, without headers.
func (o *sessionOp[K, V, A]) send(k serde.Windowed[K], c Change[A]) error {
	o.out.rec.Key, o.out.rec.Value = k, c
	o.out.at(k.Window.End, nil)
	return o.out.sendAt(o.env)
}
