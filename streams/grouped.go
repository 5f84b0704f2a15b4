package streams

import (
	"github.com/millrace/millrace/streams/internal/node"
	"github.com/millrace/millrace/streams/internal/topo"
	"github.com/millrace/millrace/streams/serde"
)

// Grouped is a stream whose records are grouped by key, to be aggregated.
type Grouped[K, V any] struct{ g grouping[K, V] }

// grouping is what Grouped, WindowedGroup and SessionGroup share. Like handle,
// it names no DSL type.
type grouping[K, V any] struct {
	h handle[K, V]
	// topic is shared by all aggregations of one grouped stream.
	topic *groupTopic
}

// groupTopic is the repartition topic that aggregations of one grouped stream
// need: one for all if it has a name, else one for each.
type groupTopic struct {
	name       string
	partitions int32
	nodes      *topo.RekeyNodes
}

func newGrouping[K, V any](h handle[K, V], c call) grouping[K, V] {
	return grouping[K, V]{h, &groupTopic{name: c.settings.name, partitions: c.partitions}}
}

// owned is the grouping of a builder, even for a zero value.
func (g grouping[K, V]) owned() grouping[K, V] {
	g.h = g.h.owned()
	if g.topic == nil {
		g.topic = &groupTopic{}
	}
	return g
}

// rekey is the request for the repartition topic; nil if keys did not change.
func (g grouping[K, V]) rekey() *topo.Rekey {
	if !g.h.rekeyed {
		return nil
	}
	r := &topo.Rekey{Name: g.topic.name, Partitions: g.topic.partitions}
	if g.topic.name != "" {
		r.Reuse = g.topic.nodes
	}
	return r
}

// fold declares an aggregation: the store, and the operator behind a repartition
// topic if one is needed.
func (g grouping[K, V]) fold(c *call, decl topo.StoreDecl, ks serde.Serde[K],
	make func(*linking, topo.NodeID, topo.StoreID) node.Sink[K, V]) (topo.NodeID, topo.StoreID) {
	b, rekey := g.h.b, g.rekey()
	id, st, nodes := b.graph.Aggregate(c.Call, decl, rekey)
	if rekey != nil && rekey.Reuse == nil {
		repartition(g.h, nodes, ks, g.h.valueSerde(c))
		g.topic.nodes = nodes
	}
	b.link(id, func(l *linking, id topo.NodeID) { input(l, id, make(l, id, st)) })
	return id, st
}

// result is the handle of an aggregation's table.
func result[K, V, A any](g grouping[K, V], c *call, id topo.NodeID, ks serde.Serde[K], vs serde.Serde[A]) handle[K, A] {
	return handle[K, A]{b: g.h.b, id: id, ks: ks, vs: vs, keyFrom: g.h.keyFrom, valueFrom: c.origin()}
}

const (
	aggregatePrefix = "KSTREAM-AGGREGATE-"
	reducePrefix    = "KSTREAM-REDUCE-"
	storePrefix     = "STATE-STORE-"
)

// Count counts the records of each key.
func (g Grouped[K, V]) Count(opts ...StoreOption) Table[K, int64] {
	gr := g.g.owned()
	c := declare(gr.h.b, aggregatePrefix, false, opts, gr.h.id)
	h, st := aggregateRows(gr, &c, none, count[K, V], serde.Int64)
	return stored(h, st, c.versioned)
}

// Reduce combines the values of each key: the first is kept, f combines what is
// there with the next.
func (g Grouped[K, V]) Reduce(f func(acc, v V) V, opts ...StoreOption) Table[K, V] {
	gr := g.g.owned()
	c := declare(gr.h.b, reducePrefix, f == nil, opts, gr.h.id)
	ks, vs := gr.h.keySerde(&c), gr.h.valueSerde(&c)
	id, st := gr.fold(&c, c.store(c.tableKind(), reducePrefix+storePrefix), ks,
		func(l *linking, id topo.NodeID, st topo.StoreID) node.Sink[K, V] {
			return foldRows(l, id, st, ks, vs, node.ReduceRule[K](f))
		})
	return stored(result(gr, &c, id, ks, vs), st, c.versioned)
}

// Aggregate folds the records of each key into a value of another type: init
// makes the first, add folds a record in and may change its argument in place.
// Where A is a pointer, returning nil deletes.
func (g Grouped[K, V]) Aggregate[A any](init func() A, add func(K, V, A) A, vs serde.Serde[A], opts ...StoreOption) Table[K, A] {
	gr := g.g.owned()
	c := declare(gr.h.b, aggregatePrefix, init == nil || add == nil, opts, gr.h.id)
	h, st := aggregateRows(gr, &c, init, add, vs)
	return stored(h, st, c.versioned)
}

func aggregateRows[K, V, A any](g grouping[K, V], c *call, init func() A, add func(K, V, A) A, vs serde.Serde[A]) (handle[K, A], topo.StoreID) {
	ks := g.h.keySerde(c)
	c.needs(vs != nil)
	id, st := g.fold(c, c.store(c.tableKind(), aggregatePrefix+storePrefix), ks,
		func(l *linking, id topo.NodeID, st topo.StoreID) node.Sink[K, V] {
			return foldRows(l, id, st, ks, vs, node.AggregateRule(init, add))
		})
	return result(g, c, id, ks, vs), st
}

// needs keeps a fault if the serde of the aggregate is missing.
func (c *call) needs(serde bool) {
	if !serde {
		c.fail("the value serde is nil")
	}
}

// none and count are the aggregator that counts.
func none() int64 { return 0 }

func count[K, V any](_ K, _ V, n int64) int64 { return n + 1 }
