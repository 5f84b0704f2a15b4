package streams

import (
	"fmt"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams/internal/topo"
)

// Stream reads a topic as a stream of independent records. Reading one topic
// twice gives the same stream, as long as the types are the same; the serdes and
// the name of the first call count.
func (b *Builder) Stream[K, V any](t Topic[K, V], opts ...SourceOption) Stream[K, V] {
	c := declare(b, "KSTREAM-SOURCE-", false, opts)
	t.check(&c)
	if again, ok := b.sources[t.name]; ok {
		return Stream[K, V]{sourceAgain[K, V](&c, "the topic "+t.name, again)}
	}
	from := origin{fmt.Sprintf("the topic %s", t.name), c.Where}
	h := handle[K, V]{b: b, ks: t.ks, vs: t.vs, keyFrom: from, valueFrom: from}
	h.id = b.graph.Source(t.name, c.reset, c.Call)
	b.graph.IdleAfter(h.id, c.idleAfter)
	b.link(h.id, timed(t, c.timeRule, enter(t.ks, t.vs, false)))
	b.sources[t.name] = h
	return Stream[K, V]{h}
}

// sourceAgain is the second reading of a topic.
func sourceAgain[K, V any](c *call, topic string, first any) handle[K, V] {
	c.b.graph.SourceAgain(c.Prefix)
	h, ok := first.(handle[K, V])
	if !ok {
		c.fail("%s is already read with other types, as %T; read it once and map it", topic, first)
		return handle[K, V]{}.owned()
	}
	if n := c.b.graph.Node(h.id); c.resetGiven && n.Reset != c.reset {
		c.fail("%s is already read from %v at %s, here from %v", topic, n.Reset, n.Where, c.reset)
	}
	return h
}

// Table reads a topic as a table: the last value of each key, where null
// deletes. A store for it is made when an option or a join asks for one, and As
// names it; AsOperator names the operator.
func (b *Builder) Table[K, V any](t Topic[K, V], opts ...TableOption) Table[K, V] {
	c := declare(b, "KTABLE-SOURCE-", false, opts)
	t.check(&c)
	decl := c.store(c.tableKind(), t.name+"-STATE-STORE-")
	decl.Lazy = c.settings.name == "" && !c.versioned && c.ttl == 0
	source, id, st := b.graph.TableSource(t.name, c.reset, c.Call, decl)
	b.graph.IdleAfter(source, c.idleAfter)
	b.link(source, timed(t, c.timeRule, enter(t.ks, t.vs, true)))
	b.link(id, func(l *linking, id topo.NodeID) {
		input(l, id, tableSource(l, id, st, t.ks, t.vs))
	})
	from := origin{fmt.Sprintf("the topic %s", t.name), c.Where}
	h := handle[K, V]{b: b, id: id, ks: t.ks, vs: t.vs, keyFrom: from, valueFrom: from}
	return Table[K, V]{storedHandle(h, st, c.versioned)}
}

// store turns the options into a store's declaration. As named the store, so
// the operator's name is AsOperator's.
func (c *call) store(kind store.Kind, prefix string) topo.StoreDecl {
	if c.retention != 0 && kind != store.KindWindow && kind != store.KindSession {
		c.fail("only windows and sessions have a retention")
	}
	if c.versioned && kind != store.KindVersioned {
		c.fail("windows and sessions have no history")
	}
	c.Call.Name = c.operator
	decl := topo.StoreDecl{
		Prefix:  prefix,
		Where:   c.Where,
		Spare:   c.spare,
		NoCache: c.noCache || kind == store.KindVersioned || c.lru > 0,
		Spec: store.Spec{
			Name:        c.settings.name,
			Kind:        kind,
			Timestamped: kind == store.KindKeyValue || kind == store.KindWindow,
			History:     c.history,
			LoggingOff:  c.loggingOff,
			LogConfig:   c.logConfig,
		},
	}
	if err := c.shape(&decl.Spec); err != nil {
		c.fail("%w", err)
	}
	return decl
}
