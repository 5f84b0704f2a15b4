package streams

import (
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/cached"
	"github.com/millrace/millrace/streams/internal/node"
	"github.com/millrace/millrace/streams/internal/topo"
	"github.com/millrace/millrace/streams/serde"
)

// windowsOf makes the look-up in the store of an aggregation by windows, or sessions.
func windowsOf[K, A any](st topo.StoreID, ks serde.Serde[K], vs serde.Serde[A], sessions bool) func(*linking) node.Lookup[Windowed[K], A] {
	if sessions {
		return func(l *linking) node.Lookup[Windowed[K], A] { return sessionRows(l, st, ks, vs) }
	}
	return func(l *linking) node.Lookup[Windowed[K], A] { return windowRows(l, st, ks, vs) }
}

func windowRows[K, A any](l *linking, st topo.StoreID, ks serde.Serde[K], vs serde.Serde[A]) node.Lookup[Windowed[K], A] {
	if l.caches(st) {
		rows := openCache(l, st, ks, vs, cached.NewWindow[K, A])
		return func(k Windowed[K]) (A, int64, bool, error) { return rows.Get(k.Key, Window{Start: k.Window.Start}) }
	}
	view := open(l, st, func(e store.Engine, s store.Spec) (*store.Window[K, A], error) { return store.NewWindow(e, s, ks, vs) })
	return func(k Windowed[K]) (A, int64, bool, error) { return view.Get(k.Key, k.Window.Start) }
}

// sessionRows is the same for sessions, whose time is their end.
func sessionRows[K, A any](l *linking, st topo.StoreID, ks serde.Serde[K], vs serde.Serde[A]) node.Lookup[Windowed[K], A] {
	if l.caches(st) {
		rows := openCache(l, st, ks, vs, cached.NewSession[K, A])
		return func(k Windowed[K]) (v A, time int64, ok bool, err error) {
			v, _, ok, err = rows.Get(k.Key, k.Window)
			return v, k.Window.End, ok, err
		}
	}
	view := open(l, st, func(e store.Engine, s store.Spec) (*store.Session[K, A], error) {
		return store.NewSession(e, s, ks, vs)
	})
	return func(k Windowed[K]) (v A, time int64, ok bool, err error) {
		v, ok, err = view.Get(k.Key, k.Window.Start, k.Window.End)
		return v, k.Window.End, ok, err
	}
}
