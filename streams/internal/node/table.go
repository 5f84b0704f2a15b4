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
