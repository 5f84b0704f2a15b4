package streams

import (
	"slices"

	"github.com/millrace/millrace/streams/internal/node"
	"github.com/millrace/millrace/streams/internal/topo"
)

const mergeRowsPrefix = "KTABLE-MERGE-"

// Join is the table of what f makes of the rows that both tables have under a key.
// A change on either side makes a change of the result, with the later of the two
// times. Topics of both tables must have the same number of partitions, and both
// tables keep their rows in stores. Where R is a pointer, nil is no row.
func (t Table[K, V]) Join[V2, R any](o Table[K, V2], f func(K, V, V2) R, opts ...JoinOption) Table[K, R] {
	c := declare(t.t.owned().h.b, mergeRowsPrefix, f == nil, opts)
	return Table[K, R]{joinTables(t.t.owned(), o.t.owned(), &c, node.Sides{Left: true, Right: true},
		func(k K, v Opt[V], v2 Opt[V2]) R { return f(k, v.V, v2.V) })}
}

// LeftJoin is Join that has all rows of this table; the other's may be missing.
func (t Table[K, V]) LeftJoin[V2, R any](o Table[K, V2], f func(K, V, Opt[V2]) R, opts ...JoinOption) Table[K, R] {
	c := declare(t.t.owned().h.b, mergeRowsPrefix, f == nil, opts)
	return Table[K, R]{joinTables(t.t.owned(), o.t.owned(), &c, node.Sides{Left: true},
		func(k K, v Opt[V], v2 Opt[V2]) R { return f(k, v.V, v2) })}
}

// OuterJoin is Join that has all rows of both tables; either side may be missing,
// never both.
func (t Table[K, V]) OuterJoin[V2, R any](o Table[K, V2], f func(K, Opt[V], Opt[V2]) R, opts ...JoinOption) Table[K, R] {
	c := declare(t.t.owned().h.b, mergeRowsPrefix, f == nil, opts)
	return Table[K, R]{joinTables(t.t.owned(), o.t.owned(), &c, node.Sides{}, f)}
}

func joinTables[K, V, V2, R any](t tableHandle[K, V], o tableHandle[K, V2], c *call, need node.Sides, f func(K, Opt[V], Opt[V2]) R) tableHandle[K, R] {
	b := t.h.b
	out := tableHandle[K, R]{h: newValue[R](t.h, *c), own: &own[K, R]{}}
	out.h.b = b
	if o.h.b != b {
		c.fail("the other table belongs to another builder")
		return out.owned()
	}
	c.noJoinStores()
	c.Call.Name = c.settings.name
	this, other, merge := b.graph.TableJoin(c.Call,
		topo.Beside{Node: t.h.id, Stores: t.sts}, topo.Beside{Node: o.h.id, Stores: o.sts})
	out.h.id = merge
	out.sts = append(slices.Clone(t.sts), o.sts...)
	out.get = func(l *linking) node.Lookup[K, R] { return node.Joined(t.get(l), o.get(l), need, f) }
	own := out.own
	b.link(merge, func(l *linking, id topo.NodeID) {
		l.wantOlds[id] = l.olds(id)
		input(l, id, node.TableMerge(l.env(id), own.keep(l, id, l.olds(id)), fan[K, node.Change[R]](l, id)))
	})
	joinSide(b, this, need, o.get, f)
	joinSide(b, other, need.Swap(), t.get, func(k K, v2 Opt[V2], v Opt[V]) R { return f(k, v, v2) })
	return out
}

// joinSide links the node that takes one table's changes and looks the other up.
func joinSide[K, V, V2, R any](b *Builder, id topo.NodeID, need node.Sides,
	get func(*linking) node.Lookup[K, V2], f func(K, Opt[V], Opt[V2]) R) {
	b.link(id, func(l *linking, id topo.NodeID) {
		l.wantOlds[id] = !need.Right || l.olds(id)
		input(l, id, node.TableJoin(l.env(id), get(l), need, l.wantOlds[id], f, fan[K, node.Change[R]](l, id)))
	})
}
