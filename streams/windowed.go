package streams

import (
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/cached"
	"github.com/millrace/millrace/streams/internal/node"
	"github.com/millrace/millrace/streams/internal/topo"
	"github.com/millrace/millrace/streams/serde"
)

// WindowedGroup is a grouped stream cut into windows of time, to be aggregated
// by key and window.
type WindowedGroup[K, V any] struct {
	g grouping[K, V]
	w TimeWindows
}

// WindowedBy cuts the groups into windows of time.
func (g Grouped[K, V]) WindowedBy(w TimeWindows) WindowedGroup[K, V] {
	gr := g.g.owned()
	c := declare[StoreOption](gr.h.b, "WINDOWED-BY-", false, nil)
	w.check(&c)
	return WindowedGroup[K, V]{gr, w}
}

// Count counts the records of each key and window.
func (g WindowedGroup[K, V]) Count(opts ...StoreOption) WindowedTable[K, int64] {
	gr := g.g.owned()
	c := declare(gr.h.b, aggregatePrefix, false, opts, gr.h.id)
	return WindowedTable[K, int64]{windowAggregate(gr, &c, g.w, none, count[K, V], serde.Int64)}
}

// Reduce combines the values of each key and window; see [Grouped.Reduce].
func (g WindowedGroup[K, V]) Reduce(f func(acc, v V) V, opts ...StoreOption) WindowedTable[K, V] {
	gr := g.g.owned()
	c := declare(gr.h.b, reducePrefix, f == nil, opts, gr.h.id)
	vs, w := gr.h.valueSerde(&c), g.w.node()
	return WindowedTable[K, V]{windowFold(gr, &c, g.w, vs,
		func(e *node.Env, st windows[K, V], next node.Sink[Windowed[K], node.Change[V]]) node.Sink[K, V] {
			if st.cache != nil {
				return node.CachedWindowReduce(e, st.cache, st.olds, w, f, next)
			}
			return node.WindowReduce(e, st.view, w, f, next)
		})}
}

// Aggregate folds the records of each key and window; see [Grouped.Aggregate].
func (g WindowedGroup[K, V]) Aggregate[A any](init func() A, add func(K, V, A) A, vs serde.Serde[A], opts ...StoreOption) WindowedTable[K, A] {
	gr := g.g.owned()
	c := declare(gr.h.b, aggregatePrefix, init == nil || add == nil, opts, gr.h.id)
	return WindowedTable[K, A]{windowAggregate(gr, &c, g.w, init, add, vs)}
}

func windowAggregate[K, V, A any](g grouping[K, V], c *call, w TimeWindows, init func() A, add func(K, V, A) A, vs serde.Serde[A]) windowedHandle[K, A] {
	c.needs(vs != nil)
	spans := w.node()
	return windowFold(g, c, w, vs,
		func(e *node.Env, st windows[K, A], next node.Sink[Windowed[K], node.Change[A]]) node.Sink[K, V] {
			if st.cache != nil {
				return node.CachedWindowAggregate(e, st.cache, st.olds, spans, init, add, next)
			}
			return node.WindowAggregate(e, st.view, spans, init, add, next)
		})
}

// windowFold declares an aggregation by key and window.
func windowFold[K, V, A any](g grouping[K, V], c *call, w TimeWindows, vs serde.Serde[A],
	make func(*node.Env, windows[K, A], node.Sink[Windowed[K], node.Change[A]]) node.Sink[K, V]) windowedHandle[K, A] {
	ks := g.h.keySerde(c)
	decl := c.store(store.KindWindow, c.Prefix+storePrefix)
	decl.Spec.WindowSize, decl.Spec.Retention = w.size, c.retain(w.size+w.grace)
	id, _ := g.fold(c, decl, ks, func(l *linking, id topo.NodeID, st topo.StoreID) node.Sink[K, V] {
		view := keep(l, id, st, ks, vs, store.NewWindow[K, A], cached.NewWindow[K, A])
		return make(l.env(id), view, fan[Windowed[K], node.Change[A]](l, id))
	})
	out := windowedHandle[K, A]{h: result(g, c, id, ks, vs)}
	if ks != nil {
		out.ks = serde.WindowedTime(ks, w.size)
	}
	return out
}

