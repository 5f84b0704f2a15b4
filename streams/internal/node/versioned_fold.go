package node

import "github.com/millrace/millrace/streams/record"

// VersionedFold is [Fold] with a versioned store. An aggregate has the latest time of
// what it is made of, so that none is out of order; one that is older than the history
// of the store, because its key slept while others went on, is not kept and not sent.
func VersionedFold[K, V, A any](env *Env, rows Rows[K, A], f Rule[K, V, A], next Sink[K, Change[A]]) Sink[K, V] {
	keep := keeper(env, rows, next)
	return func(r *record.Record[K, V]) error {
		if reason := unfit(r, false); reason != "" {
			env.Skip(reason)
			return nil
		}
		acc, time, had, err := rows.Get(r.Key)
		if err != nil {
			return err
		}
		if !had {
			acc, had = f.seed()
			time = r.Time
		}
		c := Change[A]{Old: acc, Had: had}
		if f.alias && had {
			if c.Old, err = f.apartOf(rows, r.Key); err != nil {
				return err
			}
		}
		c.New = f.add(r.Key, r.Value, acc, had)
		c.Has = !f.isNull(c.New)
		return keep(r.Key, c, max(time, r.Time), r.Headers)
	}
}

// apartOf is apart for rows.
func (f *rule[K, V, A]) apartOf(rows Rows[K, A], k K) (A, error) {
	old, _, ok, err := rows.Get(k)
	if err == nil && !ok {
		old, _ = f.seed()
	}
	return old, err
}
