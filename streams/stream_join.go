package streams

import (
	"time"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/format"
	"github.com/millrace/millrace/streams/internal/node"
	"github.com/millrace/millrace/streams/internal/topo"
	"github.com/millrace/millrace/streams/serde"
)

// JoinWindow says how far apart in event time two records may be to be joined.
type JoinWindow struct{ before, after, grace time.Duration }

// Within joins records that are at most d apart, whichever comes first.
func Within(d time.Duration) JoinWindow { return JoinWindow{before: d, after: d} }

// Before is how much earlier than the left record the right one may be. It may be
// negative: then the right one must be later by that much.
func (w JoinWindow) Before(d time.Duration) JoinWindow {
	w.before = d
	return w
}

// After is how much later than the left record the right one may be; it may be
// negative, too.
func (w JoinWindow) After(d time.Duration) JoinWindow {
	w.after = d
	return w
}

// Grace is how long after its window records may still come, in event time; so
// long a left or outer join waits before it gives up a record. Without it that is
// not at all.
func (w JoinWindow) Grace(d time.Duration) JoinWindow {
	w.grace = d
	return w
}

func (w JoinWindow) check(c *call) {
	c.span("the grace", w.grace, 0)
	c.span("the window from before to after", w.before+w.after, 0)
	if w.before%time.Millisecond != 0 {
		c.fail("the window is not in whole milliseconds, which is how Kafka keeps time")
	}
}

func (w JoinWindow) node() node.JoinWindow {
	return node.JoinWindow{Before: w.before.Milliseconds(), After: w.after.Milliseconds(), Grace: w.grace.Milliseconds()}
}

// Join is the stream of what f makes of each pair of records that have the same key
// and lie within the window. Both sides are kept in window stores for that long;
// their topics must have the same number of partitions. A pair has the later of
// the two times. Records without key or value are left out and counted.
func (s Stream[K, V]) Join[V2, R any](o Stream[K, V2], w JoinWindow, f func(K, V, V2) R, opts ...JoinOption) Stream[K, R] {
	c := declare(s.h.owned().b, "KSTREAM-STREAM-JOIN-", f == nil, opts)
	return Stream[K, R]{joinStreams(s.h.owned(), o.h.owned(), &c, w, false, false,
		func(k K, v Opt[V], v2 Opt[V2]) R { return f(k, v.V, v2.V) })}
}

// LeftJoin is Join that has all records of this stream: one without a match comes
// out alone when its window is closed. That takes a record of either stream, later
// than the window's end and grace.
func (s Stream[K, V]) LeftJoin[V2, R any](o Stream[K, V2], w JoinWindow, f func(K, V, Opt[V2]) R, opts ...JoinOption) Stream[K, R] {
	c := declare(s.h.owned().b, "KSTREAM-STREAM-JOIN-", f == nil, opts)
	return Stream[K, R]{joinStreams(s.h.owned(), o.h.owned(), &c, w, true, false,
		func(k K, v Opt[V], v2 Opt[V2]) R { return f(k, v.V, v2) })}
}

// OuterJoin is LeftJoin that has all records of both streams.
func (s Stream[K, V]) OuterJoin[V2, R any](o Stream[K, V2], w JoinWindow, f func(K, Opt[V], Opt[V2]) R, opts ...JoinOption) Stream[K, R] {
	c := declare(s.h.owned().b, "KSTREAM-STREAM-JOIN-", f == nil, opts)
	return Stream[K, R]{joinStreams(s.h.owned(), o.h.owned(), &c, w, true, true, f)}
}

// streamJoin is a join of streams while it is declared.
type streamJoin[K, V, V2, R any] struct {
	nodes  topo.JoinNodes
	window node.JoinWindow
	outer  [2]bool
	ks     serde.Serde[K]
	vs     serde.Serde[V]
	vs2    serde.Serde[V2]
	f      func(K, Opt[V], Opt[V2]) R
}

