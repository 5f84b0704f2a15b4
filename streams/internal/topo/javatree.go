package topo

// treeSet is Java's TreeSet of nodes: a red-black tree. Kafka Streams changes the sizes
// by which it compares nodes while they are in such sets, so that what order they end up
// in follows from the shape of the tree; a sorted slice would not do.
type treeSet struct {
	compare func(a, b NodeID) int
	root    *leaf
}

type leaf struct {
	id                  NodeID
	left, right, parent *leaf
	red                 bool
}

// add adds a node unless the comparison meets one that is equal.
func (t *treeSet) add(id NodeID) {
	at, parent := &t.root, (*leaf)(nil)
	for *at != nil {
		parent = *at
		switch order := t.compare(id, parent.id); {
		case order == 0:
			return
		case order < 0:
			at = &parent.left
		default:
			at = &parent.right
		}
	}
	*at = &leaf{id: id, parent: parent, red: true}
	t.balance(*at)
	t.root.red = false
}

// balance restores the colours above a new leaf.
func (t *treeSet) balance(x *leaf) {
	for x != t.root && x.parent.red {
		p := x.parent
		up := p.parent
		uncle, inner, outer := up.right, t.rotateLeft, t.rotateRight
		near := p.right
		if p == up.right {
			uncle, inner, outer, near = up.left, t.rotateRight, t.rotateLeft, p.left
		}
		if uncle != nil && uncle.red {
			p.red, uncle.red, up.red = false, false, true
			x = up
			continue
		}
		if x == near {
			inner(p)
			p = x
		}
		p.red, up.red = false, true
		outer(up)
		return
	}
}

func (t *treeSet) rotateLeft(p *leaf) {
	r := p.right
	if p.right = r.left; r.left != nil {
		r.left.parent = p
	}
	t.replace(p, r)
	r.left, p.parent = p, r
}

func (t *treeSet) rotateRight(p *leaf) {
	l := p.left
	if p.left = l.right; l.right != nil {
		l.right.parent = p
	}
	t.replace(p, l)
	l.right, p.parent = p, l
}

// replace puts n where p hangs.
func (t *treeSet) replace(p, n *leaf) {
	n.parent = p.parent
	switch {
	case p.parent == nil:
		t.root = n
	case p.parent.left == p:
		p.parent.left = n
	default:
		p.parent.right = n
	}
}

// list has the nodes in the tree's order.
func (t *treeSet) list() (out []NodeID) {
	var walk func(*leaf)
	walk = func(l *leaf) {
		if l != nil {
			walk(l.left)
			out = append(out, l.id)
			walk(l.right)
		}
	}
	if t != nil {
		walk(t.root)
	}
	return out
}
