package streams

import (
	"github.com/millrace/millrace/streams/internal/node"
	"github.com/millrace/millrace/streams/internal/topo"
	"github.com/millrace/millrace/streams/serde"
)

// repartition links the nodes of a repartition topic. Records without key are
// dropped in front of it, unless a left join behind it wants them. Nulls pass, as
// in Kafka Streams: what comes behind shows them to a type that has a null, and
// skips them for one that has none.
func repartition[K, V any](h handle[K, V], n *topo.RekeyNodes, ks serde.Serde[K], vs serde.Serde[V]) {
	h.b.link(n.Filter, func(l *linking, id topo.NodeID) {
		env, next := l.env(id), fan[K, V](l, id)
		if !l.graph.Nodes[n.Source].NullKeys {
			next = node.DropNullKeys(env, next)
		}
		input(l, id, next)
	})
	h.b.link(n.Sink, leave(ks, vs))
	h.b.link(n.Source, enter(ks, vs, true))
}
