package streams

import (
	"github.com/millrace/millrace/streams/internal/node"
	"github.com/millrace/millrace/streams/internal/topo"
)

// TransformContext is what a transformer of [Table.TransformValues] knows about its
// surroundings. It belongs to the goroutine of its task.
type TransformContext struct{ processing }

// TransformValues replaces the value of each row by what a function of the user's own
// makes of it, which may use stores and keep state: make is called once a task, and
// once for each operator below that looks rows up. Unlike [Table.MapValues] it sees
// deletions, as a missing V, and may make rows of them. It sees old values, too, after
// the new one, where an operator below needs those and Materialize keeps none.
//
// The operator's name is As; key, time and headers are those of the change.
func (t Table[K, V]) TransformValues[V2 any](make func(*TransformContext) func(K, Opt[V]) (Opt[V2], error), opts ...ProcessOption) Table[K, V2] {
	c := declare(t.t.owned().h.b, "KTABLE-TRANSFORMVALUES-", make == nil, opts)
	return Table[K, V2]{transformed(t.t.owned(), &c, make)}
}

// transformer makes the user's function live in a task.
type transformer[K, V, V2 any] func(*TransformContext) func(K, Opt[V]) (Opt[V2], error)

func transformed[K, V, V2 any](t tableHandle[K, V], c *call, make transformer[K, V, V2]) tableHandle[K, V2] {
	c.Parents = []topo.NodeID{t.h.id}
	h, uses := newValue[V2](t.h, *c), c.uses
	h.b = t.h.b
	stores := h.b.uses(c)
	h.id = h.b.graph.TableStep(c.Call, stores...)
	out := tableHandle[K, V2]{h: h, sts: t.sts, own: &own[K, V2]{}}
	own, step := out.own, h.id
	open := func(l *linking) node.Transform[K, V, V2] { return make.open(l, step, uses) }
	h.b.link(h.id, func(l *linking, id topo.NodeID) {
		keep := own.keep(l, id, l.olds(id))
		l.wantOlds[id] = l.olds(id) && keep.Rows == nil && keep.Cache == nil
		input(l, id, node.TransformRows(l.env(id), open(l), keep, fan[K, node.Change[V2]](l, id)))
	})
	out.get = func(l *linking) node.Lookup[K, V2] { return node.Transformed(t.get(l), open(l)) }
	return out
}

// open makes the user's function for one task, whatever happens.
func (make transformer[K, V, V2]) open(l *linking, id topo.NodeID, uses []*storeDecl) node.Transform[K, V, V2] {
	ctx := &TransformContext{newProcessing(l, id, l.env(id), uses)}
	f := make(ctx)
	if !ctx.ready(l, f != nil) {
		return func(K, Opt[V]) (none Opt[V2], err error) { return none, nil }
	}
	return f
}
