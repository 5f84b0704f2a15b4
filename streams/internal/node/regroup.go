package node

import (
	"github.com/millrace/millrace/store/cached"
	"github.com/millrace/millrace/store/format"
	"github.com/millrace/millrace/streams/record"
	"github.com/millrace/millrace/streams/serde"
)

// Regroup gives the rows of a table other keys and values. A change within one
// group stays one change; one that moves a row is sent as its removal from the old
// group, then its addition to the new one. Rows that get a null key or value are in
// no group. Keys are compared by what ks writes. Changes that are not the latest
// are left out, uncounted as in Kafka Streams.
func Regroup[K, V, K2, V2 any](_ *Env, f func(K, V) (K2, V2), ks serde.Serde[K2], next Sink[K2, Change[V2]]) Sink[K, Change[V]] {
	out := newSlot(next)
	null, same := nullTest[V2](), sameKey(ks)
	place := func(k K, v V, there bool) (k2 K2, v2 V2, ok bool) {
		if !there {
			return k2, v2, false
		}
		k2, v2 = f(k, v)
		return k2, v2, (out.noKey == nil || !out.noKey(k2)) && (null == nil || !null(v2))
	}
	send := func(k K2, c Change[V2], r *record.Record[K, Change[V]]) error {
		out.rec.Key, out.rec.Value = k, c
		out.at(r.Time, r.Headers)
		return out.send()
	}
	return func(r *record.Record[K, Change[V]]) error {
		if r.Value.Stale {
			return nil
		}
		newKey, added, has := place(r.Key, r.Value.New, r.Value.Has)
		oldKey, removed, had := place(r.Key, r.Value.Old, r.Value.Had)
		if has && had {
			if stays, err := same(oldKey, newKey); err != nil || stays {
				if err != nil {
					return err
				}
				return send(newKey, Change[V2]{New: added, Old: removed, Has: true, Had: true}, r)
			}
		}
		if had {
			if err := send(oldKey, Change[V2]{Old: removed, Had: true}, r); err != nil {
				return err
			}
		}
		if has {
			return send(newKey, Change[V2]{New: added, Has: true}, r)
		}
		return nil
	}
}

// sameKey compares two keys as Kafka sees them.
func sameKey[K any](ks serde.Serde[K]) func(a, b K) (bool, error) {
	var buf [2][]byte
	return func(a, b K) (same bool, err error) {
		if buf[0], err = ks.Append(buf[0][:0], a); err == nil {
			buf[1], err = ks.Append(buf[1][:0], b)
		}
		return string(buf[0]) == string(buf[1]), err
	}
}

// Changes is the serde of changes in the repartition topic of a table's grouping.
// It has buffers of its own: each task makes one for each node.
func Changes[V any](vs serde.Serde[V]) serde.Serde[Change[V]] { return &changes[V]{vs: vs} }

type changes[V any] struct {
	vs       serde.Serde[V]
	old, new []byte
}

// Append writes the sides that are there.
func (s *changes[V]) Append(dst []byte, c Change[V]) (_ []byte, err error) {
	old, err := s.side(&s.old, c.Old, c.Had)
	if err != nil {
		return dst, err
	}
	new, err := s.side(&s.new, c.New, c.Has)
	if err != nil {
		return dst, err
	}
	return format.AppendChange(dst, old, new)
}

func (s *changes[V]) side(buf *[]byte, v V, there bool) (_ []byte, err error) {
	if !there {
		return nil, nil
	}
	if *buf == nil {
		*buf = make([]byte, 0, 64) // an empty value is no missing one
	}
	*buf, err = s.vs.Append((*buf)[:0], v)
	return *buf, err
}

// Decode reads them back; the values own their bytes.
func (s *changes[V]) Decode(b []byte) (c Change[V], err error) {
	old, new, err := format.ParseChange(b)
	if err != nil {
		return c, err
	}
	if old != nil {
		c.Had = true
		if c.Old, err = s.vs.Decode(old); err != nil {
			return c, err
		}
	}
	if new != nil {
		c.Has = true
		c.New, err = s.vs.Decode(new)
	}
	return c, err
}

// TableAggregate keeps one aggregate a group of a regrouped table. A change takes
// its old side out with sub, if there is an aggregate, then puts its new side in
// with add; a group without aggregate begins with init's. An aggregator that
// returns nil deletes. Both may change their argument in place.
func TableAggregate[K, V, A any](env *Env, s Keep[K, A], init func() A, add, sub func(K, V, A) A, next Sink[K, Change[A]]) Sink[K, Change[V]] {
	return regrouped(env, s, aggregateRule(init, add), sub, next)
}

// TableReduce is TableAggregate with the values' own type: the first value of a
// group is the aggregate.
func TableReduce[K, V any](env *Env, s Keep[K, V], add, sub func(acc, v V) V, next Sink[K, Change[V]]) Sink[K, Change[V]] {
	return regrouped(env, s, reduceRule[K](add), func(_ K, v, acc V) V { return sub(acc, v) }, next)
}

func regrouped[K, V, A any](env *Env, s Keep[K, A], f rule[K, V, A], sub func(K, V, A) A, next Sink[K, Change[A]]) Sink[K, Change[V]] {
	if s.Cache != nil {
		return cachedRegrouped(env, s, f, sub, next)
	}
	keep := s.keeper(env, next)
	return func(r *record.Record[K, Change[V]]) error {
		acc, before, had, err := s.Rows.Get(r.Key)
		if err != nil {
			return err
		}
		c := Change[A]{Old: acc, Had: had}
		if had && f.alias {
			if c.Old, _, _, err = s.Rows.Get(r.Key); err != nil {
				return err
			}
		}
		c.New, c.Has = f.exchange(r, sub, acc, had)
		return keep(r.Key, c, f.exchanged(r, before, had), r.Headers)
	}
}

func cachedRegrouped[K, V, A any](env *Env, s Keep[K, A], f rule[K, V, A], sub func(K, V, A) A, next Sink[K, Change[A]]) Sink[K, Change[V]] {
	flushTable(env, s.Cache, s.Olds, next)
	var ctx cached.Context
	return func(r *record.Record[K, Change[V]]) error {
		e, err := s.Cache.Load(r.Key, serde.Window{})
		if err != nil {
			return err
		}
		acc, before, had, err := s.Cache.Take(e)
		if err != nil {
			return err
		}
		setContext(&ctx, env.Cur, r)
		acc, has := f.exchange(r, sub, acc, had)
		if !has {
			return s.Cache.Delete(e, &ctx)
		}
		return f.keep(s.Cache, e, acc, r.Value.New, f.exchanged(r, before, had), &ctx)
	}
}

// exchange takes the old side of a change out of an aggregate and puts the new in.
func (f *rule[K, V, A]) exchange(r *record.Record[K, Change[V]], sub func(K, V, A) A, acc A, had bool) (A, bool) {
	if r.Value.Had && had {
		acc = sub(r.Key, r.Value.Old, acc)
		had = !f.isNull(acc)
	}
	if !r.Value.Has {
		return acc, had
	}
	if !had {
		acc, had = f.seed()
	}
	acc = f.add(r.Key, r.Value.New, acc, had)
	return acc, !f.isNull(acc)
}

// exchanged is the time of the result: that of the aggregate before if it is later.
func (f *rule[K, V, A]) exchanged(r *record.Record[K, Change[V]], before int64, had bool) int64 {
	if had && (r.Value.Had || r.Value.Has) {
		return max(r.Time, before)
	}
	return r.Time
}
