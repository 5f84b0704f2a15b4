package streams

import (
	"github.com/millrace/millrace/streams/internal/node"
	"github.com/millrace/millrace/streams/serde"
)

// TableOf is a windowed table as a table whose keys are windowed, for what only tables
// have, such as joins by a foreign key. Each result is a row; windows that the store
// has forgotten are rows no more for those who look, but nobody is told.
func TableOf[K, V any](t WindowedTable[K, V]) Table[Windowed[K], V] {
	return Table[Windowed[K], V]{t.h.table()}
}

// Materialize keeps the results that the operator just above made in a store of their
// own, under their windowed keys; see [Table.Materialize]. That store forgets nothing
// by itself. An aggregation by windows has its store anyway.
func (t WindowedTable[K, V]) Materialize(vs serde.Serde[V], opts ...StoreOption) WindowedTable[K, V] {
	rows := t.h.table()
	c := declare(rows.h.b, "MATERIALIZE-", false, opts)
	c.needs(vs != nil)
	return WindowedTable[K, V]{windowed(t.h, rows.materialize(&c, vs))}
}

// Join is the table of what f makes of the results that both tables have under a key
// and window; see [Table.Join]. Windows meet that begin and end at the same time.
func (t WindowedTable[K, V]) Join[V2, R any](o WindowedTable[K, V2], f func(Windowed[K], V, V2) R, opts ...JoinOption) WindowedTable[K, R] {
	rows := t.h.table()
	c := declare(rows.h.b, mergeRowsPrefix, f == nil, opts)
	return WindowedTable[K, R]{joinWindowed(t.h, o.h, joinTables(rows, o.h.table(), &c, node.Sides{Left: true, Right: true},
		func(k Windowed[K], v Opt[V], v2 Opt[V2]) R { return f(k, v.V, v2.V) }))}
}

// LeftJoin is Join that has all results of this table; the other's may be missing.
func (t WindowedTable[K, V]) LeftJoin[V2, R any](o WindowedTable[K, V2], f func(Windowed[K], V, Opt[V2]) R, opts ...JoinOption) WindowedTable[K, R] {
	rows := t.h.table()
	c := declare(rows.h.b, mergeRowsPrefix, f == nil, opts)
	return WindowedTable[K, R]{joinWindowed(t.h, o.h, joinTables(rows, o.h.table(), &c, node.Sides{Left: true},
		func(k Windowed[K], v Opt[V], v2 Opt[V2]) R { return f(k, v.V, v2) }))}
}

// OuterJoin is Join that has all results of both tables; either side may be missing,
// never both.
func (t WindowedTable[K, V]) OuterJoin[V2, R any](o WindowedTable[K, V2], f func(Windowed[K], Opt[V], Opt[V2]) R, opts ...JoinOption) WindowedTable[K, R] {
	rows := t.h.table()
	c := declare(rows.h.b, mergeRowsPrefix, f == nil, opts)
	return WindowedTable[K, R]{joinWindowed(t.h, o.h, joinTables(rows, o.h.table(), &c, node.Sides{}, f))}
}

// joinWindowed is windowed for a join: its windows close when those of both sides have.
func joinWindowed[K, V, V2, R any](t windowedHandle[K, V], o windowedHandle[K, V2], made tableHandle[Windowed[K], R]) windowedHandle[K, R] {
	out := windowed(t, made)
	out.closes = max(t.closes, o.closes)
	return out
}
