package streams

import (
	"time"

	"github.com/millrace/millrace/streams/internal/node"
	"github.com/millrace/millrace/streams/internal/topo"
	"github.com/millrace/millrace/streams/serde"
)

// WindowedTable is a table whose keys are windowed: the result of an aggregation
// by windows or sessions.
type WindowedTable[K, V any] struct{ h windowedHandle[K, V] }

// windowedHandle is the handle of a windowed table, in terms of the inner key:
// what comes out of its node are changes with a key of type Windowed[K].
type windowedHandle[K, V any] struct {
	h  handle[K, V]
	ks serde.Serde[Windowed[K]]
	// closes is how long after its end a window is closed.
	closes time.Duration
	// sts, get and own are those of tableHandle, with windowed keys.
	sts []topo.StoreID
	get func(*linking) node.Lookup[Windowed[K], V]
	own *own[Windowed[K], V]
}

// ToStream is the stream of the table's changes: one record for each update,
// and a deletion where a session was merged into another. key makes the key of
// the stream out of key and window; [WindowedKey] keeps both, and a key of that
// type must not be changed otherwise.
func (t WindowedTable[K, V]) ToStream[K2 any](key func(Windowed[K]) K2, opts ...NodeOption) Stream[K2, V] {
	h := t.h.h.owned()
	c := declare(h.b, "KTABLE-TOSTREAM-", key == nil, opts, h.id)
	out := handle[K2, V]{b: h.b, vs: h.vs, keyFrom: c.origin(), valueFrom: h.valueFrom}
	out.ks, _ = any(t.h.ks).(serde.Serde[K2])
	out.id = h.b.graph.Operator(c.Call)
	h.b.link(out.id, func(l *linking, id topo.NodeID) {
		input(l, id, node.WindowedToStream(key, fan[K2, V](l, id)))
	})
	if keepsWindow[K, K2]() {
		return Stream[K2, V]{out}
	}
	return Stream[K2, V]{named(out)}
}

// keepsWindow says whether K2 is Windowed[K].
func keepsWindow[K, K2 any]() bool {
	var k K2
	_, same := any(k).(Windowed[K])
	return same
}

// named adds the node that Kafka Streams has for the change of keys. The change
// is made by the node above already, which can do it for deletions too.
func named[K, V any](h handle[K, V]) handle[K, V] {
	c := declare[NodeOption](h.b, "KSTREAM-KEY-SELECT-", false, nil, h.id)
	h.rekeyed = true
	return step(h, c, h, func(_ *node.Env, next node.Sink[K, V]) node.Sink[K, V] { return next })
}
