package streams

import (
	"github.com/millrace/millrace/streams/internal/node"
	"github.com/millrace/millrace/streams/internal/topo"
	"github.com/millrace/millrace/streams/serde"
)

// Cogrouped is several grouped streams with keys of one type, whose records are
// folded into one aggregate a key.
type Cogrouped[K, A any] struct{ parts []cogroupPart[K, A] }

// WindowedCogroup is [Cogrouped] cut into windows of time.
type WindowedCogroup[K, A any] struct {
	parts []cogroupPart[K, A]
	w     TimeWindows
}

// SessionCogroup is [Cogrouped] cut into sessions.
type SessionCogroup[K, A any] struct {
	parts []cogroupPart[K, A]
	s     Sessions
}

// Cogroup begins an aggregate of several streams with this one, whose records add
// folds in; see [Cogrouped.With].
func (g Grouped[K, V]) Cogroup[A any](add func(K, V, A) A) Cogrouped[K, A] {
	return Cogrouped[K, A]{[]cogroupPart[K, A]{cogroup(g.g.owned(), add)}}
}

// With adds a stream, whose records add folds into the same aggregate.
func (c Cogrouped[K, A]) With[V any](g Grouped[K, V], add func(K, V, A) A) Cogrouped[K, A] {
	parts := c.parts[:len(c.parts):len(c.parts)]
	return Cogrouped[K, A]{append(parts, cogroup(g.g.owned(), add))}
}

// WindowedBy cuts the groups into windows of time.
func (c Cogrouped[K, A]) WindowedBy(w TimeWindows) WindowedCogroup[K, A] {
	d := declare[StoreOption](builderOf(c.parts), "WINDOWED-BY-", false, nil)
	w.check(&d)
	return WindowedCogroup[K, A]{c.parts, w}
}

// SessionsBy cuts the groups into sessions.
func (c Cogrouped[K, A]) SessionsBy(s Sessions) SessionCogroup[K, A] {
	d := declare[StoreOption](builderOf(c.parts), "SESSIONS-BY-", false, nil)
	s.check(&d)
	return SessionCogroup[K, A]{c.parts, s}
}

// Aggregate folds the records of all streams: init makes the first aggregate of a
// key. Where A is a pointer, an aggregator that returns nil deletes.
func (c Cogrouped[K, A]) Aggregate(init func() A, vs serde.Serde[A], opts ...StoreOption) Table[K, A] {
	d := declare(builderOf(c.parts), cogroupPrefix, init == nil, opts)
	h, st := cogrouped(&d, c.parts, d.store(d.tableKind(), cogroupPrefix+storePrefix), vs, fold[K, A]{
		rows: true, init: init,
	})
	return stored(h, st, d.versioned)
}

// Aggregate folds the records of each key and window; see [Cogrouped.Aggregate].
func (c WindowedCogroup[K, A]) Aggregate(init func() A, vs serde.Serde[A], opts ...StoreOption) WindowedTable[K, A] {
	d := declare(builderOf(c.parts), cogroupPrefix, init == nil, opts)
	h, st := cogrouped(&d, c.parts, c.w.store(&d, cogroupPrefix+storePrefix), vs, fold[K, A]{init: init, windows: c.w})
	return WindowedTable[K, A]{windowResult(h, c.w, st)}
}

// Aggregate folds the records of each key and session; merge combines the aggregates
// of sessions that a record has joined, the earlier one first.
func (c SessionCogroup[K, A]) Aggregate(init func() A, merge func(k K, a, b A) A, vs serde.Serde[A], opts ...StoreOption) WindowedTable[K, A] {
	d := declare(builderOf(c.parts), cogroupPrefix, init == nil || merge == nil, opts)
	h, st := cogrouped(&d, c.parts, c.s.store(&d, cogroupPrefix+storePrefix), vs, fold[K, A]{init: init, merge: merge, sessions: c.s})
	return WindowedTable[K, A]{sessionResult(h, c.s, st)}
}

