package streams

import (
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams/internal/node"
	"github.com/millrace/millrace/streams/internal/topo"
	"github.com/millrace/millrace/streams/serde"
)

// GroupedTable is a table whose rows are grouped by a new key, to be aggregated. A
// row that changes is taken out of its group and put into the one where it belongs
// now, so that aggregates need a way back.
type GroupedTable[K, V any] struct{ g tableGrouping[K, V] }

// tableGrouping is a regrouped table; it names no DSL type.
type tableGrouping[K, V any] struct {
	// h is the node that regroups; what it sends are changes.
	h     handle[K, V]
	topic *groupTopic
}

// GroupBy groups the rows by a new key, with a new value; ks and vs write them to
// the repartition topic that they always go through. Rows for which f returns a nil
// key or value are in no group.
func (t Table[K, V]) GroupBy[K2, V2 any](f func(K, V) (K2, V2), ks serde.Serde[K2], vs serde.Serde[V2], opts ...RepartitionOption) GroupedTable[K2, V2] {
	c := declare(t.t.owned().h.b, "KTABLE-SELECT-", f == nil, opts)
	return GroupedTable[K2, V2]{regroup(t.t.owned(), c, f, ks, vs)}
}

func regroup[K, V, K2, V2 any](t tableHandle[K, V], c call, f func(K, V) (K2, V2), ks serde.Serde[K2], vs serde.Serde[V2]) tableGrouping[K2, V2] {
	if ks == nil || vs == nil {
		c.fail("a serde is nil")
	}
	t.need()
	c.Parents = []topo.NodeID{t.h.id}
	h := newBoth[K2, V2](c)
	h.b, h.id, h.ks, h.vs = t.h.b, t.h.b.graph.Operator(c.Call), ks, vs
	h.b.link(h.id, func(l *linking, id topo.NodeID) {
		l.wantOlds[id] = true
		input(l, id, node.Regroup(l.env(id), f, ks, fan[K2, node.Change[V2]](l, id)))
	})
	return tableGrouping[K2, V2]{h, &groupTopic{name: c.settings.name, partitions: c.partitions}}
}

func (g tableGrouping[K, V]) owned() tableGrouping[K, V] {
	g.h = g.h.owned()
	if g.topic == nil {
		g.topic = &groupTopic{}
	}
	return g
}

const (
	tableAggregatePrefix = "KTABLE-AGGREGATE-"
	tableReducePrefix    = "KTABLE-REDUCE-"
)

// Count counts the rows of each group.
func (g GroupedTable[K, V]) Count(opts ...StoreOption) Table[K, int64] {
	gr := g.g.owned()
	c := declare(gr.h.b, tableAggregatePrefix, false, opts)
	less := func(_ K, _ V, n int64) int64 { return n - 1 }
	return Table[K, int64]{tableAggregate(gr, &c, none, count[K, V], less, serde.Int64)}
}

// Reduce combines the values of each group: the first is kept, add combines what is
// there with the next, sub takes one out again.
func (g GroupedTable[K, V]) Reduce(add, sub func(acc, v V) V, opts ...StoreOption) Table[K, V] {
	gr := g.g.owned()
	c := declare(gr.h.b, tableReducePrefix, add == nil || sub == nil, opts)
	return Table[K, V]{tableFold(gr, &c, gr.h.vs, func(e *node.Env, s node.Keep[K, V], next node.Sink[K, node.Change[V]]) node.Sink[K, node.Change[V]] {
		return node.TableReduce(e, s, add, sub, next)
	})}
}

// Aggregate folds the values of each group into one of another type: init makes the
// first, add puts a row in and sub takes one out again. Both may change their
// argument in place. Where A is a pointer, returning nil deletes.
func (g GroupedTable[K, V]) Aggregate[A any](init func() A, add, sub func(K, V, A) A, vs serde.Serde[A], opts ...StoreOption) Table[K, A] {
	gr := g.g.owned()
	c := declare(gr.h.b, tableAggregatePrefix, init == nil || add == nil || sub == nil, opts)
	return Table[K, A]{tableAggregate(gr, &c, init, add, sub, vs)}
}

func tableAggregate[K, V, A any](g tableGrouping[K, V], c *call, init func() A, add, sub func(K, V, A) A, vs serde.Serde[A]) tableHandle[K, A] {
	return tableFold(g, c, vs, func(e *node.Env, s node.Keep[K, A], next node.Sink[K, node.Change[A]]) node.Sink[K, node.Change[V]] {
		return node.TableAggregate(e, s, init, add, sub, next)
	})
}

// tableFold declares an aggregation of a regrouped table behind its repartition
// topic.
func tableFold[K, V, A any](g tableGrouping[K, V], c *call, vs serde.Serde[A],
	make func(*node.Env, node.Keep[K, A], node.Sink[K, node.Change[A]]) node.Sink[K, node.Change[V]]) tableHandle[K, A] {
	c.needs(vs != nil)
	if c.ttl > 0 {
		c.fail("a table that is grouped from a table cannot have a TTL: it is summed up from changes, and what expired could not be taken out again")
	}
	b, ks := g.h.b, g.h.ks
	decl := c.store(c.tableKind(), tableAggregatePrefix+storePrefix) // of a reduce, too
	c.Parents = []topo.NodeID{g.h.id}
	rekey := topo.Rekey{Name: g.topic.name, Partitions: g.topic.partitions}
	if rekey.Name != "" {
		rekey.Reuse = g.topic.nodes
	}
	id, st, nodes := b.graph.TableAggregate(c.Call, decl, rekey)
	if rekey.Reuse == nil {
		g.topic.nodes = nodes
		b.link(nodes.Sink, func(l *linking, id topo.NodeID) { leave(ks, node.Changes(g.h.vs))(l, id) })
		b.link(nodes.Source, func(l *linking, id topo.NodeID) { enter(ks, node.Changes(g.h.vs), true)(l, id) })
	}
	b.link(id, func(l *linking, id topo.NodeID) {
		keep := keepRows(l, st, ks, vs, l.olds(id))
		input(l, id, make(l.env(id), keep, fan[K, node.Change[A]](l, id)))
	})
	h := handle[K, A]{b: b, id: id, ks: ks, vs: vs, keyFrom: g.h.keyFrom, valueFrom: c.origin()}
	return storedHandle(h, st, decl.Spec.Kind == store.KindVersioned)
}
