package topo

import "slices"

// Optimization is a set of rewritings of the topology, as in Kafka Streams'
// topology.optimization.
type Optimization uint8

// The rewritings.
const (
	// ReuseSourceTopics takes the topic of a table's source for the changelog of its
	// store (reuse.ktable.source.topics).
	ReuseSourceTopics Optimization = 1 << iota
	// MergeRepartitionTopics makes one repartition topic of several behind one
	// operation that changes keys (merge.repartition.topics).
	MergeRepartitionTopics
	// SingleStoreSelfJoin keeps one store instead of two for a join of a stream with
	// itself (single.store.self.join).
	SingleStoreSelfJoin

	// OptimizeAll is all of them (all).
	OptimizeAll = ReuseSourceTopics | MergeRepartitionTopics | SingleStoreSelfJoin
)

// optimizer rewrites the steps of one topology that is being built.
type optimizer struct {
	t     *Topology
	steps []*step
}

func (o *optimizer) run(which Optimization) {
	if which&ReuseSourceTopics != 0 {
		o.reuseSources()
	}
	if which&MergeRepartitionTopics != 0 {
		o.mergeTopics()
	}
	if which&SingleStoreSelfJoin != 0 {
		o.joinSelves()
	}
	o.passNullKeys()
}

// reuseSources makes the topics of tables their own changelogs.
func (o *optimizer) reuseSources() {
	for _, s := range o.steps {
		if s.table == nil {
			continue
		}
		if st := &o.t.Stores[*s.table]; !st.Lazy {
			st.Source = o.t.Nodes[s.nodes[0]].Topic
			st.Spec.LoggingOff = true
		}
	}
}

// rekeying is an operation that changes keys, or a merge of streams below several,
// with the repartition topics that it is the cause of.
type rekeying struct {
	cause  *step
	topics []*step
}

// mergeTopics puts one repartition topic directly behind each operation that
// changes keys, in place of all those below it.
func (o *optimizer) mergeTopics() {
	for _, r := range o.rekeyings() {
		o.mergeBehind(r)
	}
}

// rekeyings lists causes and topics: those below a merge first, so that a topic
// which belongs to both goes behind the merge.
func (o *optimizer) rekeyings() []rekeying {
	direct := o.directRekeyings()
	var out []rekeying
	taken := map[*step]bool{}
	for _, m := range slices.Backward(o.steps) {
		if !m.is(merging) {
			continue
		}
		merged := rekeying{cause: m}
		for _, d := range direct {
			if !taken[d.cause] && d.allBelow(m) && above(m, hasParent(d.cause)) != nil {
				merged.topics = append(merged.topics, d.topics...)
				taken[d.cause] = true
			}
		}
		out = append(out, merged)
	}
	for _, d := range direct {
		if !taken[d.cause] {
			out = append(out, d)
		}
	}
	return slices.DeleteFunc(out, func(r rekeying) bool { return len(r.topics) == 0 })
}

// directRekeyings finds the cause of each repartition topic, going up. A topic below
// an operation that changes values has none, because it cannot go above that.
func (o *optimizer) directRekeyings() []rekeying {
	var out []rekeying
	index := map[*step]int{}
	for _, s := range o.steps {
		if s.is(newKeys) {
			index[s] = len(out)
			out = append(out, rekeying{cause: s})
		}
		if s.topic == nil {
			continue
		}
		cause := above(s, func(p *step) bool { return p.is(newKeys | newValues) })
		if cause != nil && cause.is(newKeys) {
			i := index[cause]
			out[i].topics = append(out[i].topics, s)
		}
	}
	return out
}

// allBelow says whether all topics lie below a step.
func (r rekeying) allBelow(s *step) bool {
	return !slices.ContainsFunc(r.topics, func(t *step) bool { return above(t, hasParent(s)) == nil })
}

