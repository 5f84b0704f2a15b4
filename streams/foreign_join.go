package streams

import (
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/format"
	"github.com/millrace/millrace/streams/internal/node"
	"github.com/millrace/millrace/streams/internal/task"
	"github.com/millrace/millrace/streams/internal/topo"
	"github.com/millrace/millrace/streams/record"
	"github.com/millrace/millrace/streams/serde"
)

const foreignJoinPrefix = "KTABLE-FK-JOIN-"

// JoinFK is the table of what f makes of each row and the row of another table that
// it refers to. fk says to which: false, or a nil key, is to none, and such a row is
// not in the result. Many rows may refer to one, and a change of that one changes all
// of theirs, in the order of their keys' bytes. The tables may have different numbers
// of partitions.
//
// Rows ask for the others through one internal topic and hear from them through
// another, each of them a hop of its own, so that results come later than those of
// [Table.Join] and an answer to a row that has changed since is dropped; both tables
// keep their rows in stores. The time of a result is the later one of both rows. Where
// R is a pointer, nil is no row. As names topics, operators and the subscriptions'
// store; [Table.Materialize] behind it keeps the result, and says how it is written
// where an operator below needs that. (KIP-213, KIP-775)
func (t Table[K, V]) JoinFK[K2, V2, R any](o Table[K2, V2], fk func(K, V) (K2, bool), f func(K, V, V2) R, opts ...JoinOption) Table[K, R] {
	h := t.t.owned()
	c := declare(h.h.b, foreignJoinPrefix, fk == nil || f == nil, opts)
	return Table[K, R]{joinForeign(h, o.t.owned(), &c, foreign[K, V, K2, V2, R]{fk: fk, join: func(k K, v V, row Opt[V2]) R { return f(k, v, row.V) }})}
}

// LeftJoinFK is JoinFK that has all rows of this table: the other's may be missing,
// because it is not there or because the row refers to none.
func (t Table[K, V]) LeftJoinFK[K2, V2, R any](o Table[K2, V2], fk func(K, V) (K2, bool), f func(K, V, Opt[V2]) R, opts ...JoinOption) Table[K, R] {
	h := t.t.owned()
	c := declare(h.h.b, foreignJoinPrefix, fk == nil || f == nil, opts)
	return Table[K, R]{joinForeign(h, o.t.owned(), &c, foreign[K, V, K2, V2, R]{fk: fk, join: f, left: true})}
}

// foreign is what the user gave for a join by a foreign key, and the serdes that are
// needed on the way.
type foreign[K, V, K2, V2, R any] struct {
	fk   func(K, V) (K2, bool)
	join func(K, V, Opt[V2]) R
	left bool

	ks  serde.Serde[K]
	vs  serde.Serde[V]
	ks2 serde.Serde[K2]
	vs2 serde.Serde[V2]
}

func joinForeign[K, V, K2, V2, R any](t tableHandle[K, V], o tableHandle[K2, V2], c *call, j foreign[K, V, K2, V2, R]) tableHandle[K, R] {
	b := t.h.b
	if o.h.b != b {
		c.fail("the other table belongs to another builder")
		return tableHandle[K, R]{}.owned()
	}
	c.noJoinStores()
	j.ks, j.vs = t.h.keySerde(c), t.h.valueSerde(c)
	j.ks2, j.vs2 = o.h.keySerde(c), o.h.valueSerde(c)
	nodes := b.graph.ForeignJoin(topo.ForeignJoin{
		Call:          c.Call,
		Left:          topo.Beside{Node: t.h.id, Stores: t.sts},
		Right:         topo.Beside{Node: o.h.id, Stores: o.sts},
		Subscriptions: topo.StoreDecl{Where: c.Where, NoCache: true, Spec: store.SubscriptionsSpec()},
		Result: topo.StoreDecl{Where: c.Where, Lazy: true, Prefix: foreignJoinPrefix + "OUTPUT-" + storePrefix,
			Spec: store.Spec{Kind: store.KindKeyValue, Timestamped: true}},
	})
	j.linkLeft(b, t, nodes)
	j.linkRight(b, o, nodes)
	return j.result(t, c, nodes)
}

