package node

import (
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams/record"
)

// Aggregate folds records into one aggregate a key, starting with init's, and
// sends each change. Null keys and null values are skipped. An aggregator that
// returns nil deletes. The first change of a key has init's value as old one, as
// in Kafka Streams.
//
// The aggregator may change its argument in place; what was sent before stays.
func Aggregate[K, V, A any](env *Env, st *store.TimestampedKV[K, A], init func() A, add func(K, V, A) A, next Sink[K, Change[A]]) Sink[K, V] {
	return folded(env, st, aggregateRule(init, add), next)
}

// Reduce is Aggregate with the values' own type: the first value of a key is the
// aggregate, f combines it with those that follow.
func Reduce[K, V any](env *Env, st *store.TimestampedKV[K, V], f func(acc, v V) V, next Sink[K, Change[V]]) Sink[K, V] {
	return folded(env, st, reduceRule[K](f), next)
}

func folded[K, V, A any](env *Env, st *store.TimestampedKV[K, A], f rule[K, V, A], next Sink[K, Change[A]]) Sink[K, V] {
	out := newSlot(next)
	all := cells[K, A](table[K, A]{st})
	return func(r *record.Record[K, V]) error {
		if reason := unfit(r, false); reason != "" {
			env.Skip(reason)
			return nil
		}
		c, time, err := f.update(all, r, 0)
		if err != nil {
			return err
		}
		follow(out, r)
		out.rec.Value, out.rec.Time = c, time
		return out.sendAt(env)
	}
}

// unfit is the reason why a record cannot be aggregated, or "". nulls says that
// null values can.
func unfit[K, V any](r *record.Record[K, V], nulls bool) string {
	switch {
	case r.NoKey:
		return SkipNullKey
	case r.Null && !nulls:
		return SkipNullValue
	}
	return ""
}
