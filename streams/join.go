package streams

import (
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams/internal/node"
	"github.com/millrace/millrace/streams/internal/topo"
)

const leftJoinPrefix = "KSTREAM-LEFTJOIN-"

// JoinTable looks up each record's key in a table and sends what f makes of
// both; a record without a row is left out. Topics of stream and table must have
// the same number of partitions.
func (s Stream[K, V]) JoinTable[V2, R any](t Table[K, V2], f func(K, V, V2) R, opts ...JoinOption) Stream[K, R] {
	h := s.h.owned()
	c := declare(h.b, "KSTREAM-JOIN-", f == nil, opts, h.id)
	inner := func(k K, v V, row Opt[V2]) R { return f(k, v, row.V) }
	return Stream[K, R]{joinTable(h, t.t.owned(), &c, false, inner)}
}

// LeftJoinTable looks up each record's key in a table and sends what f makes of
// both; the row may be missing. A record without key has no row.
func (s Stream[K, V]) LeftJoinTable[V2, R any](t Table[K, V2], f func(K, V, Opt[V2]) R, opts ...JoinOption) Stream[K, R] {
	h := s.h.owned()
	c := declare(h.b, leftJoinPrefix, f == nil, opts, h.id)
	return Stream[K, R]{joinTable(h, t.t.owned(), &c, true, f)}
}

func joinTable[K, V, V2, R any](h handle[K, V], t tableHandle[K, V2], c *call, left bool, f func(K, V, Opt[V2]) R) handle[K, R] {
	out := newValue[R](h, *c)
	out.b, out.rekeyed = h.b, false
	if t.h.b != h.b {
		c.fail("the table belongs to another builder")
		out.id = h.b.graph.Operator(c.Call)
		return out
	}
	c.noJoinStores()
	rekey := h.rekey(c)
	c.SameTypes = sameTypes[K, V, K, R]()
	id, nodes := h.b.graph.Join(c.Call, t.h.id, t.sts, rekey)
	if rekey != nil && rekey.Reuse == nil {
		repartition(h, nodes, h.keySerde(c), h.valueSerde(c))
		h.b.joins[h.id] = nodes
	}
	out.id = id
	switch {
	case c.waits:
		joinLater(h, t, c, id, left, f)
	case t.asOf != nil:
		h.b.link(id, func(l *linking, id topo.NodeID) {
			input(l, id, node.JoinTableAsOf(l.env(id), t.asOf(l), left, f, fan[K, R](l, id)))
		})
	default:
		h.b.link(id, func(l *linking, id topo.NodeID) {
			input(l, id, node.JoinTable(l.env(id), t.get(l), left, f, fan[K, R](l, id)))
		})
	}
	return out
}

// joinLater gives a join with a versioned table the buffer in which records wait.
func joinLater[K, V, V2, R any](h handle[K, V], t tableHandle[K, V2], c *call, id topo.NodeID, left bool, f func(K, V, Opt[V2]) R) {
	if t.asOf == nil {
		c.fail("WithGrace needs a versioned table; give it WithHistory")
		return
	}
	if history := h.b.graph.Declared(t.sts[0]).Spec.History; history < c.grace {
		c.fail("the grace %v is longer than the table's history %v", c.grace, history)
	}
	ks, vs := h.keySerde(c), h.valueSerde(c)
	st := h.b.graph.JoinBuffer(id, topo.StoreDecl{Where: c.Where, NoCache: true, Spec: store.Spec{
		Kind: store.KindGraceBuffer, Retention: c.grace,
	}})
	h.b.link(id, func(l *linking, id topo.NodeID) {
		held := open(l, st, func(e store.Engine, s store.Spec) (*store.GraceBuffer[K, V], error) {
			return store.NewGraceBuffer(e, s, ks, vs)
		})
		input(l, id, node.JoinTableLater(l.env(id), held, t.asOf(l), left, f, fan[K, R](l, id)))
	})
}

// rekey is the request for a repartition topic in front of a join; nil if keys
// did not change. Unnamed joins of one stream share the topic, as they do in
// Kafka Streams.
func (h handle[K, V]) rekey(c *call) *topo.Rekey {
	if !h.rekeyed {
		return nil
	}
	r := &topo.Rekey{Name: c.settings.name}
	if r.Name == "" {
		r.Reuse = h.b.joins[h.id]
	}
	return r
}
