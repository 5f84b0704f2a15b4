package streams

import (
	"github.com/millrace/millrace/streams/internal/node"
	"github.com/millrace/millrace/streams/serde"
)

// Stream is an unbounded stream of independent records. It is a small value:
// copy it, branch from it as often as you like.
type Stream[K, V any] struct{ h handle[K, V] }

// WithKeySerde names the serde for the keys, where a later operator writes them.
func (s Stream[K, V]) WithKeySerde(ks serde.Serde[K]) Stream[K, V] {
	s.h.ks = ks
	return s
}

// WithValueSerde names the serde for the values, where a later operator writes
// them.
func (s Stream[K, V]) WithValueSerde(vs serde.Serde[V]) Stream[K, V] {
	s.h.vs = vs
	return s
}

// Filter keeps the records for which pred is true. Deletions pass, unless V can
// show them to pred as nil.
func (s Stream[K, V]) Filter(pred func(K, V) bool, opts ...NodeOption) Stream[K, V] {
	return Stream[K, V]{filter(s.h.owned(), pred, false, opts)}
}

// FilterNot keeps the records for which pred is false; see [Stream.Filter].
func (s Stream[K, V]) FilterNot(pred func(K, V) bool, opts ...NodeOption) Stream[K, V] {
	return Stream[K, V]{filter(s.h.owned(), pred, true, opts)}
}

func filter[K, V any](h handle[K, V], pred func(K, V) bool, negate bool, opts []NodeOption) handle[K, V] {
	c := declare(h.b, "KSTREAM-FILTER-", pred == nil, opts, h.id)
	return step(h, c, h, func(_ *node.Env, next node.Sink[K, V]) node.Sink[K, V] {
		return node.Filter(pred, negate, next)
	})
}

// Peek shows each record to f and lets it pass unchanged.
func (s Stream[K, V]) Peek(f func(Record[K, V]), opts ...NodeOption) Stream[K, V] {
	h := s.h.owned()
	c := declare(h.b, "KSTREAM-PEEK-", f == nil, opts, h.id)
	return Stream[K, V]{step(h, c, h, func(e *node.Env, next node.Sink[K, V]) node.Sink[K, V] {
		return node.Peek(e, f, next)
	})}
}

// ForEach ends the stream with a call of f for each record.
func (s Stream[K, V]) ForEach(f func(K, V), opts ...NodeOption) {
	h := s.h.owned()
	c := declare(h.b, "KSTREAM-FOREACH-", f == nil, opts, h.id)
	end(h, c, func(e *node.Env) node.Sink[K, V] { return node.ForEach(e, f) })
}

// Merge is this stream and others in one, in no order between them.
func (s Stream[K, V]) Merge(others ...Stream[K, V]) Stream[K, V] {
	handles := make([]handle[K, V], len(others))
	for i, o := range others {
		handles[i] = o.h
	}
	return Stream[K, V]{merge(s.h.owned(), handles, nil)}
}

// To writes the records to a topic, with the topic's serdes. A deletion is
// written as null.
func (s Stream[K, V]) To(t Topic[K, V], opts ...SinkOption) {
	h := s.h.owned()
	c := declare(h.b, "KSTREAM-SINK-", false, opts, h.id)
	t.check(&c)
	h.b.link(h.b.graph.Sink(t.name, c.Call), t.to.leave(t.ks, t.vs))
}

// GroupByKey groups the records by the key they have. If operators above may
// have changed keys, the records go through a repartition topic first.
func (s Stream[K, V]) GroupByKey(opts ...RepartitionOption) Grouped[K, V] {
	h := s.h.owned()
	c := declare(h.b, "GROUP-BY-KEY-", false, opts, h.id)
	return Grouped[K, V]{newGrouping(h, c)}
}

// GroupBy groups the records by a new key, which ks writes to the repartition
// topic that they go through.
func (s Stream[K, V]) GroupBy[K2 any](key func(K, V) K2, ks serde.Serde[K2], opts ...RepartitionOption) Grouped[K2, V] {
	h := s.h.owned()
	c := declare(h.b, "KSTREAM-KEY-SELECT-", key == nil, opts, h.id)
	if ks == nil {
		c.fail("the key serde is nil")
	}
	out := newKey[K2](h, c)
	out.ks = ks
	return Grouped[K2, V]{newGrouping(step(h, c, out, func(e *node.Env, next node.Sink[K2, V]) node.Sink[K, V] {
		return node.SelectKey(e, key, next)
	}), c)}
}
