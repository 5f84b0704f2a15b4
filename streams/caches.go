package streams

import (
	"slices"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/cached"
	"github.com/millrace/millrace/streams/internal/node"
	"github.com/millrace/millrace/streams/internal/topo"
	"github.com/millrace/millrace/streams/serde"
)

// caches says whether a store has a record cache in front of it.
func (l *linking) caches(id topo.StoreID) bool {
	decl := &l.graph.Stores[id]
	return l.budget != nil && !decl.Lazy && !decl.NoCache
}

// olds says whether somebody below a node needs old values. Nodes are linked
// leaves first, so that those below have said so.
func (l *linking) olds(id topo.NodeID) bool {
	return slices.ContainsFunc(l.graph.Nodes[id].Children, func(child topo.NodeID) bool { return l.wantOlds[child] })
}

// newCache is one of cached.NewTable, NewWindow and NewSession.
type newCache[K, V any] func(store.Engine, store.Spec, cached.Options[K, V]) (*cached.Cache[K, V], error)

// openCache returns the task's cache of a store, shared by its users.
func openCache[K, V any](l *linking, id topo.StoreID, ks serde.Serde[K], vs serde.Serde[V], make newCache[K, V]) *cached.Cache[K, V] {
	c := open(l, id, func(e store.Engine, s store.Spec) (*cached.Cache[K, V], error) {
		return make(e, s, cached.Options[K, V]{Keys: ks, Values: vs, Budget: l.budget})
	})
	if c == nil { // the fault is kept, and nothing will run
		c = new(cached.Cache[K, V])
	}
	return c
}

// tableCache opens the cache of a table.
func tableCache[K, V any](l *linking, id topo.StoreID, ks serde.Serde[K], vs serde.Serde[V]) *cached.Cache[K, V] {
	return openCache(l, id, ks, vs, cached.NewTable[K, V])
}

// flushed has a cache flushed at each commit, and trimmed between records, for the
// operator that owns it.
func flushed[K, V any](l *linking, c *cached.Cache[K, V]) *cached.Cache[K, V] {
	l.out.Flush = append(l.out.Flush, c.Flush)
	l.out.Trim = append(l.out.Trim, c.Trim)
	return c
}

// kept is where a windowed aggregation keeps its results: in a view, or in a cache
// if there is one.
type kept[S, K, A any] struct {
	view  S
	cache *cached.Cache[K, A]
	olds  bool
}

// keep opens the view or the cache.
func keep[S, K, A any](l *linking, id topo.NodeID, st topo.StoreID, ks serde.Serde[K], vs serde.Serde[A],
	view func(store.Engine, store.Spec, serde.Serde[K], serde.Serde[A]) (S, error), cache newCache[K, A]) kept[S, K, A] {
	if l.caches(st) {
		return kept[S, K, A]{cache: flushed(l, openCache(l, st, ks, vs, cache)), olds: l.olds(id)}
	}
	return kept[S, K, A]{view: open(l, st, func(e store.Engine, s store.Spec) (S, error) { return view(e, s, ks, vs) })}
}

// tableSource links the node that keeps a table read from a topic.
func tableSource[K, V any](l *linking, id topo.NodeID, st topo.StoreID, ks serde.Serde[K], vs serde.Serde[V]) node.Sink[K, V] {
	env, next := l.env(id), fan[K, node.Change[V]](l, id)
	if l.graph.Stores[st].Spec.Kind == store.KindVersioned {
		return node.VersionedTableSource(env, versions(l, st, ks, vs), next)
	}
	if !l.caches(st) {
		rows := timestamped(l, st, ks, vs)
		sweeps(l, id, st, ks, vs)
		return node.TableSource(env, rows, next)
	}
	rows := flushed(l, tableCache(l, st, ks, vs))
	sweeps(l, id, st, ks, vs)
	return node.CachedTableSource(env, rows, l.olds(id), next)
}
