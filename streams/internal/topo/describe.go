package topo

import (
	"fmt"
	"slices"
	"strings"
)

// Describe is the topology as text, byte for byte what Kafka Streams prints for
// the same one. Repartition topics are shown without the application id.
func (t *Topology) Describe() string {
	var b strings.Builder
	b.WriteString("Topologies:\n ")
	for id := range t.Subtopologies {
		if t.isGlobal(id) {
			b.WriteString(newPicture(t, id).describeGlobal(id))
			continue
		}
		fmt.Fprintf(&b, "  Sub-topology: %d\n", id)
		for _, n := range newPicture(t, id).nodes() {
			b.WriteString(n)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// picture is one sub-topology on its way to text. Kafka Streams orders nodes by
// the size of what hangs below them, and the neighbours of a node by what that
// size was when they were connected, in the order of a hash table; so the
// picture goes through the same motions.
type picture struct {
	t          *Topology
	ids        []NodeID
	size       map[NodeID]int
	pred, succ map[NodeID]*treeSet
}

func newPicture(t *Topology, sub int32) *picture {
	p := &picture{t: t, size: map[NodeID]int{}, pred: map[NodeID]*treeSet{}, succ: map[NodeID]*treeSet{}}
	for _, id := range t.Written {
		if t.Nodes[id].Subtopology == sub {
			p.ids = append(p.ids, id)
			p.size[id] = 1
		}
	}
	hashOrder(p.ids, grownBuckets(len(p.ids)), func(id NodeID) string { return t.Nodes[id].Name })
	for _, id := range p.ids {
		for _, parent := range t.Nodes[id].Parents {
			p.insert(p.pred, id, parent)
			p.insert(p.succ, parent, id)
			p.grow(parent, p.size[id])
		}
	}
	slices.SortFunc(p.ids, p.compare)
	return p
}

// compare puts larger sub-trees first, then goes by name.
func (p *picture) compare(a, b NodeID) int {
	if p.size[a] != p.size[b] {
		return p.size[b] - p.size[a]
	}
	return strings.Compare(p.t.Nodes[a].Name, p.t.Nodes[b].Name)
}

// insert adds a neighbour of a node, by what the sizes are now.
func (p *picture) insert(into map[NodeID]*treeSet, of, id NodeID) {
	if into[of] == nil {
		into[of] = &treeSet{compare: p.compare}
	}
	into[of].add(id)
}

// grow adds to a node and to all that is known to be above it.
func (p *picture) grow(id NodeID, by int) {
	p.size[id] += by
	for _, parent := range p.pred[id].list() {
		p.grow(parent, by)
	}
}

// nodes is the text of each node, in order.
func (p *picture) nodes() []string {
	out := make([]string, len(p.ids))
	for i, id := range p.ids {
		out[i] = p.node(&p.t.Nodes[id])
	}
	return out
}

func (p *picture) node(n *Node) string {
	switch n.Type {
	case SourceNode:
		return fmt.Sprintf("    Source: %s (topics: %s)\n      --> %s\n", n.Name, n.topicText(), p.names(p.succ[n.ID].list()))
	case SinkNode:
		if n.Dynamic {
			return fmt.Sprintf("    Sink: %s (extractor class: dynamic)\n      <-- %s\n", n.Name, p.names(p.pred[n.ID].list()))
		}
		return fmt.Sprintf("    Sink: %s (topic: %s)\n      <-- %s\n", n.Name, n.Topic, p.names(p.pred[n.ID].list()))
	default:
		return fmt.Sprintf("    Processor: %s (stores: [%s])\n      --> %s\n      <-- %s\n",
			n.Name, p.stores(n), p.names(p.succ[n.ID].list()), p.names(p.pred[n.ID].list()))
	}
}

// stores lists the stores of a node in the order of a Java hash set.
func (p *picture) stores(n *Node) string {
	var names []string
	for _, s := range p.t.storesOf(n) {
		if name := p.t.Stores[s].Spec.Name; !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return strings.Join(copiedHashOrder(names), ", ")
}

func (p *picture) names(ids []NodeID) string {
	if len(ids) == 0 {
		return "none"
	}
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = p.t.Nodes[id].Name
	}
	return strings.Join(names, ", ")
}
