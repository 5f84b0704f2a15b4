package streams

import (
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/cached"
	"github.com/millrace/millrace/streams/internal/node"
	"github.com/millrace/millrace/streams/internal/task"
	"github.com/millrace/millrace/streams/internal/topo"
	"github.com/millrace/millrace/streams/serde"
)

// store declares the store of an aggregation by windows.
func (w TimeWindows) store(c *call, prefix string) topo.StoreDecl {
	decl := c.store(store.KindWindow, prefix)
	decl.Spec.WindowSize, decl.Spec.Retention = w.size, c.retain(w.retained())
	decl.Once = w.sliding && !decl.NoCache && !w.onClose
	decl.NoCache = decl.NoCache || w.sliding || w.onClose
	return decl
}

// store declares the store of an aggregation by sessions.
func (s Sessions) store(c *call, prefix string) topo.StoreDecl {
	decl := c.store(store.KindSession, prefix)
	decl.Spec.Retention = c.retain(s.gap + s.grace)
	decl.NoCache = decl.NoCache || s.onClose
	return decl
}

// windowResult is the handle of a table of windows.
func windowResult[K, A any](h handle[K, A], w TimeWindows, st topo.StoreID) windowedHandle[K, A] {
	out := windowedHandle[K, A]{h: h, closes: w.grace, sts: []topo.StoreID{st}, get: windowsOf(st, h.ks, h.vs, false)}
	if h.ks != nil {
		out.ks = serde.WindowedTime(h.ks, w.size)
	}
	return out
}

// sessionResult is the handle of a table of sessions.
func sessionResult[K, A any](h handle[K, A], s Sessions, st topo.StoreID) windowedHandle[K, A] {
	out := windowedHandle[K, A]{h: h, closes: s.gap + s.grace, sts: []topo.StoreID{st}, get: windowsOf(st, h.ks, h.vs, true)}
	if h.ks != nil {
		out.ks = serde.WindowedSession(h.ks)
	}
	return out
}

// lastClose is the time up to which a store's windows were sent, kept across
// restarts. Those who share the store share it.
func (l *linking) lastClose(id topo.StoreID) node.Closed {
	spec := &l.graph.Stores[id].Spec
	for _, kept := range l.out.Times {
		if kept.Name == spec.Name {
			return node.Closed{At: &kept.MS, Strict: spec.InMemory}
		}
	}
	kept := &task.KeptTime{Name: spec.Name, MS: -1}
	l.out.Times = append(l.out.Times, kept)
	return node.Closed{At: &kept.MS, Strict: spec.InMemory}
}

// foldRows links an aggregation without windows.
func foldRows[K, V, A any](l *linking, id topo.NodeID, st topo.StoreID, ks serde.Serde[K], vs serde.Serde[A], f node.Rule[K, V, A]) node.Sink[K, V] {
	env, next := l.env(id), fan[K, node.Change[A]](l, id)
	if l.graph.Stores[st].Spec.Kind == store.KindVersioned {
		return node.VersionedFold(env, versions(l, st, ks, vs), f, next)
	}
	if l.caches(st) {
		rows := flushed(l, tableCache(l, st, ks, vs))
		sweeps(l, id, st, ks, vs)
		return node.CachedFold(env, rows, l.olds(id), f, next)
	}
	rows := timestamped(l, st, ks, vs)
	sweeps(l, id, st, ks, vs)
	return node.Fold(env, rows, f, next)
}

// foldWindows links an aggregation by windows.
func foldWindows[K, V, A any](l *linking, id topo.NodeID, st topo.StoreID, w TimeWindows, ks serde.Serde[K], vs serde.Serde[A], f node.Rule[K, V, A]) node.Sink[K, V] {
	env, next := l.env(id), fan[Windowed[K], node.Change[A]](l, id)
	to := keep(l, id, st, ks, vs, store.NewWindow[K, A], cached.NewWindow[K, A])
	sliding := node.SlidingWindows{
		Difference: w.size.Milliseconds(), Grace: w.grace.Milliseconds(), Once: l.budget != nil && l.graph.Stores[st].Once,
	}
	switch {
	case to.cache != nil:
		return node.CachedWindows(env, to.cache, to.olds, w.node(), f, next)
	case w.sliding && w.onClose:
		return node.SlidingOnClose(env, to.view, sliding, l.lastClose(st), f, next)
	case w.sliding:
		return node.Sliding(env, to.view, sliding, f, next)
	case w.onClose:
		return node.WindowsOnClose(env, to.view, w.node(), l.lastClose(st), f, next)
	}
	return node.Windows(env, to.view, w.node(), f, next)
}

// foldSessions links an aggregation by sessions.
func foldSessions[K, V, A any](l *linking, id topo.NodeID, st topo.StoreID, s Sessions, ks serde.Serde[K], vs serde.Serde[A], f node.Rule[K, V, A]) node.Sink[K, V] {
	env, next := l.env(id), fan[Windowed[K], node.Change[A]](l, id)
	to := keep(l, id, st, ks, vs, store.NewSession[K, A], cached.NewSession[K, A])
	switch {
	case to.cache != nil:
		return node.CachedSessions(env, to.cache, to.olds, s.node(), f, next)
	case s.onClose:
		return node.SessionsOnClose(env, to.view, s.node(), l.lastClose(st), f, next)
	}
	return node.SessionsOf(env, to.view, s.node(), f, next)
}
