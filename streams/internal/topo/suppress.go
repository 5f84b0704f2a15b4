package topo

// Suppress declares an operation that holds changes of a table back in a buffer.
// Unlike other operations it takes no number if it has a name.
func (g *Graph) Suppress(c Call, s StoreDecl) (id NodeID, st StoreID) {
	st = g.addStore(s)
	id = g.under(Node{Prefix: c.Prefix, Where: c.Where, Stores: []StoreID{st}}, c.Parents)
	g.replay(func(n *naming) {
		if c.Name != "" {
			n.nodes[id].Name, n.stores[st].Spec.Name = c.Name, c.Name+"-store"
			return
		}
		n.node(id, "")
		n.store(st)
	})
	return id, st
}
