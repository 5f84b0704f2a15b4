package streams

import (
	"reflect"
	"slices"
	"strings"

	"github.com/millrace/millrace/streams/internal/node"
	"github.com/millrace/millrace/streams/internal/topo"
)

// The Processor API by hand: sources, processors and sinks that are tied together by
// their names, in place of a chain of operators. Types are checked where nodes meet,
// when the node below is added; a misfit is a fault like any other.

// manual is a node that was added by hand.
type manual struct {
	id topo.NodeID
	// out is the type of the records that come out; nil for a sink.
	out   reflect.Type
	where string
	// uses are the stores of a processor, nil for other nodes.
	uses *[]*storeDecl
}

// AddSource reads a topic under a name, to which processors and sinks refer. A topic has
// one source; Stream and Table count as well.
func (b *Builder) AddSource[K, V any](name string, t Topic[K, V], opts ...SourceOption) {
	c := declare(b, "ADD-SOURCE-", false, opts)
	t.check(&c)
	id := c.add(name, topo.Node{Type: topo.SourceNode, Topic: t.name, Reset: c.reset}, nil, nil)
	b.link(id, timed(t, c.timeRule, enter(t.ks, t.vs, false)))
	b.manuals[name] = manual{id: id, out: reflect.TypeFor[Record[K, V]](), where: c.Where}
}

// AddProcessor adds a processor under a name, below nodes that were added before: make
// is called once a task. ForwardTo and [Builder.AddStateStore] know it by the name; its
// stores may also be declared by [Uses].
func (b *Builder) AddProcessor[K, V, K2, V2 any](name string, parents []string, make func(*Context[K2, V2]) Processor[K, V], opts ...ProcessOption) {
	c := declare(b, "ADD-PROCESSOR-", make == nil, opts)
	uses := slices.Clone(c.uses)
	id := c.add(name, topo.Node{}, parents, reflect.TypeFor[Record[K, V]]())
	b.graph.Connect(id, b.uses(&c))
	b.link(id, rekeying(make, &uses))
	b.manuals[name] = manual{id: id, out: reflect.TypeFor[Record[K2, V2]](), where: c.Where, uses: &uses}
}

// AddSink writes to a topic what comes from nodes that were added before.
func (b *Builder) AddSink[K, V any](name string, t Topic[K, V], parents ...string) {
	c := declare[SinkOption](b, "ADD-SINK-", false, nil)
	t.check(&c)
	id := c.add(name, topo.Node{Type: topo.SinkNode, Topic: t.name}, parents, reflect.TypeFor[Record[K, V]]())
	b.link(id, t.to.leave(t.ks, t.vs))
	b.manuals[name] = manual{id: id, where: c.Where}
}

// AddReadOnlyStore adds a store that mirrors a topic, which serves as its changelog: a
// source and a processor, by their names, of which the latter is to put what comes into
// the store, unchanged, and nothing else. It is restored from the topic without the
// processor. Other processors read it; see [Builder.AddStateStore] and KIP-813.
func (b *Builder) AddReadOnlyStore[K, V any](st StateStore, source string, t Topic[K, V], processor string, make func(*Context[K, V]) Processor[K, V], opts ...SourceOption) {
	b.AddSource(source, t, opts...)
	b.AddProcessor(processor, []string{source}, make)
	b.AddStateStore(st, processor)
	if st == nil || st.declaration() == nil {
		return // AddStateStore has said so
	}
	if d, ok := b.stores[st.declaration().name()]; ok {
		b.graph.ReadFrom(d.id, t.name)
	}
}

// add adds a node by hand. in is the type of the records that it takes; nil for a
// source.
func (c *call) add(name string, n topo.Node, parents []string, in reflect.Type) topo.NodeID {
	if err := topo.CheckName(name); err != nil {
		c.fail("the name: %w", err)
	}
	if have, ok := c.b.manuals[name]; ok {
		c.fail("the name %q is already used at %s", name, have.where)
	}
	if in != nil && len(parents) == 0 {
		c.fail("%s has no parents; name a source or a processor", name)
	}
	c.Call.Name, c.Parents = name, nil
	for _, p := range parents {
		if id, ok := c.below(p, in); ok {
			c.Parents = append(c.Parents, id)
		}
	}
	return c.b.graph.Manual(n, c.Call, nil)
}

// below finds a parent, whose records must be of the right types.
func (c *call) below(parent string, in reflect.Type) (topo.NodeID, bool) {
	m, ok := c.b.manuals[parent]
	switch {
	case !ok:
		c.fail("the parent %q was not added before", parent)
	case m.out == nil:
		c.fail("the parent %q is a sink, added at %s; nothing comes out of it", parent, m.where)
	case m.out != in:
		c.fail("the parent %q, added at %s, sends %s, and not %s", parent, m.where, typeName(m.out), typeName(in))
	default:
		return m.id, true
	}
	return 0, false
}

// typeName is a type without the paths of its packages.
func typeName(t reflect.Type) string {
	name := t.String()
	for {
		slash := strings.LastIndex(name, "/")
		if slash < 0 {
			return name
		}
		begin := strings.LastIndexAny(name[:slash], "[,* ") + 1
		name = name[:begin] + name[slash+1:]
	}
}

// connect lets processors that were added by hand use a store.
func (c *call) connect(d *storeDecl, stores []topo.StoreID, processors []string) {
	for _, name := range processors {
		m, ok := c.b.manuals[name]
		switch {
		case !ok:
			c.fail("the processor %q was not added before", name)
		case m.uses == nil:
			c.fail("%q, added at %s, is no processor", name, m.where)
		case !slices.Contains(*m.uses, d):
			*m.uses = append(slices.Clone(*m.uses), d)
			c.b.graph.Connect(m.id, stores)
		}
	}
}

// rekeying is the link of a processor that may change keys, too.
func rekeying[K, V, K2, V2 any](make func(*Context[K2, V2]) Processor[K, V], uses *[]*storeDecl) link {
	return func(l *linking, id topo.NodeID) {
		env := l.env(id)
		ctx := &Context[K2, V2]{newProcessing(l, id, env, *uses), node.NewForwarder(env, fan[K2, V2](l, id), childrenOf[K2, V2](l, id))}
		if p := make(ctx); ctx.ready(l, p != nil) {
			input(l, id, node.Process(p))
		}
	}
}
