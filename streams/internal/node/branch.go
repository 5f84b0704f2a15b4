package node

import "github.com/millrace/millrace/streams/record"

// Branch is one way out of a split: what pred is true for. A nil pred takes what
// no other branch has taken.
type Branch[K, V any] struct {
	Pred func(K, V) bool
	Next Sink[K, V]
}

// Split sends each record to the first branch whose predicate is true for it, and
// to no other. What fits nowhere is left out, silently as in Kafka Streams. A null
// value that V cannot show fits only the branch without a predicate; if there is
// none it is skipped.
func Split[K, V any](env *Env, branches []Branch[K, V]) Sink[K, V] {
	nulls := nullable[V]()
	var rest Sink[K, V]
	for i, b := range branches {
		if b.Pred == nil {
			rest, branches = b.Next, append(branches[:i:i], branches[i+1:]...)
			break
		}
	}
	return func(r *record.Record[K, V]) error {
		hidden := unseen(r, nulls)
		if !hidden {
			for i := range branches {
				if branches[i].Pred(r.Key, r.Value) {
					return branches[i].Next(r)
				}
			}
		}
		switch {
		case rest != nil:
			return rest(r)
		case hidden:
			env.Skip(SkipNullValue)
		}
		return nil
	}
}

// MapNullable is [MapValues] for a function that sees nulls: ok says whether there
// is a value.
func MapNullable[K, V, V2 any](_ *Env, f func(v V, ok bool) V2, next Sink[K, V2]) Sink[K, V] {
	out := newSlot(next)
	return func(r *record.Record[K, V]) error {
		follow(out, r)
		out.setValue(f(r.Value, !r.Null))
		return out.send()
	}
}

// FlatMapValuesKeyed is [FlatMapValues] for a function that sees the key as well.
func FlatMapValuesKeyed[K, V, V2 any](env *Env, f func(K, V) []V2, next Sink[K, V2]) Sink[K, V] {
	out, nulls := newSlot(next), nullable[V]()
	return func(r *record.Record[K, V]) error {
		if unseen(r, nulls) {
			env.Skip(SkipNullValue)
			return nil
		}
		for _, v := range f(r.Key, r.Value) {
			follow(out, r)
			out.setValue(v)
			if err := out.send(); err != nil {
				return err
			}
		}
		return nil
	}
}
