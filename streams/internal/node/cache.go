package node

import (
	"reflect"

	"github.com/millrace/millrace/store/cached"
	"github.com/millrace/millrace/streams/record"
	"github.com/millrace/millrace/streams/serde"
)

// CachedTableSource is [TableSource] with a record cache: of several changes of a
// key between two flushes the last is sent, and the deletion of a key that was not
// there is not sent at all.
func CachedTableSource[K, V any](env *Env, c *cached.Cache[K, V], olds bool, next Sink[K, Change[V]]) Sink[K, V] {
	flushTable(env, c, olds, next)
	var ctx cached.Context
	return func(r *record.Record[K, V]) error {
		if r.NoKey {
			env.Skip(SkipNullKey)
			return nil
		}
		e, err := c.Cell(r.Key, serde.Window{})
		if err != nil {
			return err
		}
		setContext(&ctx, env.Cur, r)
		if r.Null {
			return c.Delete(e, &ctx)
		}
		return c.PutShared(e, r.Value, r.Time, &ctx)
	}
}

// CachedAggregate is [Aggregate] with a record cache: what is sent at a flush is
// the last aggregate and, if olds, the one of the flush before.
func CachedAggregate[K, V, A any](env *Env, c *cached.Cache[K, A], olds bool, init func() A, add func(K, V, A) A, next Sink[K, Change[A]]) Sink[K, V] {
	return cachedFold(env, c, olds, aggregateRule(init, add), next)
}

// CachedReduce is [Reduce] with a record cache; see [CachedAggregate].
func CachedReduce[K, V any](env *Env, c *cached.Cache[K, V], olds bool, f func(acc, v V) V, next Sink[K, Change[V]]) Sink[K, V] {
	return cachedFold(env, c, olds, reduceRule[K](f), next)
}

func cachedFold[K, V, A any](env *Env, c *cached.Cache[K, A], olds bool, f rule[K, V, A], next Sink[K, Change[A]]) Sink[K, V] {
	flushTable(env, c, olds, next)
	var ctx cached.Context
	return func(r *record.Record[K, V]) error {
		if reason := unfit(r, false); reason != "" {
			env.Skip(reason)
			return nil
		}
		setContext(&ctx, env.Cur, r)
		return f.touch(c, r, serde.Window{}, &ctx)
	}
}

// CachedWindowAggregate is [WindowAggregate] with a record cache.
func CachedWindowAggregate[K, V, A any](env *Env, c *cached.Cache[K, A], olds bool, w TimeWindows, init func() A, add func(K, V, A) A, next Sink[serde.Windowed[K], Change[A]]) Sink[K, V] {
	return cachedWindows(env, c, olds, w, aggregateRule(init, add), next)
}

// CachedWindowReduce is [WindowReduce] with a record cache.
func CachedWindowReduce[K, V any](env *Env, c *cached.Cache[K, V], olds bool, w TimeWindows, f func(acc, v V) V, next Sink[serde.Windowed[K], Change[V]]) Sink[K, V] {
	return cachedWindows(env, c, olds, w, reduceRule[K](f), next)
}

func cachedWindows[K, V, A any](env *Env, c *cached.Cache[K, A], olds bool, w TimeWindows, f rule[K, V, A], next Sink[serde.Windowed[K], Change[A]]) Sink[K, V] {
	flushWindows(env, c, olds, next)
	var ctx cached.Context
	return eachWindow(env, w, f.late, func(r *record.Record[K, V], start int64) error {
		setContext(&ctx, env.Cur, r)
		return f.touch(c, r, serde.Window{Start: start}, &ctx)
	})
}

// touch folds a record into the aggregate of its key and window, which may go
// through the aggregator's hands many times before anybody else sees it.
func (f *rule[K, V, A]) touch(c *cached.Cache[K, A], r *record.Record[K, V], w serde.Window, ctx *cached.Context) error {
	e, err := c.Load(r.Key, w)
	if err != nil {
		return err
	}
	acc, time, had, err := c.Take(e)
	if err != nil {
		return err
	}
	if !had {
		acc, had = f.seed()
		time = r.Time
	}
	return f.keep(c, e, f.add(r.Key, r.Value, acc, had), r.Value, max(time, r.Time), ctx)
}

// keep puts what an aggregator returned, having seen v.
func (f *rule[K, V, A]) keep(c *cached.Cache[K, A], e *cached.Entry[A], acc A, v V, time int64, ctx *cached.Context) error {
	switch {
	case f.isNull(acc):
		return c.Delete(e, ctx)
	case f.shared != nil && f.shared(acc, v):
		return c.PutShared(e, acc, time, ctx)
	}
	return c.Put(e, acc, time, ctx)
}

// sharedTest returns the test whether the result of a reduce may be the value that
// it was given, which others have too. It is nil for types that cannot alias.
func sharedTest[V any]() func(acc, v V) bool {
	switch {
	case !cached.Aliases[V]():
		return nil
	case reflect.TypeFor[V]().Kind() == reflect.Pointer:
		return func(acc, v V) bool { return any(acc) == any(v) }
	}
	return func(_, _ V) bool { return true }
}

// setContext notes the record under way, as an entry of a cache keeps it.
func setContext[K, V any](ctx *cached.Context, cur *Current, r *record.Record[K, V]) {
	ctx.Topic, ctx.Partition, ctx.Offset = cur.Topic, cur.Partition, cur.Offset
	ctx.Time, ctx.Headers = r.Time, r.Headers.All()
}
