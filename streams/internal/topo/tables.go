package topo

import "slices"

// TableStep declares an operation from table to table. It has no store, unless
// Materialize gives it one later; stores are those that it uses beside that.
func (g *Graph) TableStep(c Call, stores ...StoreID) NodeID {
	for _, st := range stores {
		g.Need(st)
	}
	id := g.under(Node{Prefix: c.Prefix, Where: c.Where, Stores: stores}, c.Parents)
	g.replay(func(n *naming) {
		g.nameOwn(n, id)
		n.node(id, c.Name)
	})
	return id
}

// Materialize gives a table's operation a store of its own, which takes its number
// in front of the operation's. A lazy one takes the number and nothing else. It
// returns false if the operation has one already.
func (g *Graph) Materialize(id NodeID, s StoreDecl) (StoreID, bool) {
	if st, ok := g.own[id]; ok {
		return st, false
	}
	st := g.addStore(s)
	if g.own == nil {
		g.own = map[NodeID]StoreID{}
	}
	g.own[id] = st
	g.nodes[id].Stores = append(slices.Clone(g.nodes[id].Stores), st)
	return st, true
}

// nameOwn names the store that Materialize gave to a node.
func (g *Graph) nameOwn(n *naming, id NodeID) {
	if st, ok := g.own[id]; ok {
		n.store(st)
	}
}

// Beside is one side of a join of tables: the node that sends its changes, and
// the stores in which the other side looks its rows up.
type Beside struct {
	Node   NodeID
	Stores []StoreID
}

// TableJoin declares a join of two tables: a node for the changes of each side, and
// one in which they meet, which Materialize can give a store.
func (g *Graph) TableJoin(c Call, left, right Beside) (this, other, merge NodeID) {
	for _, st := range slices.Concat(left.Stores, right.Stores) {
		g.Need(st)
	}
	this = g.add(Node{Prefix: "KTABLE-JOINTHIS-", Where: c.Where, Parents: []NodeID{left.Node}, Stores: right.Stores})
	other = g.add(Node{Prefix: "KTABLE-JOINOTHER-", Where: c.Where, Parents: []NodeID{right.Node}, Stores: left.Stores})
	merge = g.add(Node{Prefix: c.Prefix, Where: c.Where, Parents: []NodeID{this, other}, Meets: []NodeID{left.Node, right.Node}})
	g.attach(&step{nodes: []NodeID{this, other, merge}, parents: g.stepsOf([]NodeID{left.Node, right.Node})})
	g.replay(func(n *naming) {
		g.nameOwn(n, merge)
		n.node(merge, c.Name)
		n.node(this, suffixed(c.Name, "-join-this"))
		n.node(other, suffixed(c.Name, "-join-other"))
	})
	return this, other, merge
}

// TableAggregate declares an aggregation of a regrouped table: its changes always
// go through a repartition topic, which has no filter in front. c.Parents are the
// node that regroups.
func (g *Graph) TableAggregate(c Call, s StoreDecl, r Rekey) (id NodeID, st StoreID, topic *RekeyNodes) {
	st = g.addStore(s)
	if topic = r.Reuse; topic == nil {
		sink := g.add(Node{Type: SinkNode, Prefix: "KSTREAM-SINK-", Where: c.Where, Internal: true, Parents: c.Parents})
		source := g.add(Node{Type: SourceNode, Prefix: "KSTREAM-SOURCE-", Where: c.Where, Internal: true, Partitions: r.Partitions})
		g.attach(&step{nodes: []NodeID{sink, source}, heads: []NodeID{sink}, parents: g.stepsOf(c.Parents)})
		topic = &RekeyNodes{Sink: sink, Source: source}
	} else {
		g.reattach(g.stepOf[topic.Source]) // Kafka Streams adds it once more
	}
	id = g.under(Node{Prefix: c.Prefix, Where: c.Where, Stores: []StoreID{st}}, []NodeID{topic.Source})
	g.replay(func(n *naming) {
		base := n.store(st)
		if r.Name != "" {
			base = r.Name
		}
		sink, source := suffixed(c.Name, "-sink"), suffixed(c.Name, "-source")
		if r.Reuse != nil {
			n.generate("")
			n.generate("")
		} else {
			n.nodes[topic.Sink].Topic, n.nodes[topic.Source].Topic = base+repartitionSuffix, base+repartitionSuffix
			n.nodes[topic.Source].Generated = r.Name == "" && n.stores[st].Generated
			n.node(topic.Sink, sink)
			n.node(topic.Source, source)
		}
		n.node(id, c.Name)
	})
	return id, st, topic
}