func joinStreams[K, V, V2, R any](h handle[K, V], o handle[K, V2], c *call, w JoinWindow, left, right bool, f func(K, Opt[V], Opt[V2]) R) handle[K, R] {
	w.check(c)
	out := newValue[R](h, *c)
	out.b, out.rekeyed, out.id = h.b, false, h.id
	if o.b != h.b {
		c.fail("the other stream belongs to another builder")
		return out
	}
	c.Parents = []topo.NodeID{h.id, o.id}
	j := &streamJoin[K, V, V2, R]{window: w.node(), outer: [2]bool{left, right}, f: f,
		ks: h.keySerde(c), vs: h.valueSerde(c), vs2: o.valueSerde(c)}
	c.SameTypes = sameTypes[K, V, K, R]()
	decl := c.streamJoin(w, left, right)
	decl.Left, decl.Right = h.rekeySide(c, "-left"), o.rekeySide(c, "-right")
	j.nodes = h.b.graph.StreamJoin(decl)
	repartitionSide(h, j.nodes.Topics[0], decl.Left, c)
	repartitionSide(o, j.nodes.Topics[1], decl.Right, c)
	j.link(h.b)
	lateSide(c, h, c.lateLeft, "OnLateLeft", j.nodes.Windowed[0])
	lateSide(c, o, c.lateRight, "OnLateRight", j.nodes.Windowed[1])
	out.id = j.nodes.Merge
	return out
}

// streamJoin is the declaration of the join's nodes and stores.
func (c *call) streamJoin(w JoinWindow, left, right bool) topo.StreamJoin {
	c.Call.Name = c.settings.name
	side := topo.StoreDecl{Where: c.Where, NoCache: true, Spec: store.Spec{
		Kind: store.KindWindow, RetainDuplicates: true, LogHeaders: true, LoggingOff: c.loggingOff, LogConfig: c.logConfig,
		WindowSize: max(w.before+w.after, time.Millisecond), Retention: w.before + w.after + w.grace,
	}}
	j := topo.StreamJoin{Call: c.Call, LeftOuter: left, RightOuter: right, StoreName: c.storeName, Stores: [2]topo.StoreDecl{side, side}}
	if left || right {
		j.Shared = &topo.StoreDecl{Where: c.Where, NoCache: true, Spec: store.Spec{
			Kind: store.KindList, LoggingOff: c.loggingOff, LogConfig: c.logConfig,
		}}
	}
	return j
}

// rekeySide is rekey for one side of a join of two streams, whose topics have names
// of their own.
func (h handle[K, V]) rekeySide(c *call, suffix string) *topo.Rekey {
	r := h.rekey(c)
	if r != nil && r.Name != "" {
		r.Name += suffix
	}
	return r
}

func repartitionSide[K, V any](h handle[K, V], nodes *topo.RekeyNodes, r *topo.Rekey, c *call) {
	if r == nil || r.Reuse != nil {
		return
	}
	repartition(h, nodes, h.keySerde(c), h.valueSerde(c))
	if r.Name == "" {
		h.b.joins[h.id] = nodes
	}
}

