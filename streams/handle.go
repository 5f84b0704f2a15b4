package streams

import (
	"reflect"

	"github.com/millrace/millrace/streams/internal/node"
	"github.com/millrace/millrace/streams/internal/topo"
	"github.com/millrace/millrace/streams/serde"
)

// handle is what Stream, Table and their kin have in common: the node whose
// output they are, and what is known about its types. It names no DSL type, so
// that it may be instantiated with grown ones (see instantiation cycles in
// DESIGN.md).
type handle[K, V any] struct {
	b  *Builder
	id topo.NodeID
	// ks and vs are nil when an operator changed the type and nobody named a serde.
	ks serde.Serde[K]
	vs serde.Serde[V]
	// keyFrom and valueFrom are the operators that made the types.
	keyFrom, valueFrom origin
	// rekeyed says that keys may have changed since the records were last
	// partitioned, so that grouping and joining need a repartition topic.
	rekeyed bool
}

// owned makes the handle safe to use: the zero value of a Stream belongs to no
// builder, and its declarations go to one that nobody builds.
func (h handle[K, V]) owned() handle[K, V] {
	if h.b == nil {
		h.b = NewBuilder()
		h.id = h.b.graph.Operator(topo.Call{Prefix: "UNDECLARED-", Where: caller()})
	}
	return h
}

// step declares an operator with one input and one output.
func step[K, V, K2, V2 any](h handle[K, V], c call, out handle[K2, V2],
	make func(*node.Env, node.Sink[K2, V2]) node.Sink[K, V]) handle[K2, V2] {
	c.SameTypes = sameTypes[K, V, K2, V2]()
	out.b, out.id = h.b, h.b.graph.Operator(c.Call)
	h.b.link(out.id, func(l *linking, id topo.NodeID) {
		input(l, id, make(l.env(id), fan[K2, V2](l, id)))
	})
	return out
}

// sameTypes says whether records come out of an operator with the types that they
// went in with.
func sameTypes[K, V, K2, V2 any]() bool {
	return reflect.TypeFor[K]() == reflect.TypeFor[K2]() && reflect.TypeFor[V]() == reflect.TypeFor[V2]()
}

// end declares an operator without output.
func end[K, V any](h handle[K, V], c call, make func(*node.Env) node.Sink[K, V]) {
	id := h.b.graph.Operator(c.Call)
	h.b.link(id, func(l *linking, id topo.NodeID) { input(l, id, make(l.env(id))) })
}

// newKey is the handle behind an operator that makes keys of another type.
func newKey[K2, K, V any](h handle[K, V], c call) handle[K2, V] {
	return handle[K2, V]{vs: h.vs, keyFrom: c.origin(), valueFrom: h.valueFrom, rekeyed: true}
}

// newValue is the handle behind an operator that makes values of another type.
func newValue[V2, K, V any](h handle[K, V], c call) handle[K, V2] {
	return handle[K, V2]{ks: h.ks, keyFrom: h.keyFrom, valueFrom: c.origin(), rekeyed: h.rekeyed}
}

// newBoth is the handle behind an operator that makes both.
func newBoth[K2, V2 any](c call) handle[K2, V2] {
	return handle[K2, V2]{keyFrom: c.origin(), valueFrom: c.origin(), rekeyed: true}
}
