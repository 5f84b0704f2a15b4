package streams

import (
	"github.com/millrace/millrace/streams/internal/node"
	"github.com/millrace/millrace/streams/internal/topo"
	"github.com/millrace/millrace/streams/serde"
)

// Table is the last value of each key: a topic read as one, or the result of an
// aggregation. Where a value is null, the key is not in the table. It is a small
// value that may be copied.
type Table[K, V any] struct {
	h handle[K, V]
	// st is the store that holds the rows, the nearest above if this table has
	// none of its own; get reads a row out of it.
	st  topo.StoreID
	get func(*linking) node.Lookup[K, V]
}

// stored is a table that has a store of its own.
func stored[K, V any](h handle[K, V], st topo.StoreID) Table[K, V] {
	return Table[K, V]{h, st, func(l *linking) node.Lookup[K, V] {
		if l.caches(st) {
			rows := tableCache(l, st, h.ks, h.vs)
			return func(k K) (V, int64, bool, error) { return rows.Get(k, serde.Window{}) }
		}
		return timestamped(l, st, h.ks, h.vs).Get
	}}
}

// owned is the table of a builder, even for a zero value.
func (t Table[K, V]) owned() Table[K, V] {
	if t.get == nil {
		t.h = t.h.owned()
		t.get = func(*linking) node.Lookup[K, V] { return nil }
	}
	return t
}

// Filter keeps the rows for which pred is true. A row that fails is a deletion
// for what comes after.
func (t Table[K, V]) Filter(pred func(K, V) bool, opts ...NodeOption) Table[K, V] {
	return t.filter(pred, false, opts)
}

// FilterNot keeps the rows for which pred is false; see [Table.Filter].
func (t Table[K, V]) FilterNot(pred func(K, V) bool, opts ...NodeOption) Table[K, V] {
	return t.filter(pred, true, opts)
}

func (t Table[K, V]) filter(pred func(K, V) bool, negate bool, opts []NodeOption) Table[K, V] {
	t = t.owned()
	c := declare(t.h.b, "KTABLE-FILTER-", pred == nil, opts, t.h.id)
	above, olds := t.get, t.h.b.graph.Kept(t.st)
	t.h = change(t.h, c, t.h, olds, func(e *node.Env, next node.Sink[K, node.Change[V]]) node.Sink[K, node.Change[V]] {
		return node.TableFilter(e, pred, negate, olds, next)
	})
	t.get = func(l *linking) node.Lookup[K, V] { return node.Filtered(above(l), pred, negate) }
	return t
}

// MapValues replaces the value of each row by f of it. Where V2 is a pointer,
// returning nil deletes the row.
func (t Table[K, V]) MapValues[V2 any](f func(V) V2, opts ...NodeOption) Table[K, V2] {
	t = t.owned()
	c := declare(t.h.b, "KTABLE-MAPVALUES-", f == nil, opts, t.h.id)
	h := change(t.h, c, newValue[V2](t.h, c), false, func(e *node.Env, next node.Sink[K, node.Change[V2]]) node.Sink[K, node.Change[V]] {
		return node.TableMapValues(e, f, next)
	})
	above := t.get
	return Table[K, V2]{h, t.st, func(l *linking) node.Lookup[K, V2] { return node.Mapped(above(l), f) }}
}

// ToStream is the stream of the table's changes; a deleted row is a record
// whose value is null.
func (t Table[K, V]) ToStream(opts ...NodeOption) Stream[K, V] {
	t = t.owned()
	c := declare(t.h.b, "KTABLE-TOSTREAM-", false, opts, t.h.id)
	out := t.h
	out.id = out.b.graph.Operator(c.Call)
	out.b.link(out.id, func(l *linking, id topo.NodeID) {
		input(l, id, node.TableToStream(fan[K, V](l, id)))
	})
	return Stream[K, V]{out}
}

// change declares an operator from table to table. olds says that it looks at old
// values itself; else it needs them only if somebody below does.
func change[K, V, V2 any](h handle[K, V], c call, out handle[K, V2], olds bool,
	make func(*node.Env, node.Sink[K, node.Change[V2]]) node.Sink[K, node.Change[V]]) handle[K, V2] {
	out.b, out.id = h.b, h.b.graph.Operator(c.Call)
	h.b.link(out.id, func(l *linking, id topo.NodeID) {
		l.wantOlds[id] = olds || l.olds(id)
		input(l, id, make(l.env(id), fan[K, node.Change[V2]](l, id)))
	})
	return out
}