// link makes the five nodes live.
func (j *streamJoin[K, V, V2, R]) link(b *Builder) {
	b.link(j.nodes.Windowed[0], keptSide(j.nodes.Stores[0], j.window, j.ks, j.vs))
	b.link(j.nodes.Windowed[1], keptSide(j.nodes.Stores[1], j.window, j.ks, j.vs2))
	b.link(j.nodes.Merge, j.merge)
	b.link(j.nodes.Join[0], func(l *linking, id topo.NodeID) {
		next, part := fan[K, R](l, id), j.parts(l)
		side := node.JoinSide[K, V, V2, R]{
			Other: joinStore(l, j.nodes.Stores[1], j.ks, j.vs2), Window: j.window, Clock: part.clock, Outer: j.outer[0],
			Join: func(k K, v V, v2 Opt[V2]) R { return j.f(k, Opt[V]{V: v, OK: true}, v2) },
		}
		if u := part.unjoined; u != nil {
			side.Hold, side.Met, side.Release = u.HoldLeft, u.MetRight, u.Release
		}
		input(l, id, node.StreamJoin(l.env(id), side, next))
	})
	b.link(j.nodes.Join[1], func(l *linking, id topo.NodeID) {
		next, part := fan[K, R](l, id), j.parts(l)
		side := node.JoinSide[K, V2, V, R]{
			Other: joinStore(l, j.nodes.Stores[0], j.ks, j.vs), Window: j.window.Swap(), Clock: part.clock, Outer: j.outer[1],
			Join: func(k K, v2 V2, v Opt[V]) R { return j.f(k, v, Opt[V2]{V: v2, OK: true}) },
		}
		if u := part.unjoined; u != nil {
			side.Hold, side.Met, side.Release = u.HoldRight, u.MetLeft, u.Release
		}
		input(l, id, node.StreamJoin(l.env(id), side, next))
	})
}

// merge is the link of the node where results come together, or of the whole join if
// that is one of a stream with itself, optimized: then both sides have one type.
func (j *streamJoin[K, V, V2, R]) merge(l *linking, id topo.NodeID) {
	next := fan[K, R](l, id)
	if !l.graph.Nodes[id].SelfJoin {
		input(l, id, next)
		return
	}
	f, ok := any(j.f).(func(K, Opt[V], Opt[V]) R)
	if !ok {
		l.fail("%s joins a stream with itself, of two types; this is a fault of the library, please report it", l.graph.Nodes[id].Name)
		return
	}
	both := func(k K, left, right V) R { return f(k, Opt[V]{V: left, OK: true}, Opt[V]{V: right, OK: true}) }
	input(l, id, node.SelfJoin(l.env(id), joinStore(l, j.nodes.Stores[0], j.ks, j.vs), j.window, both, next))
}

// joinParts is what the two sides of a join share in one task.
type joinParts[K, V, V2, R any] struct {
	clock    *node.JoinClock
	unjoined *node.Unjoined[K, V, V2, R]
}

// parts makes the shared parts once a task.
func (j *streamJoin[K, V, V2, R]) parts(l *linking) *joinParts[K, V, V2, R] {
	if have, ok := l.shared[j]; ok {
		return have.(*joinParts[K, V, V2, R])
	}
	p := &joinParts[K, V, V2, R]{clock: node.NewJoinClock()}
	if j.outer[0] || j.outer[1] {
		held := open(l, j.nodes.Shared, func(e store.Engine, s store.Spec) (*node.Held[K, V, V2], error) {
			return store.NewList(e, s, format.JoinKeys(j.ks), format.SidedValues(j.vs, j.vs2))
		})
		id := j.nodes.Join[0]
		p.unjoined = node.NewUnjoined(l.env(id), held, j.window, p.clock, j.ks, j.f, fan[K, R](l, id))
	}
	if l.shared == nil {
		l.shared = map[any]any{}
	}
	l.shared[j] = p
	return p
}

// keptSide is the link of the node that keeps one side's records.
func keptSide[K, V any](st topo.StoreID, w node.JoinWindow, ks serde.Serde[K], vs serde.Serde[V]) link {
	return func(l *linking, id topo.NodeID) {
		kept, next := joinStore(l, st, ks, vs), fan[K, V](l, id)
		if late := lateSink[K, V](l, id); late != nil {
			next = node.JoinLate(kept, w, late, next)
		}
		input(l, id, node.JoinKept(l.env(id), kept, next))
	}
}

func joinStore[K, V any](l *linking, st topo.StoreID, ks serde.Serde[K], vs serde.Serde[V]) *store.Window[K, V] {
	return open(l, st, func(e store.Engine, s store.Spec) (*store.Window[K, V], error) { return store.NewWindow(e, s, ks, vs) })
}
