package topo

import (
	"fmt"
	"strings"
)

// Global declares a topic that every process reads whole, into a store of its own. It
// is named like a table's source, and no other node reads the topic.
func (g *Graph) Global(topic string, c Call, s StoreDecl) (source, table NodeID, st StoreID) {
	s.Spec.LoggingOff, s.NoCache = true, true // the topic is the changelog
	source, table, st = g.TableSource(topic, Reset{}, c, s)
	g.stepOf[source].table = nil // nothing to be reused
	g.nodes[source].Global = true
	return source, table, st
}

// GlobalJoin declares a look-up of the stream's records in a global store. left says
// that it wants records without key.
func (g *Graph) GlobalJoin(c Call, left bool) NodeID {
	id := g.Operator(c)
	if left {
		g.stepOf[id].trait |= nullKeys
	}
	return id
}

// Global is a topic that every process reads whole, with the store that it goes to.
// Its sub-topology has no tasks.
type Global struct {
	Subtopology int32
	Topic       string
	// Store has no changelog but the topic.
	Store Store
	// Where is the file:line of the declaration, for errors.
	Where string
}

// Global finds the global store of a name.
func (p *Plan) Global(name string) (*Global, bool) {
	for i := range p.Globals {
		if p.Globals[i].Store.Spec.Name == name {
			return &p.Globals[i], true
		}
	}
	return nil, false
}

// globals lists the global stores in the order of their sub-topologies.
func (t *Topology) globals(appID string) (out []Global) {
	for _, id := range t.Written {
		n := &t.Nodes[id]
		if !n.Global {
			continue
		}
		for _, st := range t.Nodes[n.Children[0]].Stores {
			out = append(out, Global{Subtopology: n.Subtopology, Topic: n.TopicName(appID), Store: t.planStore(appID, st), Where: n.Where})
		}
	}
	return out
}

// isGlobal says whether a sub-topology is that of a global store.
func (t *Topology) isGlobal(sub int32) bool {
	for i := range t.Nodes {
		if t.Nodes[i].Global && t.Nodes[i].Subtopology == sub {
			return true
		}
	}
	return false
}

// describeGlobal is the text of a global store's sub-topology.
func (p *picture) describeGlobal(sub int32) string {
	return fmt.Sprintf("  Sub-topology: %d for global store (will not generate tasks)\n", sub) + strings.Join(p.nodes(), "")
}