const cogroupPrefix = "COGROUPKSTREAM-AGGREGATE-"

// fold is how the aggregate of a cogroup is kept: in rows, in sessions if there is a
// merge, else in windows.
type fold[K, A any] struct {
	rows     bool
	init     func() A
	merge    func(K, A, A) A
	windows  TimeWindows
	sessions Sessions
}

// cogroupPart is one stream of a cogroup. Its closures have captured the type of the
// stream's values.
type cogroupPart[K, A any] struct {
	b      *Builder
	at     topo.NodeID
	ks     func(*call) serde.Serde[K]
	from   origin // of the keys
	rekey  func() *topo.Rekey
	wire   func(c *call, nodes *topo.RekeyNodes, ks serde.Serde[K]) // the repartition topic
	attach func(l *linking, id topo.NodeID, st topo.StoreID, ks serde.Serde[K], vs serde.Serde[A], f fold[K, A])
}

func cogroup[K, V, A any](g grouping[K, V], add func(K, V, A) A) cogroupPart[K, A] {
	declare[StoreOption](g.h.b, "COGROUP-", add == nil, nil)
	return cogroupPart[K, A]{
		b: g.h.b, at: g.h.id, ks: g.h.keySerde, from: g.h.keyFrom, rekey: g.rekey,
		wire: func(c *call, nodes *topo.RekeyNodes, ks serde.Serde[K]) {
			repartition(g.h, nodes, ks, g.h.valueSerde(c))
			g.topic.nodes = nodes
		},
		attach: func(l *linking, id topo.NodeID, st topo.StoreID, ks serde.Serde[K], vs serde.Serde[A], f fold[K, A]) {
			switch {
			case f.rows:
				input(l, id, foldRows(l, id, st, ks, vs, node.AggregateRule(f.init, add)))
			case f.merge != nil:
				input(l, id, foldSessions(l, id, st, f.sessions, ks, vs, node.SessionRule(f.init, add, f.merge)))
			default:
				input(l, id, foldWindows(l, id, st, f.windows, ks, vs, node.AggregateRule(f.init, add)))
			}
		},
	}
}

// builderOf is the builder of the first part, or one that nobody builds.
func builderOf[K, A any](parts []cogroupPart[K, A]) *Builder {
	if len(parts) == 0 {
		return NewBuilder()
	}
	return parts[0].b
}

// cogrouped declares the operators of a cogroup: one for each stream, and one where
// their results come together.
func cogrouped[K, A any](c *call, parts []cogroupPart[K, A], decl topo.StoreDecl, vs serde.Serde[A], f fold[K, A]) (handle[K, A], topo.StoreID) {
	c.needs(vs != nil)
	if len(parts) == 0 {
		c.fail("there are no streams; begin with Grouped.Cogroup")
		return handle[K, A]{}.owned(), 0
	}
	var asked []topo.Part
	for _, p := range parts {
		if p.b != c.b {
			c.fail("a stream of another builder cannot be cogrouped")
			return handle[K, A]{}.owned(), 0
		}
		asked = append(asked, topo.Part{Parent: p.at, Rekey: p.rekey()})
	}
	ks := parts[0].ks(c)
	ids, merge, st, topics := c.b.graph.Cogroup(c.Call, decl, asked)
	for i, p := range parts {
		if r := asked[i].Rekey; r != nil && r.Reuse == nil {
			p.wire(c, topics[i], ks)
		}
		c.b.link(ids[i], func(l *linking, id topo.NodeID) { p.attach(l, id, st, ks, vs, f) })
	}
	c.b.link(merge, func(l *linking, id topo.NodeID) {
		l.wantOlds[id] = l.olds(id)
		if f.rows {
			input(l, id, fan[K, node.Change[A]](l, id))
		} else {
			input(l, id, fan[Windowed[K], node.Change[A]](l, id))
		}
	})
	return handle[K, A]{b: c.b, id: merge, ks: ks, vs: vs, keyFrom: parts[0].from, valueFrom: c.origin()}, st
}
