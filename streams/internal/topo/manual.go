package topo

import "slices"

// Manual declares a node of the Processor API by hand: its name is given, takes no
// number, and it is written where it was declared.
func (g *Graph) Manual(n Node, c Call, stores []StoreID) NodeID {
	for _, st := range stores {
		g.Need(st)
	}
	n.Prefix, n.Where, n.Stores = c.Prefix, c.Where, slices.Clone(stores)
	id := g.under(n, c.Parents)
	g.replay(func(n *naming) { n.nodes[id].Name = c.Name })
	return id
}

// Connect lets one more node use stores.
func (g *Graph) Connect(id NodeID, stores []StoreID) {
	for _, st := range stores {
		g.Need(st)
		if !slices.Contains(g.nodes[id].Stores, st) {
			g.nodes[id].Stores = append(slices.Clone(g.nodes[id].Stores), st)
		}
	}
}

// ReadFrom makes a topic the changelog of a store that a processor keeps equal to it.
func (g *Graph) ReadFrom(st StoreID, topic string) {
	g.stores[st].Source, g.stores[st].Spec.LoggingOff = topic, true
}
