package node

import (
	"github.com/millrace/millrace/store/cached"
	"github.com/millrace/millrace/streams/record"
	"github.com/millrace/millrace/streams/serde"
)

// CachedSessionAggregate is [SessionAggregate] with a record cache. A session that
// was made and absorbed between two flushes is never sent; one that only grew older
// aggregates, within its bounds, is sent without the deletion. Results have the
// headers of the record that made them, as in Kafka Streams.
func CachedSessionAggregate[K, V, A any](env *Env, c *cached.Cache[K, A], olds bool, s SessionWindows, init func() A, add func(K, V, A) A, merge func(K, A, A) A, next Sink[serde.Windowed[K], Change[A]]) Sink[K, V] {
	f := aggregateRule(init, add)
	f.merge = func(k K, a A, _ bool, b A) A { return merge(k, a, b) }
	return cachedSessions(env, c, olds, s, f, next)
}

// CachedSessionReduce is [SessionReduce] with a record cache; see
// [CachedSessionAggregate].
func CachedSessionReduce[K, V any](env *Env, c *cached.Cache[K, V], olds bool, s SessionWindows, f func(acc, v V) V, next Sink[serde.Windowed[K], Change[V]]) Sink[K, V] {
	return cachedSessions(env, c, olds, s, reduceRule[K](f), next)
}

func cachedSessions[K, V, A any](env *Env, c *cached.Cache[K, A], olds bool, s SessionWindows, f rule[K, V, A], next Sink[serde.Windowed[K], Change[A]]) Sink[K, V] {
	flushSessions(env, c, olds, next)
	op := &cachedSessionOp[K, V, A]{sessionFold: sessionFold[K, V, A]{env, s, f, -1}, c: c}
	return op.sink(op.process)
}

// cachedSessionOp is the state of one session operator with a cache.
type cachedSessionOp[K, V, A any] struct {
	sessionFold[K, V, A]
	c     *cached.Cache[K, A]
	found []cached.Found[A]
	ctx   cached.Context
}

func (o *cachedSessionOp[K, V, A]) process(r *record.Record[K, V]) (err error) {
	o.found, err = o.c.Sessions(o.found[:0], r.Key, r.Time-o.spec.Gap, r.Time+o.spec.Gap)
	if err != nil {
		return err
	}
	point := serde.Window{Start: r.Time, End: r.Time}
	whole := o.span(point)
	if o.closed(whole.End) {
		return o.rule.tooLate(o.env, r)
	}
	// From here on what was found is absorbed or overwritten, so that merging may
	// change it.
	acc, had, err := o.merge(r.Key)
	if err != nil {
		return err
	}
	setContext(&o.ctx, o.env.Cur, r)
	if whole != point {
		if err := o.absorb(r.Key); err != nil {
			return err
		}
	}
	e, err := o.c.Cell(r.Key, whole)
	if err != nil {
		return err
	}
	return o.rule.keep(o.c, e, o.rule.add(r.Key, r.Value, acc, had), r.Value, whole.End, &o.ctx)
}

// span is the session that w and those that were found become.
func (o *cachedSessionOp[K, V, A]) span(w serde.Window) serde.Window {
	for _, f := range o.found {
		w = around(w, f.Window)
	}
	return w
}

func (o *cachedSessionOp[K, V, A]) merge(k K) (acc A, had bool, err error) {
	acc, had = o.rule.seed()
	for _, f := range o.found {
		a, _, _, err := o.c.Take(f.Entry)
		if err != nil {
			return acc, had, err
		}
		acc, had = o.rule.merge(k, acc, had, a), true
	}
	return acc, had, nil
}

// absorb removes the sessions that were found. Their entries are asked for again,
// because each removal may flush the cache.
func (o *cachedSessionOp[K, V, A]) absorb(k K) error {
	for _, f := range o.found {
		e, err := o.c.Cell(k, f.Window)
		if err == nil {
			err = o.c.Delete(e, &o.ctx)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
