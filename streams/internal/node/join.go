package node

import "github.com/millrace/millrace/streams/record"

// JoinTable looks up each stream record in a table and sends what f makes of
// both, at the stream record's time. get returns the table's value for a key, its
// time in ms and whether there is one.
//
// A null value is skipped. Without a table value, or without a key, a left join
// calls f with an empty Opt; an inner join sends nothing, and counts only the
// missing key. So does Kafka Streams.
func JoinTable[K, V, V2, R any](env *Env, get func(K) (V2, int64, bool, error), left bool, f func(K, V, record.Opt[V2]) R, next Sink[K, R]) Sink[K, V] {
	out := newSlot(next)
	return func(r *record.Record[K, V]) (err error) {
		switch {
		case r.NoKey && !left:
			env.Skip(SkipNullKey)
			return nil
		case r.Null:
			env.Skip(SkipNullValue)
			return nil
		}
		var other record.Opt[V2]
		if !r.NoKey {
			if other.V, _, other.OK, err = get(r.Key); err != nil {
				return err
			}
		}
		if !left && !other.OK {
			return nil
		}
		follow(out, r)
		out.setValue(f(r.Key, r.Value, other))
		return out.send()
	}
}
