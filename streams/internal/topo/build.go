package topo

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/millrace/millrace/changelog"
	"github.com/millrace/millrace/store"
)

// Topology is a built graph: named, ordered and cut into sub-topologies. It is
// immutable and safe for concurrent use.
type Topology struct {
	// Nodes are indexed by NodeID.
	Nodes []Node
	// Stores are indexed by StoreID; those that stayed lazy do not exist.
	Stores []StoreDecl
	// Written lists the nodes in the order in which Kafka Streams adds them to its
	// topology: parents first.
	Written []NodeID
	// Subtopologies is how many there are.
	Subtopologies int32

	logRetention time.Duration
}

// Options are what a topology is built with.
type Options struct {
	// Optimize are the rewritings that are made.
	Optimize Optimization
	// LogRetention is how much longer than its store a changelog topic keeps what
	// expires; 0 is the default.
	LogRetention time.Duration
	// RequireNames makes faults of generated names of stores and internal topics.
	RequireNames bool
	// HeaderStores gives the changelogs of tables and aggregates the form of stores
	// that keep headers; see store.Spec.LogRemovalHeaders.
	HeaderStores bool
}

// Build names all nodes, optimizes and orders them and numbers the sub-topologies. It
// reports all faults together. The graph stays as it is and may grow further.
func (g *Graph) Build(opt Options) (*Topology, error) {
	t := &Topology{Nodes: cloneNodes(g.nodes), Stores: slices.Clone(g.stores), logRetention: cmp.Or(opt.LogRetention, changelog.AdditionalRetention)}
	t.format(opt)
	n := naming{nodes: t.Nodes, stores: t.Stores}
	for _, call := range g.calls {
		call(&n)
	}
	o := optimizer{t: t, steps: g.copySteps()}
	o.run(opt.Optimize)
	t.Written = order(o.steps)
	t.connect()
	t.number()
	if err := t.check(opt.RequireNames); err != nil {
		return nil, err
	}
	return t, nil
}

// format sets what the options say about the form of all stores of operators.
func (t *Topology) format(opt Options) {
	for i := range t.Stores {
		s := &t.Stores[i]
		kept := s.Spec.Timestamped && s.Spec.Kind != store.KindWindow || s.Spec.Kind == store.KindSession
		s.Spec.LogRemovalHeaders = opt.HeaderStores && kept && s.Prefix != ""
	}
}

// cloneNodes copies what Build changes.
func cloneNodes(nodes []Node) []Node {
	out := slices.Clone(nodes)
	for i := range out {
		out[i].Children = nil
	}
	return out
}

// connect tells parents of their children, in the order of writing.
func (t *Topology) connect() {
	for _, id := range t.Written {
		for _, p := range t.Nodes[id].Parents {
			t.Nodes[p].Children = append(t.Nodes[p].Children, id)
		}
	}
}

// number gives each connected component an id, in the order of its first node.
// What connects is an edge or a shared store, never a topic.
func (t *Topology) number() {
	sets := newComponents(len(t.Nodes), len(t.Stores))
	for _, id := range t.Written {
		n := &t.Nodes[id]
		for _, p := range n.Parents {
			sets.unite(int(id), int(p))
		}
		for _, s := range t.storesOf(n) {
			sets.unite(int(id), len(t.Nodes)+int(s))
		}
	}
	ids := map[int]int32{}
	for _, id := range t.Written {
		root := sets.root(int(id))
		if _, ok := ids[root]; !ok {
			ids[root] = t.Subtopologies
			t.Subtopologies++
		}
		t.Nodes[id].Subtopology = ids[root]
	}
}

// storesOf lists the stores of a node that exist.
func (t *Topology) storesOf(n *Node) []StoreID {
	var out []StoreID
	for _, s := range n.Stores {
		if !t.Stores[s].Lazy {
			out = append(out, s)
		}
	}
	return out
}

// check finds names that are used twice, and topics read in two ways.
func (t *Topology) check(names bool) error {
	var faults []error
	if names {
		faults = t.unnamed()
	}
	nodes, stores, topics := once{}, once{}, once{}
	for _, id := range t.Written {
		n := &t.Nodes[id]
		faults = append(faults, nodes.see("operator name", n.Name, n.Where))
		if n.Type == SourceNode && n.Internal {
			faults = append(faults, topics.see("repartition topic", n.Topic, n.Where))
		} else if n.Type == SourceNode {
			for _, topic := range n.TopicNames("") {
				faults = append(faults, topics.see("source topic", topic, n.Where))
			}
		}
	}
	for i := range t.Stores {
		if s := &t.Stores[i]; !s.Lazy {
			faults = append(faults, stores.see("store name", s.Spec.Name, s.Where))
		}
	}
	faults = append(faults, t.overlaps()...)
	faults = append(faults, t.mismatches()...)
	if len(t.Written) == 0 {
		faults = append(faults, errors.New("the topology is empty: declare a source with Stream or Table"))
	}
	return errors.Join(faults...)
}

// unnamed finds stores and repartition topics with generated names.
func (t *Topology) unnamed() (faults []error) {
	const remedy = "%s: the %s %s has a generated name, which changes with the program; give it one with As"
	seen := map[StoreID]bool{}
	for _, id := range t.Written {
		n := &t.Nodes[id]
		if n.Type == SourceNode && n.Internal && n.Generated {
			faults = append(faults, fmt.Errorf(remedy, n.Where, "repartition topic", n.Topic))
		}
		for _, st := range t.storesOf(n) {
			if s := &t.Stores[st]; s.Generated && !seen[st] {
				seen[st] = true
				faults = append(faults, fmt.Errorf(remedy, s.Where, "store", s.Spec.Name))
			}
		}
	}
	return faults
}

// mismatches finds repartition topics that must be co-partitioned and were given
// different partition counts. Those of other topics are known at the start only.
func (t *Topology) mismatches() (faults []error) {
	for _, id := range t.Written {
		var first *Node
		for _, source := range t.sourceNodesAbove(t.Nodes[id].Meets) {
			n := &t.Nodes[source]
			switch {
			case n.Partitions == 0:
			case first == nil:
				first = n
			case n.Partitions != first.Partitions:
				faults = append(faults, fmt.Errorf("%s: the repartition topics %s, of %d partitions, and %s, of %d, given at %s and %s, meet here; give them the same number",
					t.Nodes[id].Where, first.Topic, first.Partitions, n.Topic, n.Partitions, first.Where, n.Where))
			}
		}
	}
	return faults
}

// once remembers where a name was first used.
type once map[string]string

func (o once) see(what, name, where string) error {
	first, seen := o[name]
	if !seen {
		o[name] = where
		return nil
	}
	return fmt.Errorf("%s: the %s %q is already used at %s; it must be unique in the topology", where, what, name, first)
}

// components is union-find over small integers.
type components []int

func newComponents(n, m int) components {
	c := make(components, n+m)
	for i := range c {
		c[i] = i
	}
	return c
}

func (c components) root(i int) int {
	for c[i] != i {
		c[i] = c[c[i]]
		i = c[i]
	}
	return i
}

func (c components) unite(a, b int) { c[c.root(a)] = c.root(b) }