// SessionGroup is a grouped stream cut into sessions, to be aggregated by key
// and session.
type SessionGroup[K, V any] struct {
	g grouping[K, V]
	s Sessions
}

// SessionsBy cuts the groups into sessions.
func (g Grouped[K, V]) SessionsBy(s Sessions) SessionGroup[K, V] {
	gr := g.g.owned()
	c := declare[StoreOption](gr.h.b, "SESSIONS-BY-", false, nil)
	s.check(&c)
	return SessionGroup[K, V]{gr, s}
}

// Count counts the records of each key and session.
func (g SessionGroup[K, V]) Count(opts ...StoreOption) WindowedTable[K, int64] {
	gr := g.g.owned()
	c := declare(gr.h.b, aggregatePrefix, false, opts, gr.h.id)
	sum := func(_ K, a, b int64) int64 { return a + b }
	return WindowedTable[K, int64]{sessionAggregate(gr, &c, g.s, none, count[K, V], sum, serde.Int64)}
}

// Reduce combines the values of each key and session; f combines the values of
// sessions that merge, too, the earlier one first.
func (g SessionGroup[K, V]) Reduce(f func(acc, v V) V, opts ...StoreOption) WindowedTable[K, V] {
	gr := g.g.owned()
	c := declare(gr.h.b, reducePrefix, f == nil, opts, gr.h.id)
	vs, s := gr.h.valueSerde(&c), g.s.node()
	return WindowedTable[K, V]{sessionFold(gr, &c, g.s, vs,
		func(e *node.Env, st sessions[K, V], next node.Sink[Windowed[K], node.Change[V]]) node.Sink[K, V] {
			if st.cache != nil {
				return node.CachedSessionReduce(e, st.cache, st.olds, s, f, next)
			}
			return node.SessionReduce(e, st.view, s, f, next)
		})}
}

// Aggregate folds the records of each key and session; merge combines the
// aggregates of two sessions that a record has joined, the earlier one first.
func (g SessionGroup[K, V]) Aggregate[A any](init func() A, add func(K, V, A) A, merge func(k K, a, b A) A, vs serde.Serde[A], opts ...StoreOption) WindowedTable[K, A] {
	gr := g.g.owned()
	c := declare(gr.h.b, aggregatePrefix, init == nil || add == nil || merge == nil, opts, gr.h.id)
	return WindowedTable[K, A]{sessionAggregate(gr, &c, g.s, init, add, merge, vs)}
}

func sessionAggregate[K, V, A any](g grouping[K, V], c *call, s Sessions, init func() A, add func(K, V, A) A, merge func(K, A, A) A, vs serde.Serde[A]) windowedHandle[K, A] {
	c.needs(vs != nil)
	gaps := s.node()
	return sessionFold(g, c, s, vs,
		func(e *node.Env, st sessions[K, A], next node.Sink[Windowed[K], node.Change[A]]) node.Sink[K, V] {
			if st.cache != nil {
				return node.CachedSessionAggregate(e, st.cache, st.olds, gaps, init, add, merge, next)
			}
			return node.SessionAggregate(e, st.view, gaps, init, add, merge, next)
		})
}

// sessionFold declares an aggregation by key and session.
func sessionFold[K, V, A any](g grouping[K, V], c *call, s Sessions, vs serde.Serde[A],
	make func(*node.Env, sessions[K, A], node.Sink[Windowed[K], node.Change[A]]) node.Sink[K, V]) windowedHandle[K, A] {
	ks := g.h.keySerde(c)
	decl := c.store(store.KindSession, c.Prefix+storePrefix)
	decl.Spec.Retention = c.retain(s.gap + s.grace)
	id, _ := g.fold(c, decl, ks, func(l *linking, id topo.NodeID, st topo.StoreID) node.Sink[K, V] {
		view := keep(l, id, st, ks, vs, store.NewSession[K, A], cached.NewSession[K, A])
		return make(l.env(id), view, fan[Windowed[K], node.Change[A]](l, id))
	})
	out := windowedHandle[K, A]{h: result(g, c, id, ks, vs)}
	if ks != nil {
		out.ks = serde.WindowedSession(ks)
	}
	return out
}
