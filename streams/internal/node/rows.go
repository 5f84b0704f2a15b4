package node

import (
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/cached"
	"github.com/millrace/millrace/streams/record"
	"github.com/millrace/millrace/streams/serde"
)

// Rows is where a table keeps its rows: a timestamped store or a versioned one.
type Rows[K, V any] interface {
	// Get returns the latest row of a key and its time in ms.
	Get(K) (v V, time int64, ok bool, err error)
	// Set keeps a row, or its deletion if there is false, from time on. kept is
	// false if the history does not reach back so far; latest is false if a newer
	// row is there already.
	Set(k K, v V, there bool, time int64) (kept, latest bool, err error)
}

// PlainRows are rows of which the last one set counts, whatever its time.
//
// The view is a field and not embedded: the compiler would write a wrapper of each
// of its methods for each pair of types in a program.
type PlainRows[K, V any] struct{ View *store.TimestampedKV[K, V] }

// Get implements Rows.
func (s PlainRows[K, V]) Get(k K) (v V, time int64, ok bool, err error) { return s.View.Get(k) }

// Set implements Rows.
func (s PlainRows[K, V]) Set(k K, v V, there bool, time int64) (kept, latest bool, err error) {
	if !there {
		return true, true, s.View.Delete(k)
	}
	return true, true, s.View.Put(k, v, time)
}

// VersionedRows are rows of which the one with the latest time counts.
type VersionedRows[K, V any] struct{ View *store.Versioned[K, V] }

// Get implements Rows.
func (s VersionedRows[K, V]) Get(k K) (v V, time int64, ok bool, err error) {
	version, ok, err := s.View.Get(k)
	return version.Value, version.From, ok, err
}

// AsOf is a [LookupAsOf].
func (s VersionedRows[K, V]) AsOf(k K, time int64) (v V, from int64, ok bool, err error) {
	version, ok, err := s.View.GetAsOf(k, time)
	return version.Value, version.From, ok, err
}

// Set implements Rows.
func (s VersionedRows[K, V]) Set(k K, v V, there bool, time int64) (kept, latest bool, err error) {
	var validTo int64
	if there {
		validTo, err = s.View.Put(k, v, time)
	} else {
		validTo, err = s.View.PutNull(k, time)
	}
	return validTo != store.NotPut, validTo == store.ValidToUndefined, err
}

// VersionedTableSource is [TableSource] with a versioned store: a record that is
// older than the row is sent as a change that is not the latest, and one that is
// older than the history is not sent at all.
func VersionedTableSource[K, V any](env *Env, rows Rows[K, V], next Sink[K, Change[V]]) Sink[K, V] {
	keep := keeper(env, rows, next)
	return func(r *record.Record[K, V]) (err error) {
		if r.NoKey {
			env.Skip(SkipNullKey)
			return nil
		}
		c := Change[V]{New: r.Value, Has: !r.Null}
		if c.Old, _, c.Had, err = rows.Get(r.Key); err != nil {
			return err
		}
		return keep(r.Key, c, r.Time, r.Headers)
	}
}

// keeper returns what sets the new side of a change and sends the change. One that
// comes too late to be kept is skipped.
func keeper[K, V any](env *Env, rows Rows[K, V], next Sink[K, Change[V]]) func(K, Change[V], int64, *record.Headers) error {
	out := newSlot(next)
	return func(k K, c Change[V], time int64, h *record.Headers) error {
		kept, latest, err := rows.Set(k, c.New, c.Has, time)
		if err != nil {
			return err
		}
		if !kept {
			env.Skip(SkipLate)
			return nil
		}
		out.rec.Key, out.rec.NoKey = k, false
		out.rec.Value = c
		out.rec.Value.Stale = !latest
		out.at(time, h)
		return out.sendAt(env)
	}
}

// cacheKeeper is keeper for rows behind a record cache, which sends the changes when
// it is flushed.
func cacheKeeper[K, V any](env *Env, c *cached.Cache[K, V], olds bool, next Sink[K, Change[V]]) func(K, Change[V], int64, *record.Headers) error {
	flushTable(env, c, olds, next)
	var ctx cached.Context
	return func(k K, change Change[V], time int64, h *record.Headers) error {
		e, err := c.Cell(k, serde.Window{})
		if err != nil {
			return err
		}
		cur := env.Cur
		ctx.Topic, ctx.Partition, ctx.Offset = cur.Topic, cur.Partition, cur.Offset
		ctx.Time, ctx.Headers = time, h.All()
		if !change.Has {
			return c.Delete(e, &ctx)
		}
		return c.PutShared(e, change.New, time, &ctx)
	}
}

// Keep says where an operator of tables keeps its result: in rows, in a cache in
// front of a store, or nowhere.
type Keep[K, V any] struct {
	Rows  Rows[K, V]
	Cache *cached.Cache[K, V]
	// Olds says that somebody below needs old values.
	Olds bool
}

// old reads the row that a change replaces, if anybody asks.
func (s Keep[K, V]) old(k K) (v V, ok bool, err error) {
	switch {
	case !s.Olds:
	case s.Cache != nil:
		v, _, ok, err = s.Cache.Get(k, serde.Window{})
	case s.Rows != nil:
		v, _, ok, err = s.Rows.Get(k)
	}
	return v, ok, err
}

// keeper is what keeps the result and sends it on; nil if it is kept nowhere.
func (s Keep[K, V]) keeper(env *Env, next Sink[K, Change[V]]) func(K, Change[V], int64, *record.Headers) error {
	switch {
	case s.Cache != nil:
		return cacheKeeper(env, s.Cache, s.Olds, next)
	case s.Rows != nil:
		return keeper(env, s.Rows, next)
	}
	return nil
}

// kept says whether the result is kept at all.
func (s Keep[K, V]) kept() bool { return s.Cache != nil || s.Rows != nil }
