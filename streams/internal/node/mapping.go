package node

import "github.com/millrace/millrace/streams/record"

// MapValues replaces each value by f of it. A null value stays null and f is not
// called, unless V has a null to be shown; f makes a null by returning nil.
func MapValues[K, V, V2 any](env *Env, f func(V) V2, next Sink[K, V2]) Sink[K, V] {
	return MapValuesKeyed(env, func(_ K, v V) V2 { return f(v) }, next)
}

// MapValuesKeyed is MapValues for a function that sees the key as well.
func MapValuesKeyed[K, V, V2 any](_ *Env, f func(K, V) V2, next Sink[K, V2]) Sink[K, V] {
	out, nulls := newSlot(next), nullable[V]()
	return func(r *record.Record[K, V]) error {
		follow(out, r)
		if unseen(r, nulls) {
			out.setNull()
		} else {
			out.setValue(f(r.Key, r.Value))
		}
		return out.send()
	}
}

// Map replaces each record's key and value by those that f returns. A null value
// that V cannot show is skipped.
func Map[K, V, K2, V2 any](env *Env, f func(K, V) (K2, V2), next Sink[K2, V2]) Sink[K, V] {
	out, nulls := newSlot(next), nullable[V]()
	return func(r *record.Record[K, V]) error {
		if unseen(r, nulls) {
			env.Skip(SkipNullValue)
			return nil
		}
		k, v := f(r.Key, r.Value)
		out.setKey(k)
		out.setValue(v)
		out.at(r.Time, r.Headers)
		return out.send()
	}
}

// SelectKey gives each record the key that f returns. A null value that V cannot
// show is skipped.
func SelectKey[K, V, K2 any](env *Env, f func(K, V) K2, next Sink[K2, V]) Sink[K, V] {
	return Map(env, func(k K, v V) (K2, V) { return f(k, v), v }, next)
}

// FlatMap sends a record for each call of yield, in that order. After an error
// further calls do nothing. A null value that V cannot show is skipped.
func FlatMap[K, V, K2, V2 any](env *Env, f func(k K, v V, yield func(K2, V2)), next Sink[K2, V2]) Sink[K, V] {
	out, nulls := newSlot(next), nullable[V]()
	// One yield a task, not a closure a record: it reads the record from here.
	var cur *record.Record[K, V]
	var fault error
	yield := func(k K2, v V2) {
		if fault != nil {
			return
		}
		out.setKey(k)
		out.setValue(v)
		out.at(cur.Time, cur.Headers)
		fault = out.send()
	}
	return func(r *record.Record[K, V]) error {
		if unseen(r, nulls) {
			env.Skip(SkipNullValue)
			return nil
		}
		cur, fault = r, nil
		f(r.Key, r.Value, yield)
		return fault
	}
}

// FlatMapValues sends a record with the same key for each value that f returns.
// A null value that V cannot show is skipped.
func FlatMapValues[K, V, V2 any](env *Env, f func(V) []V2, next Sink[K, V2]) Sink[K, V] {
	out, nulls := newSlot(next), nullable[V]()
	return func(r *record.Record[K, V]) error {
		if unseen(r, nulls) {
			env.Skip(SkipNullValue)
			return nil
		}
		for _, v := range f(r.Value) {
			follow(out, r)
			out.setValue(v)
			if err := out.send(); err != nil {
				return err
			}
		}
		return nil
	}
}
