package node

import (
	"errors"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/format"
	"github.com/millrace/millrace/streams/record"
)

// JoinTable looks up each stream record in a table and sends what f makes of
// both, at the stream record's time. get returns the table's value for a key, its
// time in ms and whether there is one.
//
// A null value is skipped. Without a table value, or without a key, a left join
// calls f with an empty Opt; an inner join sends nothing, and counts only the
// missing key. So does Kafka Streams.
func JoinTable[K, V, V2, R any](env *Env, get func(K) (V2, int64, bool, error), left bool, f func(K, V, record.Opt[V2]) R, next Sink[K, R]) Sink[K, V] {
	return JoinTableAsOf(env, func(k K, _ int64) (V2, int64, bool, error) { return get(k) }, left, f, next)
}

// JoinTableAsOf is JoinTable for a versioned table: rows are looked up as of the
// record's time.
func JoinTableAsOf[K, V, V2, R any](env *Env, get LookupAsOf[K, V2], left bool, f func(K, V, record.Opt[V2]) R, next Sink[K, R]) Sink[K, V] {
	join := lookUp(get, left, f, next)
	return func(r *record.Record[K, V]) error {
		if reason := unjoinable(r, left); reason != "" {
			env.Skip(reason)
			return nil
		}
		return join(r)
	}
}

// unjoinable is the reason why a record cannot be joined with a table, or "".
func unjoinable[K, V any](r *record.Record[K, V], left bool) string {
	switch {
	case r.NoKey && !left:
		return SkipNullKey
	case r.Null:
		return SkipNullValue
	}
	return ""
}

func lookUp[K, V, V2, R any](get LookupAsOf[K, V2], left bool, f func(K, V, record.Opt[V2]) R, next Sink[K, R]) Sink[K, V] {
	out := newSlot(next)
	return func(r *record.Record[K, V]) (err error) {
		var other record.Opt[V2]
		if !r.NoKey {
			if other.V, _, other.OK, err = get(r.Key, r.Time); err != nil {
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

var errNullKey = errors.New("a record without key cannot wait for a join with grace; filter such records out in front of it")

// JoinTableLater is JoinTableAsOf that holds each record back until the stream has
// come a grace period further; one that is so late already is joined at once. The
// record's own context is the current one while it is joined.
func JoinTableLater[K, V, V2, R any](env *Env, held *store.GraceBuffer[K, V], get LookupAsOf[K, V2], left bool, f func(K, V, record.Opt[V2]) R, next Sink[K, R]) Sink[K, V] {
	join := lookUp(get, left, f, next)
	out := newSlot(join)
	emit := func(d store.Delayed[K, V]) error {
		before, now := *env.Cur, env.at(d.Context.Time)
		resume(env.Cur, &d.Context)
		out.rec.Key, out.rec.Value = d.Key, d.Value
		out.hd.Reset(d.Context.Headers)
		out.rec.Time, out.rec.Headers = d.Context.Time, &out.hd
		err := out.send()
		*env.Cur = before
		env.at(now)
		return err
	}
	return func(r *record.Record[K, V]) error {
		if reason := unjoinable(r, left); reason != "" {
			env.Skip(reason)
			return nil
		}
		if r.NoKey {
			return errNullKey
		}
		kept, err := held.Put(store.Delayed[K, V]{Key: r.Key, Value: r.Value, Context: contextOf(env.Cur, r)})
		if err == nil && !kept {
			err = join(r)
		}
		if err != nil {
			return err
		}
		return held.Release(emit)
	}
}

// contextOf is what a buffer keeps of where a record came from.
func contextOf[K, V any](cur *Current, r *record.Record[K, V]) format.Context {
	return format.Context{Time: r.Time, Offset: cur.Offset, Topic: cur.Topic, Partition: cur.Partition, Headers: r.Headers.All()}
}

// resume makes a kept context the current one.
func resume(cur *Current, c *format.Context) {
	cur.Topic, cur.Partition, cur.Offset, cur.Time, cur.Headers = c.Topic, c.Partition, c.Offset, c.Time, c.Headers
}
