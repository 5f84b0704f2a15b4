package streams

import (
	"slices"

	"github.com/millrace/millrace/streams/internal/node"
	"github.com/millrace/millrace/streams/internal/topo"
)

// Split cuts a stream into branches: each record goes to the first branch whose
// predicate is true for it. It is made by [Stream.Split].
type Split[K, V any] struct{ s *split[K, V] }

// split is what the branches share. Like handle it names no DSL type.
type split[K, V any] struct {
	h        handle[K, V]
	branches int
	rest     string // where Rest was called
}

// Split begins to cut the stream into branches. A name that is given begins the
// names of the branches, too.
func (s Stream[K, V]) Split(opts ...NodeOption) *Split[K, V] {
	h := s.h.owned()
	c := declare(h.b, "KSTREAM-BRANCH-", false, opts, h.id)
	out := h
	out.id = h.b.graph.Operator(c.Call)
	h.b.link(out.id, func(l *linking, id topo.NodeID) {
		input(l, id, node.Split(l.env(id), branches[K, V](l, id)))
	})
	return &Split[K, V]{&split[K, V]{h: out}}
}

// Branch is the stream of the records for which pred is true, and for which no
// branch before was. As puts a text behind the split's name, in place of the
// branch's number.
func (s *Split[K, V]) Branch(pred func(K, V) bool, opts ...NodeOption) Stream[K, V] {
	sp := s.owned()
	c := declare(sp.h.b, "KSTREAM-BRANCH-", pred == nil, opts, sp.h.id)
	if sp.rest != "" {
		c.fail("the split has its Rest already, at %s; it comes last", sp.rest)
	}
	sp.branches++
	return Stream[K, V]{sp.branch(c, pred, sp.branches)}
}

// Rest is the stream of the records that no branch takes. Without it they are left
// out. It comes after all calls of Branch, and its number is 0.
func (s *Split[K, V]) Rest(opts ...NodeOption) Stream[K, V] {
	sp := s.owned()
	c := declare(sp.h.b, "KSTREAM-BRANCH-", false, opts, sp.h.id)
	if sp.rest != "" {
		c.fail("the split has its Rest already, at %s", sp.rest)
	}
	sp.rest = c.Where
	return Stream[K, V]{sp.branch(c, nil, 0)}
}

// owned makes the zero value safe to use.
func (s *Split[K, V]) owned() *split[K, V] {
	if s == nil || s.s == nil {
		return &split[K, V]{h: handle[K, V]{}.owned()}
	}
	return s.s
}

// branch declares a node that lets pass, and publishes it to the split above with
// its predicate.
func (sp *split[K, V]) branch(c call, pred func(K, V) bool, position int) handle[K, V] {
	out := sp.h
	out.id = sp.h.b.graph.Branch(c.Call, position)
	out.b.link(out.id, func(l *linking, id topo.NodeID) {
		l.in[id] = node.Branch[K, V]{Pred: pred, Next: fan[K, V](l, id)}
	})
	return out
}

// branches collects what the children of a split have published.
func branches[K, V any](l *linking, id topo.NodeID) []node.Branch[K, V] {
	children := slices.Clone(l.graph.Nodes[id].Children)
	slices.Sort(children) // in the order of their declaration
	out := make([]node.Branch[K, V], len(children))
	for i, child := range children {
		out[i], _ = l.in[child].(node.Branch[K, V])
	}
	return out
}
