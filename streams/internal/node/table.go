package node

import (
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams/record"
	"github.com/millrace/millrace/streams/serde"
)

// TableSource makes changes of a table out of records: it keeps the last value of
// each key, whatever its time, and sends the change with the value before. A null
// deletes, and is sent on even for a key that was not there. Without a store (st
// nil) the old value is unknown. Null keys are skipped.
func TableSource[K, V any](env *Env, st *store.TimestampedKV[K, V], next Sink[K, Change[V]]) Sink[K, V] {
	out := newSlot(next)
	return func(r *record.Record[K, V]) (err error) {
		if r.NoKey {
			env.Skip(SkipNullKey)
			return nil
		}
		c := Change[V]{New: r.Value, Has: !r.Null}
		if st != nil {
			if c.Old, c.Had, err = replace(st, r); err != nil {
				return err
			}
		}
		follow(out, r)
		out.rec.Value = c
		return out.send()
	}
}

// replace stores the record and returns what it replaced.
func replace[K, V any](st *store.TimestampedKV[K, V], r *record.Record[K, V]) (old V, had bool, err error) {
	if old, _, had, err = st.Get(r.Key); err != nil {
		return old, false, err
	}
	if r.Null {
		return old, had, st.Delete(r.Key)
	}
	return old, had, st.Put(r.Key, r.Value, r.Time)
}

// TableFilter keeps the rows for which pred is true, or false if negate. A row
// that fails becomes a deletion. olds says that the old values of the changes
// that come in are known: then a row that failed before and fails again is not
// sent at all. Kafka Streams does both.
func TableFilter[K, V any](_ *Env, pred func(K, V) bool, negate, olds bool, next Sink[K, Change[V]]) Sink[K, Change[V]] {
	out := newSlot(next)
	keeps := func(k K, v V, there bool) bool { return there && pred(k, v) != negate }
	return func(r *record.Record[K, Change[V]]) error {
		var c Change[V]
		in := &r.Value
		if keeps(r.Key, in.New, in.Has) {
			c.New, c.Has = in.New, true
		}
		if keeps(r.Key, in.Old, in.Had) {
			c.Old, c.Had = in.Old, true
		}
		if olds && !c.Has && !c.Had {
			return nil
		}
		follow(out, r)
		out.rec.Value = c
		return out.send()
	}
}

// TableMapValues replaces the values of a table by f of them; f is not called for
// sides of a change that are not there. A nil that f returns deletes the row.
func TableMapValues[K, V, V2 any](_ *Env, f func(V) V2, next Sink[K, Change[V2]]) Sink[K, Change[V]] {
	out, null := newSlot(next), nullTest[V2]()
	mapped := func(v V, there bool) (v2 V2, ok bool) {
		if there {
			v2 = f(v)
			ok = null == nil || !null(v2)
		}
		return v2, ok
	}
	return func(r *record.Record[K, Change[V]]) error {
		c := &out.rec.Value
		c.New, c.Has = mapped(r.Value.New, r.Value.Has)
		c.Old, c.Had = mapped(r.Value.Old, r.Value.Had)
		follow(out, r)
		return out.send()
	}
}

// TableToStream sends the new value of each change; a deletion is a null.
func TableToStream[K, V any](next Sink[K, V]) Sink[K, Change[V]] {
	out := newSlot(next)
	return func(r *record.Record[K, Change[V]]) error {
		follow(out, r)
		setNew(out, &r.Value)
		return out.send()
	}
}

// WindowedToStream is TableToStream for windowed keys, which key turns into those
// of the stream.
func WindowedToStream[K, K2, V any](key func(serde.Windowed[K]) K2, next Sink[K2, V]) Sink[serde.Windowed[K], Change[V]] {
	out := newSlot(next)
	return func(r *record.Record[serde.Windowed[K], Change[V]]) error {
		out.setKey(key(r.Key))
		out.at(r.Time, r.Headers)
		setNew(out, &r.Value)
		return out.send()
	}
}

func setNew[K, V any](s *slot[K, V], c *Change[V]) {
	if c.Has {
		s.setValue(c.New)
	} else {
		s.setNull()
	}
}
