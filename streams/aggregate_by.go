package streams

import (
	"github.com/millrace/millrace/streams/aggregate"
	"github.com/millrace/millrace/streams/internal/node"
)

// Aggregator is how values become an aggregate; see package aggregate, which has some
// ready-made and brings several together into one.
type Aggregator[K, V, A any] = aggregate.Aggregator[K, V, A]

// AggregateBy is [Grouped.Aggregate] with an aggregator out of one piece.
func (g Grouped[K, V]) AggregateBy[A any](a Aggregator[K, V, A], opts ...StoreOption) Table[K, A] {
	gr := g.g.owned()
	c := declare(gr.h.b, aggregatePrefix, false, opts, gr.h.id)
	c.complete(a.Complete(false))
	h, st := aggregateRows(gr, &c, a.Init, a.Add, a.Serde)
	return stored(h, st, c.versioned)
}

// AggregateBy is [WindowedGroup.Aggregate] with an aggregator out of one piece.
func (g WindowedGroup[K, V]) AggregateBy[A any](a Aggregator[K, V, A], opts ...StoreOption) WindowedTable[K, A] {
	gr := g.g.owned()
	c := declare(gr.h.b, aggregatePrefix, false, opts, gr.h.id)
	c.complete(a.Complete(false))
	return WindowedTable[K, A]{windowFold(gr, &c, g.w, g.late, a.Serde, func() node.Rule[K, V, A] { return node.AggregateRule(a.Init, a.Add) })}
}

// AggregateBy is [SessionGroup.Aggregate] with an aggregator out of one piece.
func (g SessionGroup[K, V]) AggregateBy[A any](a Aggregator[K, V, A], opts ...StoreOption) WindowedTable[K, A] {
	gr := g.g.owned()
	c := declare(gr.h.b, aggregatePrefix, false, opts, gr.h.id)
	c.complete(a.Complete(true))
	return WindowedTable[K, A]{sessionFold(gr, &c, g.s, g.late, a.Serde, func() node.Rule[K, V, A] { return node.SessionRule(a.Init, a.Add, a.Merge) })}
}

// complete keeps a fault if an aggregator lacks something.
func (c *call) complete(all bool) {
	if !all {
		c.fail("the aggregator is not complete: it needs Init, Add and Serde, for sessions also Merge, and so do those that it is made of")
	}
}
