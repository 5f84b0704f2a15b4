package streams

import (
	"github.com/millrace/millrace/streams/internal/node"
	"github.com/millrace/millrace/streams/internal/topo"
	"github.com/millrace/millrace/streams/serde"
)

// WindowedGroup is a grouped stream cut into windows of time, to be aggregated
// by key and window.
type WindowedGroup[K, V any] struct {
	g    grouping[K, V]
	w    TimeWindows
	late lateness[K, V]
}

// WindowedBy cuts the groups into windows of time.
func (g Grouped[K, V]) WindowedBy(w TimeWindows) WindowedGroup[K, V] {
	gr := g.g.owned()
	c := declare[StoreOption](gr.h.b, "WINDOWED-BY-", false, nil)
	w.check(&c)
	return WindowedGroup[K, V]{g: gr, w: w}
}

// Count counts the records of each key and window.
func (g WindowedGroup[K, V]) Count(opts ...StoreOption) WindowedTable[K, int64] {
	gr := g.g.owned()
	c := declare(gr.h.b, aggregatePrefix, false, opts, gr.h.id)
	return WindowedTable[K, int64]{windowAggregate(gr, &c, g.w, g.late, none, count[K, V], serde.Int64)}
}

// Reduce combines the values of each key and window; see [Grouped.Reduce].
func (g WindowedGroup[K, V]) Reduce(f func(acc, v V) V, opts ...StoreOption) WindowedTable[K, V] {
	gr := g.g.owned()
	c := declare(gr.h.b, reducePrefix, f == nil, opts, gr.h.id)
	return WindowedTable[K, V]{windowFold(gr, &c, g.w, g.late, gr.h.valueSerde(&c), func() node.Rule[K, V, V] { return node.ReduceRule[K](f) })}
}

// EmitOnClose sends each window's result once, when it closes, in place of each
// update: in order of time, then of keys, when a record comes whose time is past the
// window's end and grace. Results are never deleted. There is no record cache.
// A store that is [InMemory] forgets windows on time, as Kafka Streams' does: there
// [WithRetention] must be longer than window and grace, or a window is gone before it
// is sent.
func (g WindowedGroup[K, V]) EmitOnClose() WindowedGroup[K, V] {
	g.w.onClose = true
	return g
}

// Aggregate folds the records of each key and window; see [Grouped.Aggregate].
func (g WindowedGroup[K, V]) Aggregate[A any](init func() A, add func(K, V, A) A, vs serde.Serde[A], opts ...StoreOption) WindowedTable[K, A] {
	gr := g.g.owned()
	c := declare(gr.h.b, aggregatePrefix, init == nil || add == nil, opts, gr.h.id)
	return WindowedTable[K, A]{windowAggregate(gr, &c, g.w, g.late, init, add, vs)}
}

func windowAggregate[K, V, A any](g grouping[K, V], c *call, w TimeWindows, late lateness[K, V], init func() A, add func(K, V, A) A, vs serde.Serde[A]) windowedHandle[K, A] {
	c.needs(vs != nil)
	return windowFold(g, c, w, late, vs, func() node.Rule[K, V, A] { return node.AggregateRule(init, add) })
}

// windowFold declares an aggregation by key and window.
func windowFold[K, V, A any](g grouping[K, V], c *call, w TimeWindows, late lateness[K, V], vs serde.Serde[A], rule func() node.Rule[K, V, A]) windowedHandle[K, A] {
	ks := g.h.keySerde(c)
	id, st := g.fold(c, w.store(c, c.Prefix+storePrefix), ks, func(l *linking, id topo.NodeID, st topo.StoreID) node.Sink[K, V] {
		return foldWindows(l, id, st, w, ks, vs, node.WithLate(rule(), lateSink[K, V](l, id)))
	})
	late.declare(g.h, id)
	return windowResult(result(g, c, id, ks, vs), w, st)
}

// SessionGroup is a grouped stream cut into sessions, to be aggregated by key
// and session.
type SessionGroup[K, V any] struct {
	g    grouping[K, V]
	s    Sessions
	late lateness[K, V]
}

// SessionsBy cuts the groups into sessions.
func (g Grouped[K, V]) SessionsBy(s Sessions) SessionGroup[K, V] {
	gr := g.g.owned()
	c := declare[StoreOption](gr.h.b, "SESSIONS-BY-", false, nil)
	s.check(&c)
	return SessionGroup[K, V]{g: gr, s: s}
}

// Count counts the records of each key and session.
func (g SessionGroup[K, V]) Count(opts ...StoreOption) WindowedTable[K, int64] {
	gr := g.g.owned()
	c := declare(gr.h.b, aggregatePrefix, false, opts, gr.h.id)
	sum := func(_ K, a, b int64) int64 { return a + b }
	return WindowedTable[K, int64]{sessionAggregate(gr, &c, g.s, g.late, none, count[K, V], sum, serde.Int64)}
}

// Reduce combines the values of each key and session; f combines the values of
// sessions that merge, too, the earlier one first.
func (g SessionGroup[K, V]) Reduce(f func(acc, v V) V, opts ...StoreOption) WindowedTable[K, V] {
	gr := g.g.owned()
	c := declare(gr.h.b, reducePrefix, f == nil, opts, gr.h.id)
	return WindowedTable[K, V]{sessionFold(gr, &c, g.s, g.late, gr.h.valueSerde(&c), func() node.Rule[K, V, V] { return node.ReduceRule[K](f) })}
}

// EmitOnClose sends each session's result once, when it closes; see
// [WindowedGroup.EmitOnClose].
func (g SessionGroup[K, V]) EmitOnClose() SessionGroup[K, V] {
	g.s.onClose = true
	return g
}

// Aggregate folds the records of each key and session; merge combines the
// aggregates of two sessions that a record has joined, the earlier one first.
func (g SessionGroup[K, V]) Aggregate[A any](init func() A, add func(K, V, A) A, merge func(k K, a, b A) A, vs serde.Serde[A], opts ...StoreOption) WindowedTable[K, A] {
	gr := g.g.owned()
	c := declare(gr.h.b, aggregatePrefix, init == nil || add == nil || merge == nil, opts, gr.h.id)
	return WindowedTable[K, A]{sessionAggregate(gr, &c, g.s, g.late, init, add, merge, vs)}
}

func sessionAggregate[K, V, A any](g grouping[K, V], c *call, s Sessions, late lateness[K, V], init func() A, add func(K, V, A) A, merge func(K, A, A) A, vs serde.Serde[A]) windowedHandle[K, A] {
	c.needs(vs != nil)
	return sessionFold(g, c, s, late, vs, func() node.Rule[K, V, A] { return node.SessionRule(init, add, merge) })
}

// sessionFold declares an aggregation by key and session.
func sessionFold[K, V, A any](g grouping[K, V], c *call, s Sessions, late lateness[K, V], vs serde.Serde[A], rule func() node.Rule[K, V, A]) windowedHandle[K, A] {
	ks := g.h.keySerde(c)
	id, st := g.fold(c, s.store(c, c.Prefix+storePrefix), ks, func(l *linking, id topo.NodeID, st topo.StoreID) node.Sink[K, V] {
		return foldSessions(l, id, st, s, ks, vs, node.WithLate(rule(), lateSink[K, V](l, id)))
	})
	late.declare(g.h, id)
	return sessionResult(result(g, c, id, ks, vs), s, st)
}
