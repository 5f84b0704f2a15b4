package node

import "github.com/millrace/millrace/streams/record"

// Convert makes a row of a table out of a row of the table above; false is no row.
type Convert[K, V, V2 any] func(K, V) (V2, bool)

// FilterRows keeps the rows for which pred is true, or false if negate.
func FilterRows[K, V any](pred func(K, V) bool, negate bool) Convert[K, V, V] {
	return func(k K, v V) (out V, ok bool) {
		if pred(k, v) != negate {
			return v, true
		}
		return out, false
	}
}

// MapRows replaces the values by f of them. A nil that f returns is no row.
func MapRows[K, V, V2 any](f func(K, V) V2) Convert[K, V, V2] {
	null := nullTest[V2]()
	return func(k K, v V) (V2, bool) {
		v2 := f(k, v)
		return v2, null == nil || !null(v2)
	}
}

// Step is what a table's operator needs to know beside its function.
type Step[K, V any] struct {
	Keep[K, V]
	// Drop leaves out changes that have neither a new nor an old side, as filters do
	// when old values come in.
	Drop bool
	// Versioned says that the table above is versioned. Then Drop leaves out
	// nothing, because what is below may need the deletion for its history.
	Versioned bool
}

// TableStep sends each change of a table with both sides converted; f is not called
// for sides that are not there, nor for old ones that nobody needs.
func TableStep[K, V, V2 any](env *Env, f Convert[K, V, V2], s Step[K, V2], next Sink[K, Change[V2]]) Sink[K, Change[V]] {
	out, keep := newSlot(next), s.keeper(env, next)
	drop := s.Drop && !s.Versioned
	return func(r *record.Record[K, Change[V]]) (err error) {
		c := Change[V2]{Stale: r.Value.Stale}
		if r.Value.Has {
			c.New, c.Has = f(r.Key, r.Value.New)
		}
		switch {
		case s.kept():
			c.Old, c.Had, err = s.old(r.Key)
		case r.Value.Had && (s.Olds || drop):
			c.Old, c.Had = f(r.Key, r.Value.Old)
		}
		if err != nil || drop && !c.Has && !c.Had {
			return err
		}
		if keep != nil {
			return keep(r.Key, c, r.Time, r.Headers)
		}
		follow(out, r)
		out.rec.Value = c
		return out.send()
	}
}
