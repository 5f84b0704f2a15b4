package topo

import "slices"

// step is what Kafka Streams calls a graph node: the nodes that one declaration
// writes together. Its priority decides the order of writing, and with it the
// numbers of the sub-topologies.
type step struct {
	priority int
	nodes    []NodeID
	// heads are those of the nodes that hang under what the parents send. Where it is
	// empty a node's parents do not change when steps are moved.
	heads   []NodeID
	parents []*step
	trait   trait
	// topic is set for a repartition topic that may be merged with others.
	topic *RekeyNodes
	// null says that a repartition topic has a filter for null keys, at any rate.
	null *RekeyNodes
	// join is set for a join of two streams.
	join *JoinNodes
	// table is set for a table's source: its store.
	table *StoreID
}

// trait is what a step does to the records, as far as it matters for moving
// repartition topics past it.
type trait uint8

const (
	// newKeys marks the steps above which a repartition topic cannot go.
	newKeys trait = 1 << iota
	// newValues marks those that no repartition topic is moved past.
	newValues
	// merging marks a step where streams come together.
	merging
	// nullKeys marks joins that want records without key.
	nullKeys
)

func (s *step) is(t trait) bool { return s.trait&t != 0 }

// out is the node that the step's children hang under.
func (s *step) out() NodeID { return s.nodes[len(s.nodes)-1] }

// traitOf says what Kafka Streams knows about an operation. What a processor of
// the user's own does it does not know, and takes it for nothing: sameTypes decides
// where that cannot be right, because the types differ.
func traitOf(prefix string, sameTypes bool) trait {
	switch prefix {
	case "KSTREAM-KEY-SELECT-", "KSTREAM-MAP-", "KSTREAM-FLATMAP-":
		return newKeys
	case "KSTREAM-MAPVALUES-", "KSTREAM-FLATMAPVALUES-":
		return newValues
	case "KSTREAM-MERGE-":
		return merging
	}
	if sameTypes {
		return 0
	}
	return newValues
}

// attach gives a new step its priority: one number for each parent it hangs
// under, of which the last counts.
func (g *Graph) attach(s *step) {
	for _, id := range s.nodes {
		g.stepOf[id] = s
	}
	g.steps = append(g.steps, s)
	g.reattach(s)
}

func (g *Graph) reattach(s *step) {
	g.priority += max(1, len(s.parents))
	s.priority = g.priority
}

func (g *Graph) stepsOf(ids []NodeID) []*step {
	out := make([]*step, len(ids))
	for i, id := range ids {
		out[i] = g.stepOf[id]
	}
	return out
}

// copySteps is a copy of the declared steps that may be rewritten, in the order of
// declaration. A parent that is named twice is one parent.
func (g *Graph) copySteps() []*step {
	copies := make(map[*step]*step, len(g.steps))
	out := make([]*step, len(g.steps))
	for i, s := range g.steps {
		c := *s
		copies[s], out[i] = &c, &c
	}
	for _, s := range out {
		var parents []*step
		for _, p := range s.parents {
			if c := copies[p]; !slices.Contains(parents, c) {
				parents = append(parents, c)
			}
		}
		s.parents = parents
	}
	return out
}

// order writes the steps: always the one with the smallest priority among those
// whose parents are all written.
func order(steps []*step) []NodeID {
	waiting := slices.Clone(steps)
	slices.SortStableFunc(waiting, func(a, b *step) int { return a.priority - b.priority })
	written := map[*step]bool{}
	var out []NodeID
	for len(waiting) > 0 {
		i := slices.IndexFunc(waiting, func(s *step) bool {
			return !slices.ContainsFunc(s.parents, func(p *step) bool { return !written[p] })
		})
		if i < 0 {
			return out // a cycle, which declarations cannot make
		}
		written[waiting[i]] = true
		out = append(out, waiting[i].nodes...)
		waiting = slices.Delete(waiting, i, i+1)
	}
	return out
}

// above finds the nearest step for which ok is true, upward from s and s included,
// a parent's parents before the next parent.
func above(s *step, ok func(*step) bool) *step {
	if ok(s) {
		return s
	}
	for _, p := range s.parents {
		if found := above(p, ok); found != nil {
			return found
		}
	}
	return nil
}