func hasParent(p *step) func(*step) bool {
	return func(s *step) bool { return slices.Contains(s.parents, p) }
}

// mergeBehind moves the first topic up to its cause, and takes the others away.
// What is between the cause and a topic moves behind the one that is left.
func (o *optimizer) mergeBehind(r rekeying) {
	first := r.topics[0]
	one := &step{priority: r.cause.priority, parents: []*step{r.cause}, topic: first.topic, null: first.topic,
		nodes: first.nodes, heads: first.heads}
	moved := false
	for _, t := range r.topics {
		top := above(t, hasParent(r.cause))
		if top == nil {
			continue // it was moved already, on behalf of another cause
		}
		moved = true
		o.replace(top, r.cause, []*step{one})
		for _, s := range o.steps {
			if slices.Contains(s.parents, t) {
				o.replace(s, t, t.parents)
			}
		}
		o.steps = slices.DeleteFunc(o.steps, func(s *step) bool { return s == t })
		o.meetInstead(t.topic.Source, one.topic.Source)
	}
	if !moved {
		return
	}
	o.steps = append(o.steps, one)
	o.hang(one)
	o.renameTopic(one.topic)
}

// replace gives a step other parents in place of one. New ones go to the end, as in
// Kafka Streams.
func (o *optimizer) replace(s, parent *step, by []*step) {
	s.parents = slices.DeleteFunc(slices.Clone(s.parents), func(p *step) bool { return p == parent })
	for _, p := range by {
		if !slices.Contains(s.parents, p) {
			s.parents = append(s.parents, p)
		}
	}
	o.hang(s)
}

// hang tells the nodes of a step who their parents are now.
func (o *optimizer) hang(s *step) {
	for _, id := range s.heads {
		n := &o.t.Nodes[id]
		n.Parents = make([]NodeID, len(s.parents))
		for i, p := range s.parents {
			n.Parents[i] = p.out()
		}
	}
}

// meetInstead puts a node in another's place where sources must be co-partitioned.
func (o *optimizer) meetInstead(gone, by NodeID) {
	for i := range o.t.Nodes {
		n := &o.t.Nodes[i]
		if !slices.Contains(n.Meets, gone) {
			continue
		}
		n.Meets = slices.Clone(n.Meets)
		for j, id := range n.Meets {
			if id == gone {
				n.Meets[j] = by
			}
		}
	}
}

// renameTopic names the nodes of a topic that was moved after the topic, whether or
// not its name was generated.
func (o *optimizer) renameTopic(r *RekeyNodes) {
	topic := o.t.Nodes[r.Sink].Topic
	o.t.Nodes[r.Filter].Name = topic + "-filter"
	o.t.Nodes[r.Sink].Name = topic + "-sink"
	o.t.Nodes[r.Source].Name = topic + "-source"
}

// joinSelves turns joins of a stream with itself, which have one parent, into a
// look-up in the store of the left side.
func (o *optimizer) joinSelves() {
	for _, s := range o.steps {
		if s.join == nil || len(s.parents) != 1 {
			continue
		}
		right := s.join.Windowed[1]
		o.steps = slices.DeleteFunc(slices.Clone(o.steps), func(w *step) bool { return w.nodes[0] == right })
		merge := &o.t.Nodes[s.join.Merge]
		merge.Parents, merge.Stores = s.join.Windowed[:1], s.join.Stores[:1]
		merge.SelfJoin = true
		s.nodes = []NodeID{merge.ID}
	}
}

// passNullKeys lets records without key through the repartition topics above joins
// that want them, however far below those are.
func (o *optimizer) passNullKeys() {
	for _, s := range o.steps {
		if s.is(nullKeys) {
			o.passAbove(s)
		}
	}
}

func (o *optimizer) passAbove(s *step) {
	for _, p := range s.parents {
		if p.null != nil {
			o.t.Nodes[p.null.Source].NullKeys = true
		}
		o.passAbove(p)
	}
}
