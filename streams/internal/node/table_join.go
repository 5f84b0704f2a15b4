package node

import "github.com/millrace/millrace/streams/record"

// Sides says which sides must have a row for a join of tables to have one.
type Sides struct{ Left, Right bool }

// Swap is the same join seen from the other side.
func (s Sides) Swap() Sides { return Sides{s.Right, s.Left} }

// joins says whether rows that are there or not make a row of the join.
func (s Sides) joins(left, right bool) bool {
	return (left || !s.Left) && (right || !s.Right) && (left || right)
}

// TableJoin takes the changes of the left table of a join and looks the right one
// up; the right table's node has left and right swapped. Both sides of the change
// are joined with the row that the other table has now. The time is the later one
// of change and row. Changes that are not the latest are skipped.
//
// olds says that old values are needed: below, or because the join has rows that
// only this side has. Like Kafka Streams, it sends nothing if there was no row
// before and is none now, as far as the change itself can tell.
func TableJoin[K, V, V2, R any](env *Env, get Lookup[K, V2], need Sides, olds bool, f func(K, record.Opt[V], record.Opt[V2]) R, next Sink[K, Change[R]]) Sink[K, Change[V]] {
	var none R
	out, null := newSlot(next), nullTest[R]()
	join := func(k K, v V, there bool, other record.Opt[V2]) (r R, ok bool) {
		if !need.joins(there, other.OK) {
			return r, false
		}
		r = f(k, record.Opt[V]{V: v, OK: there}, other)
		return r, null == nil || !null(r)
	}
	return func(r *record.Record[K, Change[V]]) error {
		c := &r.Value
		if c.Stale {
			env.Skip(SkipStale)
			return nil
		}
		had := c.Had && olds
		v, time, ok, err := get(r.Key)
		if err != nil || !ok && (need.Right || !c.Has && !had) {
			return err
		}
		follow(out, r)
		if ok {
			out.rec.Time = max(r.Time, time)
		}
		other := record.Opt[V2]{V: v, OK: ok}
		made := &out.rec.Value
		made.New, made.Has = join(r.Key, c.New, c.Has, other)
		made.Old, made.Had = none, false
		if olds {
			made.Old, made.Had = join(r.Key, c.Old, had, other)
		}
		return out.sendAt(env)
	}
}

// TableMerge is where the two sides of a join of tables meet: it keeps the result,
// if it is to be kept.
func TableMerge[K, R any](env *Env, s Keep[K, R], next Sink[K, Change[R]]) Sink[K, Change[R]] {
	keep := s.keeper(env, next)
	if keep == nil {
		return next
	}
	return func(r *record.Record[K, Change[R]]) error { return keep(r.Key, r.Value, r.Time, r.Headers) }
}

// Joined is the look-up of a join of tables that is kept nowhere.
func Joined[K, V, V2, R any](left Lookup[K, V], right Lookup[K, V2], need Sides, f func(K, record.Opt[V], record.Opt[V2]) R) Lookup[K, R] {
	null := nullTest[R]()
	return func(k K) (r R, time int64, ok bool, err error) {
		var l record.Opt[V]
		var o record.Opt[V2]
		var lt, rt int64
		if l.V, lt, l.OK, err = left(k); err != nil {
			return r, 0, false, err
		}
		if o.V, rt, o.OK, err = right(k); err != nil || !need.joins(l.OK, o.OK) {
			return r, 0, false, err
		}
		if !l.OK {
			lt = rt
		}
		if !o.OK {
			rt = lt
		}
		r = f(k, l, o)
		return r, max(lt, rt), null == nil || !null(r), nil
	}
}
