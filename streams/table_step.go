package streams

import (
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams/internal/node"
	"github.com/millrace/millrace/streams/internal/topo"
	"github.com/millrace/millrace/streams/serde"
)

const mapRowsPrefix = "KTABLE-MAPVALUES-"

func tableFilter[K, V any](t tableHandle[K, V], pred func(K, V) bool, negate bool, opts []NodeOption) tableHandle[K, V] {
	c := declare(t.h.b, "KTABLE-FILTER-", pred == nil, opts)
	return tableStep(t, c, t.h, node.FilterRows(pred, negate), true)
}

func tableMap[K, V, V2 any](t tableHandle[K, V], c call, f func(K, V) V2) tableHandle[K, V2] {
	return tableStep(t, c, newValue[V2](t.h, c), node.MapRows(f), false)
}

// tableStep declares an operator from table to table. A filter uses the old values
// of the table above if that has them anyway, as Kafka Streams does.
func tableStep[K, V, V2 any](t tableHandle[K, V], c call, h handle[K, V2], f node.Convert[K, V, V2], filter bool) tableHandle[K, V2] {
	c.Parents = []topo.NodeID{t.h.id}
	drop, versioned := filter && t.keeps(), t.asOf != nil
	h.b, h.id = t.h.b, t.h.b.graph.TableStep(c.Call)
	out := tableHandle[K, V2]{h: h, sts: t.sts, own: &own[K, V2]{}}
	own := out.own
	h.b.link(h.id, func(l *linking, id topo.NodeID) {
		olds := drop || l.olds(id)
		keep := own.keep(l, id, olds)
		l.wantOlds[id] = drop || l.olds(id) && keep.Rows == nil && keep.Cache == nil
		step := node.Step[K, V2]{Keep: keep, Drop: filter && olds, Versioned: versioned}
		input(l, id, node.TableStep(l.env(id), f, step, fan[K, node.Change[V2]](l, id)))
	})
	out.get = func(l *linking) node.Lookup[K, V2] { return node.Converted(t.get(l), f) }
	if versioned {
		out.asOf = func(l *linking) node.LookupAsOf[K, V2] { return node.ConvertedAsOf(t.asOf(l), f) }
	}
	return out
}

// keep opens what Materialize gave, if it gave anything.
func (o *own[K, V]) keep(l *linking, id topo.NodeID, olds bool) node.Keep[K, V] {
	if o.ks == nil {
		return node.Keep[K, V]{Olds: olds}
	}
	keep := keepRows(l, o.st, o.ks, o.vs, olds)
	sweeps(l, id, o.st, o.ks, o.vs)
	return keep
}

// keepRows opens where the operator that owns a table's store writes.
func keepRows[K, V any](l *linking, st topo.StoreID, ks serde.Serde[K], vs serde.Serde[V], olds bool) node.Keep[K, V] {
	keep := node.Keep[K, V]{Olds: olds}
	switch decl := &l.graph.Stores[st]; {
	case decl.Lazy:
	case decl.Spec.Kind == store.KindVersioned:
		keep.Rows = versions(l, st, ks, vs)
	case l.caches(st):
		keep.Cache = flushed(l, tableCache(l, st, ks, vs))
	default:
		keep.Rows = node.PlainRows[K, V]{View: timestamped(l, st, ks, vs)}
	}
	return keep
}

// rowsOf is the look-up in a table's store.
func rowsOf[K, V any](l *linking, st topo.StoreID, ks serde.Serde[K], vs serde.Serde[V]) node.Lookup[K, V] {
	switch {
	case l.graph.Stores[st].Spec.Kind == store.KindVersioned:
		return versions(l, st, ks, vs).Get
	case l.caches(st):
		rows := tableCache(l, st, ks, vs)
		return func(k K) (V, int64, bool, error) { return rows.Get(k, serde.Window{}) }
	}
	return timestamped(l, st, ks, vs).Get
}

// versions opens a versioned store.
func versions[K, V any](l *linking, st topo.StoreID, ks serde.Serde[K], vs serde.Serde[V]) node.VersionedRows[K, V] {
	return node.VersionedRows[K, V]{View: open(l, st, func(e store.Engine, s store.Spec) (*store.Versioned[K, V], error) {
		return store.NewVersioned(e, s, ks, vs)
	})}
}
