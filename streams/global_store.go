package streams

import (
	"github.com/millrace/millrace/streams/internal/node"
	"github.com/millrace/millrace/streams/internal/topo"
)

// AddGlobalStore declares a store that each process fills from all partitions of a
// topic by a processor of the user's own, made once a process. Processors of all
// sub-topologies read it, through the same reference, without declaring the use of it;
// only this one may write to it. st is a store without record cache and changelog: the
// topic is its changelog.
//
// When and how the topic is read, and what becomes of records that cannot be decoded,
// is said at [Builder.GlobalTable]. The processor sees each record again that came
// after the position on the disk, and all of them if there is none; it sees those
// without key, and deletions, too. The name of As is that of the operator. (KIP-813)
func (b *Builder) AddGlobalStore[K, V any](st StateStore, t Topic[K, V], make func(*GlobalContext) Processor[K, V], opts ...NodeOption) {
	c := declare(b, "KTABLE-SOURCE-", make == nil, opts)
	t.check(&c)
	if st == nil || st.declaration() == nil {
		c.fail("the store is none; make it with KVStore or its kin")
		return
	}
	d := st.declaration()
	decl, ok := b.globalState(&c, d)
	if !ok {
		return
	}
	source, id, sid := b.graph.Global(t.name, c.Call, decl)
	b.globals[d] = sid
	b.stores[d.spec.Name] = declared{d, sid}
	b.link(source, enter(t.ks, t.vs, true))
	b.link(id, func(l *linking, id topo.NodeID) {
		n := &l.graph.Nodes[id]
		ctx := &GlobalContext{processing{env: l.env(id), rt: l.rt, linked: l.out, name: n.Name, where: n.Where, views: map[*storeDecl]any{d: d.open(l, sid)}}}
		if p := make(ctx); ctx.p.ready(l, p != nil) {
			input(l, id, node.Process(p))
		}
	})
}

// globalState checks the declaration of a global store.
func (b *Builder) globalState(c *call, d *storeDecl) (topo.StoreDecl, bool) {
	if d.shared != nil {
		c.fail("the rows of a table are no store of its own; make one with KVStore or its kin")
		return topo.StoreDecl{}, false
	}
	if have, ok := b.stores[d.spec.Name]; ok {
		c.fail("the store %s is used already, at %s; declare a global store before its use, and once", d.name(), have.d.where)
		return topo.StoreDecl{}, false
	}
	b.checkState(d)
	return topo.StoreDecl{Spec: d.spec, Where: d.where}, true
}

// global is the view of a global store that a processor asks for.
func (l *linking) global(d *storeDecl) (any, bool) {
	id, ok := l.globals[d]
	if !ok {
		return nil, false
	}
	return d.open(l, id), true
}

// GlobalContext is what the processor of a global store knows about its surroundings.
// Such a processor sends nothing and has no schedules. It belongs to the goroutine
// that reads the topic.
type GlobalContext struct{ p processing }

// state implements StoreContext.
func (c *GlobalContext) state(d *storeDecl) any { return c.p.state(d) }

// Metadata says where the record being processed came from.
func (c *GlobalContext) Metadata() (RecordMetadata, bool) { return c.p.Metadata() }

// Skip counts a record that the processor leaves out, by a reason such as "late".
func (c *GlobalContext) Skip(reason string) { c.p.Skip(reason) }
