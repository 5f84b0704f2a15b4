package node

import (
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams/record"
)

// GlobalTable keeps the last value of each key, whatever its time; a null deletes.
// Null keys are skipped. Nobody is told.
func GlobalTable[K, V any](env *Env, st *store.TimestampedKV[K, V]) Sink[K, V] {
	return func(r *record.Record[K, V]) error {
		switch {
		case r.NoKey:
			env.Skip(SkipNullKey)
			return nil
		case r.Null:
			return st.Delete(r.Key)
		}
		return st.Put(r.Key, r.Value, r.Time)
	}
}

// JoinGlobal looks up each record in a global table, by a key that key makes of it,
// and sends what f makes of both, with the record's own key and time.
//
// A null value is skipped. A left join calls f with an empty Opt where there is no row
// or no key to look for; an inner join sends nothing, and counts only the missing key.
// A record without key is as good as any other: key decides.
func JoinGlobal[K, V, K2, V2, R any](env *Env, get Lookup[K2, V2], key func(K, V) K2, left bool, f func(K, V, record.Opt[V2]) R, next Sink[K, R]) Sink[K, V] {
	out, null := newSlot(next), nullTest[K2]()
	return func(r *record.Record[K, V]) (err error) {
		if r.Null {
			env.Skip(SkipNullValue)
			return nil
		}
		var row record.Opt[V2]
		k := key(r.Key, r.Value)
		switch {
		case null == nil || !null(k):
			if row.V, _, row.OK, err = get(k); err != nil {
				return err
			}
		case !left:
			env.Skip(SkipNullKey)
			return nil
		}
		if !left && !row.OK {
			return nil
		}
		follow(out, r)
		out.setValue(f(r.Key, r.Value, row))
		return out.send()
	}
}
