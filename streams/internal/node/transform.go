package node

import "github.com/millrace/millrace/streams/record"

// Transform makes a row of a table out of a row of the table above, or out of there
// being none; so may it.
type Transform[K, V, V2 any] func(K, record.Opt[V]) (record.Opt[V2], error)

// TransformRows sends each change of a table with what f makes of its new side and
// then, if somebody below needs it and nothing is kept, of its old one: of deletions
// and missing rows, too. A nil that f returns is no row.
func TransformRows[K, V, V2 any](env *Env, f Transform[K, V, V2], keep Keep[K, V2], next Sink[K, Change[V2]]) Sink[K, Change[V]] {
	out, kept := newSlot(next), keep.keeper(env, next)
	f = f.rows()
	return func(r *record.Record[K, Change[V]]) error {
		side, err := f(r.Key, record.Opt[V]{V: r.Value.New, OK: r.Value.Has})
		if err != nil {
			return err
		}
		c := Change[V2]{New: side.V, Has: side.OK, Stale: r.Value.Stale}
		switch {
		case keep.kept():
			c.Old, c.Had, err = keep.old(r.Key)
		case keep.Olds:
			side, err = f(r.Key, record.Opt[V]{V: r.Value.Old, OK: r.Value.Had})
			c.Old, c.Had = side.V, side.OK
		}
		if err != nil {
			return err
		}
		if kept != nil {
			return kept(r.Key, c, r.Time, r.Headers)
		}
		follow(out, r)
		out.rec.Value = c
		return out.send()
	}
}

// rows is f with nil for no row.
func (f Transform[K, V, V2]) rows() Transform[K, V, V2] {
	null := nullTest[V2]()
	if null == nil {
		return f
	}
	return func(k K, v record.Opt[V]) (record.Opt[V2], error) {
		v2, err := f(k, v)
		v2.OK = v2.OK && !null(v2.V)
		return v2, err
	}
}

// Transformed is the look-up of a table made by [TransformRows] that keeps nothing: f
// is called for each, of rows that are not there, too, which have the time -1.
func Transformed[K, V, V2 any](get Lookup[K, V], f Transform[K, V, V2]) Lookup[K, V2] {
	f = f.rows()
	return func(k K) (v2 V2, time int64, ok bool, err error) {
		v, time, ok, err := get(k)
		if err != nil {
			return v2, 0, false, err
		}
		if !ok {
			time = -1
		}
		row, err := f(k, record.Opt[V]{V: v, OK: ok})
		return row.V, time, row.OK && err == nil, err
	}
}
