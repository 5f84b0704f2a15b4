package topo

import (
	"fmt"
	"slices"
)

// SourceAll declares several topics that are read as one stream. They belong to
// one co-partitioned group only if something below asks for it.
func (g *Graph) SourceAll(topics []string, reset Reset, c Call) NodeID {
	sorted := slices.Compact(slices.Sorted(slices.Values(topics)))
	id := g.add(Node{Type: SourceNode, Prefix: c.Prefix, Where: c.Where, Topic: sorted[0], More: sorted[1:], Reset: reset})
	g.attach(&step{nodes: []NodeID{id}})
	g.named(id, c.Name)
	return id
}

// DynamicSink declares a sink that chooses the topic of each record itself.
func (g *Graph) DynamicSink(c Call) NodeID {
	id := g.under(Node{Type: SinkNode, Prefix: c.Prefix, Where: c.Where, Dynamic: true}, c.Parents)
	g.named(id, c.Name)
	return id
}

// Branch declares one branch of a split, the parent. Its name is the split's with
// its own behind it, or else with the branch's number; it takes a number of the
// topology's all the same.
func (g *Graph) Branch(c Call, position int) NodeID {
	id := g.under(Node{Prefix: c.Prefix, Where: c.Where}, c.Parents)
	g.stepOf[id].trait = 0
	suffix := c.Name
	if suffix == "" {
		suffix = fmt.Sprint(position)
	}
	g.replay(func(n *naming) {
		n.generate(c.Prefix)
		n.nodes[id].Name = n.nodes[c.Parents[0]].Name + suffix
	})
	return id
}

// Repartition declares a repartition topic for its own sake.
func (g *Graph) Repartition(c Call, partitions int32) *RekeyNodes {
	r := &Rekey{Name: c.Name, Partitions: partitions}
	topic, _ := g.rekey(c, r)
	g.stepOf[topic.Source].topic = nil // it is there for its own sake, and stays
	g.replay(func(n *naming) {
		base := c.Name
		if base == "" {
			base = n.generate(c.Prefix)
		}
		n.topic(r, topic, base)
	})
	return topic
}

// ToTable declares a stream that is read as a table from here on, behind a repartition
// topic if rekey is given. The topic is called after the operation.
func (g *Graph) ToTable(c Call, s StoreDecl, rekey *Rekey) (id NodeID, st StoreID, topic *RekeyNodes) {
	st = g.addStore(s)
	topic, parents := g.rekey(c, rekey)
	id = g.under(Node{Prefix: c.Prefix, Where: c.Where, Stores: []StoreID{st}}, parents)
	g.replay(func(n *naming) {
		n.node(id, c.Name)
		n.store(st)
		n.topic(rekey, topic, n.nodes[id].Name)
	})
	return id, st, topic
}

// StateStore declares a store for processors. It lives in a topology once an operator
// uses it.
func (g *Graph) StateStore(s StoreDecl) StoreID { return g.addStore(s) }

// Process declares an operation of the user's own, which uses stores that were
// declared before. Unlike other operations it takes no number if it has a name.
func (g *Graph) Process(c Call, stores []StoreID) NodeID {
	for _, st := range stores {
		g.Need(st)
	}
	id := g.under(Node{Prefix: c.Prefix, Where: c.Where, Stores: stores}, c.Parents)
	g.stepOf[id].trait = traitOf(c.Prefix, c.SameTypes)
	g.replay(func(n *naming) {
		if n.nodes[id].Name = c.Name; c.Name == "" {
			n.node(id, "")
		}
	})
	return id
}

// Part is one stream of a cogroup: its node, and the repartition topic that it
// needs or nil.
type Part struct {
	Parent NodeID
	Rekey  *Rekey
}

const cogroupPrefix = "COGROUPKSTREAM-"

// Cogroup declares an aggregation of several streams into one store: an operator
// for each, and one that brings their results together.
func (g *Graph) Cogroup(c Call, s StoreDecl, parts []Part) (ids []NodeID, merge NodeID, st StoreID, topics []*RekeyNodes) {
	st = g.addStore(s)
	var above []NodeID
	for _, p := range parts {
		topic, parents := g.rekey(Call{Where: c.Where, Parents: []NodeID{p.Parent}}, p.Rekey)
		if p.Rekey != nil && p.Rekey.Reuse != nil {
			g.reattach(g.stepOf[topic.Source])
		}
		topics, above = append(topics, topic), append(above, parents[0])
	}
	for _, parent := range above {
		ids = append(ids, g.under(Node{Prefix: cogroupPrefix + "AGGREGATE-", Where: c.Where, Stores: []StoreID{st}}, []NodeID{parent}))
	}
	merge = g.under(Node{Prefix: cogroupPrefix + "MERGE-", Where: c.Where, Meets: meeting(above)}, slices.Clone(ids))
	g.replay(func(n *naming) {
		name := n.store(st)
		for i, p := range parts {
			n.topic(p.Rekey, topics[i], name)
		}
		for i, id := range ids {
			n.node(id, suffixed(c.Name, fmt.Sprintf("-cogroup-agg-%d", i)))
		}
		n.node(merge, suffixed(c.Name, "-cogroup-merge"))
	})
	return ids, merge, st, topics
}

// meeting is the nodes that meet, if there is more than one.
func meeting(ids []NodeID) []NodeID {
	if len(ids) < 2 {
		return nil
	}
	return ids
}
