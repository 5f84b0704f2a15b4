package node

import "github.com/millrace/millrace/streams/record"

// Filter lets records pass for which pred is true, or false if negate. A null
// value passes without being asked about, unless V has a null to be shown.
func Filter[K, V any](pred func(K, V) bool, negate bool, next Sink[K, V]) Sink[K, V] {
	nulls := nullable[V]()
	return func(r *record.Record[K, V]) error {
		if unseen(r, nulls) || pred(r.Key, r.Value) != negate {
			return next(r)
		}
		return nil
	}
}

// Peek shows each record to f, nulls included, and lets it pass.
func Peek[K, V any](_ *Env, f func(record.Record[K, V]), next Sink[K, V]) Sink[K, V] {
	return func(r *record.Record[K, V]) error {
		f(*r)
		return next(r)
	}
}

// ForEach shows each record to f; nothing comes out. A null value that V cannot
// show is skipped.
func ForEach[K, V any](env *Env, f func(K, V)) Sink[K, V] {
	nulls := nullable[V]()
	return func(r *record.Record[K, V]) error {
		if unseen(r, nulls) {
			env.Skip(SkipNullValue)
			return nil
		}
		f(r.Key, r.Value)
		return nil
	}
}

// DropNullKeys stands before a repartition topic: a record without key belongs
// to no partition. Kafka Streams drops them silently, here they are counted.
func DropNullKeys[K, V any](env *Env, next Sink[K, V]) Sink[K, V] {
	return func(r *record.Record[K, V]) error {
		if r.NoKey {
			env.Skip(SkipNullKey)
			return nil
		}
		return next(r)
	}
}
