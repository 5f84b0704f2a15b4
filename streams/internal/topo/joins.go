package topo

import (
	"fmt"
)

// StreamJoin declares a join of two streams.
type StreamJoin struct {
	// Call has the two streams as Parents.
	Call
	// LeftOuter and RightOuter say whose records come out unjoined, too.
	LeftOuter, RightOuter bool
	// StoreName is what the user calls the stores; empty takes the nodes' names.
	StoreName string
	// Left and Right ask for repartition topics.
	Left, Right *Rekey
	// Stores are declarations of the window stores of both sides and, if there is
	// one, of the store of those that wait to be joined.
	Stores [2]StoreDecl
	Shared *StoreDecl
}

// JoinNodes is what a StreamJoin became; sides are left, then right.
type JoinNodes struct {
	Windowed, Join [2]NodeID
	Merge          NodeID
	Stores         [2]StoreID
	Shared         StoreID // if there is one
	Topics         [2]*RekeyNodes
}

// StreamJoin adds the nodes and stores of a join of two streams: each side is kept in
// a window store, in which the other looks.
func (g *Graph) StreamJoin(j StreamJoin) JoinNodes {
	out := JoinNodes{}
	var feeds [2]NodeID
	prefixes := j.prefixes()
	for i, rekey := range []*Rekey{j.Left, j.Right} {
		side := j.Call
		side.Parents = j.Parents[i : i+1]
		if i == 1 && rekey != nil && rekey.Name == "" && j.Parents[0] == j.Parents[1] {
			rekey.Reuse = out.Topics[0] // a join of a stream with itself
		}
		topic, parents := g.rekey(side, rekey)
		out.Topics[i], feeds[i] = topic, parents[0]
		out.Stores[i] = g.addStore(j.Stores[i])
	}
	for i := range out.Windowed {
		out.Windowed[i] = g.under(Node{Prefix: "KSTREAM-WINDOWED-", Where: j.Where, Stores: []StoreID{out.Stores[i]}}, feeds[i:i+1])
	}
	for i := range out.Join {
		stores := []StoreID{out.Stores[1-i]}
		if j.Shared != nil {
			if i == 0 {
				out.Shared = g.addStore(*j.Shared)
			}
			stores = append(stores, out.Shared)
		}
		out.Join[i] = g.add(Node{Prefix: prefixes[i], Where: j.Where, Parents: out.Windowed[i : i+1], Stores: stores})
	}
	out.Merge = g.add(Node{Prefix: "KSTREAM-MERGE-", Where: j.Where, Parents: out.Join[:], Meets: feeds[:]})
	s := &step{nodes: []NodeID{out.Join[0], out.Join[1], out.Merge}, parents: g.stepsOf(feeds[:]), join: &out}
	if !j.SameTypes {
		s.trait = newValues
	}
	if j.LeftOuter || j.RightOuter {
		s.trait |= nullKeys
	}
	g.attach(s)
	g.replay(func(n *naming) { j.name(n, &out) })
	return out
}

// prefixes are those of the joining nodes: a side is an outer one if the other may
// stand alone.
func (j *StreamJoin) prefixes() [2]string {
	out := [2]string{"KSTREAM-JOINTHIS-", "KSTREAM-JOINOTHER-"}
	if j.RightOuter {
		out[0] = "KSTREAM-OUTERTHIS-"
	}
	if j.LeftOuter {
		out[1] = "KSTREAM-OUTEROTHER-"
	}
	return out
}

// suffixes are those of the same nodes where the user gave a name.
func (j *StreamJoin) suffixes() [2]string {
	out := [2]string{"-this-join", "-other-join"}
	if j.RightOuter {
		out[0] = "-outer-this-join"
	}
	if j.LeftOuter {
		out[1] = "-outer-other-join"
	}
	return out
}

func (j *StreamJoin) name(n *naming, nodes *JoinNodes) {
	for i, rekey := range []*Rekey{j.Left, j.Right} {
		n.topic(rekey, nodes.Topics[i], n.nodes[j.Parents[i]].Name)
	}
	n.node(nodes.Windowed[0], suffixed(j.Name, "-this-windowed"))
	n.node(nodes.Windowed[1], suffixed(j.Name, "-other-windowed"))
	suffixes, first := j.suffixes(), n.next
	for i, id := range nodes.Join {
		generated := fmt.Sprintf("%s%010d", n.nodes[id].Prefix, n.next)
		n.node(id, suffixed(j.Name, suffixes[i]))
		name := generated
		if j.StoreName != "" {
			name = j.StoreName + suffixes[i]
		}
		st := &n.stores[nodes.Stores[i]]
		st.Spec.Name, st.Generated = name+"-store", j.StoreName == ""
	}
	n.node(nodes.Merge, suffixed(j.Name, "-merge"))
	if j.Shared != nil {
		st := &n.stores[nodes.Shared]
		st.Spec.Name, st.Generated = j.sharedName(first), j.StoreName == ""
	}
}

func (j *StreamJoin) sharedName(number int) string {
	switch {
	case j.StoreName == "":
		return fmt.Sprintf("KSTREAM-OUTERSHARED-%010d-store", number)
	case j.RightOuter:
		return j.StoreName + "-outer-shared-join-store"
	}
	return j.StoreName + "-left-shared-join-store"
}

// JoinBuffer gives a join with a table a store for the records that wait; it is
// called after the join.
func (g *Graph) JoinBuffer(join NodeID, s StoreDecl) StoreID {
	st := g.addStore(s)
	g.nodes[join].Stores = append([]StoreID{st}, g.nodes[join].Stores...) // Kafka Streams adds it first
	g.replay(func(n *naming) { n.stores[st].Spec.Name = n.nodes[join].Name + "-Buffer" })
	return st
}

// Declared returns a store as declared.
func (g *Graph) Declared(id StoreID) StoreDecl { return g.stores[id] }
