package streams

import (
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams/internal/node"
	"github.com/millrace/millrace/streams/internal/topo"
	"github.com/millrace/millrace/streams/serde"
)

// Table is the last value of each key: a topic read as one, or the result of an
// aggregation. Where a value is null, the key is not in the table. It is a small
// value that may be copied.
type Table[K, V any] struct{ t tableHandle[K, V] }

// Filter keeps the rows for which pred is true. A row that fails is a deletion
// for what comes after. pred is called for the old value of a row too, where an
// operator below needs it.
func (t Table[K, V]) Filter(pred func(K, V) bool, opts ...NodeOption) Table[K, V] {
	return Table[K, V]{tableFilter(t.t.owned(), pred, false, opts)}
}

// FilterNot keeps the rows for which pred is false; see [Table.Filter].
func (t Table[K, V]) FilterNot(pred func(K, V) bool, opts ...NodeOption) Table[K, V] {
	return Table[K, V]{tableFilter(t.t.owned(), pred, true, opts)}
}

// MapValues replaces the value of each row by f of it. Where V2 is a pointer,
// returning nil deletes the row.
func (t Table[K, V]) MapValues[V2 any](f func(V) V2, opts ...NodeOption) Table[K, V2] {
	c := declare(t.t.owned().h.b, mapRowsPrefix, f == nil, opts)
	return Table[K, V2]{tableMap(t.t.owned(), c, func(_ K, v V) V2 { return f(v) })}
}

// MapValuesKeyed is MapValues for a function that sees the key as well.
func (t Table[K, V]) MapValuesKeyed[V2 any](f func(K, V) V2, opts ...NodeOption) Table[K, V2] {
	c := declare(t.t.owned().h.b, mapRowsPrefix, f == nil, opts)
	return Table[K, V2]{tableMap(t.t.owned(), c, f)}
}

// Materialize keeps the rows that the operator just above made in a store of their
// own, with vs for the values: As names the store, which has a changelog topic and
// can be queried. Without As there is no store and only the serde counts.
func (t Table[K, V]) Materialize(vs serde.Serde[V], opts ...StoreOption) Table[K, V] {
	h := t.t.owned()
	c := declare(h.b(), "MATERIALIZE-", false, opts)
	c.needs(vs != nil)
	return Table[K, V]{h.materialize(&c, vs)}
}

// ToStream is the stream of the table's changes; a deleted row is a record
// whose value is null.
func (t Table[K, V]) ToStream(opts ...NodeOption) Stream[K, V] {
	h := t.t.owned().h
	c := declare(h.b, "KTABLE-TOSTREAM-", false, opts, h.id)
	out := h
	out.id = out.b.graph.Operator(c.Call)
	out.b.link(out.id, func(l *linking, id topo.NodeID) {
		input(l, id, node.TableToStream(fan[K, V](l, id)))
	})
	return Stream[K, V]{out}
}

// stored is a table that has a store of its own.
func stored[K, V any](h handle[K, V], st topo.StoreID, versioned bool) Table[K, V] {
	return Table[K, V]{storedHandle(h, st, versioned)}
}

// tableHandle is what Table, WindowedTable and their kin have in common. Like
// handle it names no DSL type.
type tableHandle[K, V any] struct {
	h handle[K, V]
	// sts are the stores that a look-up reads: the table's own, or the nearest above
	// if it has none.
	sts []topo.StoreID
	// get reads a row; asOf that of a time, and is nil unless the table is versioned.
	get  func(*linking) node.Lookup[K, V]
	asOf func(*linking) node.LookupAsOf[K, V]
	// olds says that old values come in any case.
	olds bool
	// own is filled in by Materialize; nil where the operator has its store anyway.
	own *own[K, V]
}

// own is the store that Materialize gave to an operator, shared with its link.
type own[K, V any] struct {
	given bool
	// late says that the operator keeps its rows itself, once st comes to life.
	late bool
	st   topo.StoreID
	ks   serde.Serde[K]
	vs   serde.Serde[V]
}

func (t tableHandle[K, V]) b() *Builder { return t.h.b }

// owned is the table of a builder, even for a zero value.
func (t tableHandle[K, V]) owned() tableHandle[K, V] {
	if t.get == nil {
		t.h = t.h.owned()
		t.get = func(*linking) node.Lookup[K, V] { return nil }
	}
	return t
}

// need brings the stores to life that look-ups and old values come from.
func (t tableHandle[K, V]) need() {
	for _, st := range t.sts {
		t.h.b.graph.Need(st)
	}
}

// keeps says whether old values come without anybody asking for a store.
func (t tableHandle[K, V]) keeps() bool {
	for _, st := range t.sts {
		if !t.h.b.graph.Kept(st) {
			return false
		}
	}
	return t.olds || len(t.sts) > 0
}

// storedHandle is the handle of a table with a store.
func storedHandle[K, V any](h handle[K, V], st topo.StoreID, versioned bool) tableHandle[K, V] {
	t := tableHandle[K, V]{h: h, sts: []topo.StoreID{st}}
	t.get = func(l *linking) node.Lookup[K, V] { return rowsOf(l, st, h.ks, h.vs) }
	if versioned {
		t.asOf = func(l *linking) node.LookupAsOf[K, V] { return versions(l, st, h.ks, h.vs).AsOf }
	}
	return t
}

// materialize gives the table's operator a store.
func (t tableHandle[K, V]) materialize(c *call, vs serde.Serde[V]) tableHandle[K, V] {
	if t.own == nil || t.own.given {
		c.fail("the table has a store already, or comes from no operator that could have one")
		return t
	}
	t.h.vs = vs
	decl := c.store(c.tableKind(), c.b.graph.Node(t.h.id).Prefix+storePrefix)
	decl.Lazy = c.settings.name == ""
	t.own.given = true
	if t.own.late {
		return t.keepLate(c, decl)
	}
	st, _ := c.b.graph.Materialize(t.h.id, decl)
	if decl.Lazy {
		return t
	}
	t.h.ks = t.h.keySerde(c)
	t.own.st, t.own.ks, t.own.vs = st, t.h.ks, t.h.vs
	return storedHandle(t.h, st, decl.Spec.Kind == store.KindVersioned)
}

// keepLate tells an operator that keeps its rows itself how.
func (t tableHandle[K, V]) keepLate(c *call, decl topo.StoreDecl) tableHandle[K, V] {
	c.b.graph.Respecify(t.own.st, decl)
	t.own.vs = t.h.vs
	out := storedHandle(t.h, t.own.st, decl.Spec.Kind == store.KindVersioned)
	out.own = t.own
	return out
}