// linkLeft makes the operators live that are beside the left table.
func (j foreign[K, V, K2, V2, R]) linkLeft(b *Builder, t tableHandle[K, V], nodes topo.ForeignNodes) {
	b.link(nodes.Send, func(l *linking, id topo.NodeID) {
		l.wantOlds[id] = true
		input(l, id, node.Subscribe(l.env(id), j.fk, j.left, j.ks, j.vs, j.ks2, fan[K2, format.Subscription](l, id)))
	})
	b.link(nodes.RegistrationSink, leave(j.ks2, node.Subscriptions()))
	b.link(nodes.ResponseSource, func(l *linking, id topo.NodeID) {
		enter(j.ks, node.Answers(j.vs2), false)(l, id)
	})
	b.link(nodes.Resolve, func(l *linking, id topo.NodeID) {
		input(l, id, node.ForeignJoin(l.env(id), t.get(l), j.vs, j.left, j.join, fan[K, R](l, id)))
	})
}

// linkRight makes those live that are beside the right one.
func (j foreign[K, V, K2, V2, R]) linkRight(b *Builder, o tableHandle[K2, V2], nodes topo.ForeignNodes) {
	b.link(nodes.RegistrationSource, enter(j.ks2, node.Subscriptions(), false))
	b.link(nodes.Receive, func(l *linking, id topo.NodeID) {
		input(l, id, node.ReceiveSubscriptions(l.env(id), subscribed(l, nodes.Subscriptions), j.ks2, fan[K2, format.Subscription](l, id)))
	})
	b.link(nodes.Look, func(l *linking, id topo.NodeID) {
		input(l, id, node.AnswerSubscriptions(l.env(id), o.get(l), fan[[]byte, node.Answer[V2]](l, id)))
	})
	b.link(nodes.Changed, func(l *linking, id topo.NodeID) {
		l.wantOlds[id] = true // so that filters above leave out what changes nothing
		input(l, id, node.TellSubscribers(l.env(id), subscribed(l, nodes.Subscriptions), j.ks2, fan[[]byte, node.Answer[V2]](l, id)))
	})
	b.link(nodes.ResponseSink, func(l *linking, id topo.NodeID) {
		input(l, id, node.OutAnswers(j.vs2, answering(l.rt, l.graph.Nodes[id].TopicName(l.appID))))
	})
}

// subscribed opens the store of subscriptions.
func subscribed(l *linking, st topo.StoreID) *store.Subscriptions {
	return open(l, st, func(e store.Engine, _ store.Spec) (*store.Subscriptions, error) {
		return store.NewSubscriptions(e), nil
	})
}

// answering sends to a partition that the record says.
func answering(rt task.Runtime, topic string) node.EmitTo {
	out := &task.Out{Topic: topic}
	return func(partition int32, key, value []byte, time int64, h *record.Headers) error {
		out.Partition, out.Key, out.HashKey, out.Value, out.Time, out.Headers = partition, key, key, value, time, h
		return rt.Emit(out)
	}
}

// result is the joined table: like one that is read from a topic it keeps its rows
// once somebody needs them, and then how they are written must be known.
func (j foreign[K, V, K2, V2, R]) result(t tableHandle[K, V], c *call, nodes topo.ForeignNodes) tableHandle[K, R] {
	h := newValue[R](t.h, *c)
	h.b, h.id, h.ks, h.rekeyed = t.h.b, nodes.Output, j.ks, false
	kept := &own[K, R]{late: true, st: nodes.Result, ks: j.ks}
	h.b.link(nodes.Output, func(l *linking, id topo.NodeID) {
		input(l, id, tableSource(l, id, nodes.Result, kept.ks, kept.vs))
	})
	h.b.atBuild(func(g *topo.Topology) {
		if !g.Stores[nodes.Result].Lazy && kept.vs == nil {
			kept.vs = h.valueSerde(c)
		}
	})
	out := storedHandle(h, nodes.Result, false)
	out.get = func(l *linking) node.Lookup[K, R] { return rowsOf(l, nodes.Result, kept.ks, kept.vs) }
	out.own = kept
	return out
}
