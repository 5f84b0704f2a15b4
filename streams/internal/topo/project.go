package topo

import (
	"slices"
	"strings"

	"github.com/millrace/millrace/changelog"
)

// TopicName is the name in Kafka of the topic that a source reads or a sink
// writes: internal topics begin with the application id.
func (n *Node) TopicName(appID string) string {
	if n.Internal {
		return appID + "-" + n.Topic
	}
	return n.Topic
}

// TopicNames are the names in Kafka of all topics that a source reads.
func (n *Node) TopicNames(appID string) []string {
	if n.Topic == "" {
		return nil // a pattern that matches none
	}
	return append([]string{n.TopicName(appID)}, n.More...)
}

// Plan is the topology as the runtime of one application needs it.
func (t *Topology) Plan(appID string) *Plan {
	p := &Plan{ApplicationID: appID, Subtopologies: make([]Subtopology, t.Subtopologies), Globals: t.globals(appID)}
	for i := range p.Subtopologies {
		if p.Subtopologies[i].ID = int32(i); !t.isGlobal(int32(i)) {
			p.Subtopologies[i] = t.subtopology(appID, int32(i))
		}
	}
	return p
}

func (t *Topology) subtopology(appID string, id int32) Subtopology {
	s := Subtopology{ID: id}
	stores := map[StoreID]bool{}
	for _, nid := range t.Written {
		n := &t.Nodes[nid]
		if n.Subtopology != id {
			continue
		}
		t.addTopics(&s, appID, n)
		for _, st := range t.storesOf(n) {
			stores[st] = true
		}
	}
	for st := range stores {
		s.Stores = append(s.Stores, t.planStore(appID, st))
	}
	sortSubtopology(&s)
	return s
}

// addTopics adds what one node reads, writes and holds together.
func (t *Topology) addTopics(s *Subtopology, appID string, n *Node) {
	topic := n.TopicName(appID)
	switch n.Type {
	case SourceNode:
		for _, topic := range n.TopicNames(appID) {
			s.Sources = append(s.Sources, Source{Topic: topic, Reset: n.Reset, IdleAfter: n.IdleAfter, Where: n.Where})
		}
		if n.Internal {
			s.Repartitions = append(s.Repartitions, Repartition{Topic: topic, Partitions: n.Partitions, Config: repartitionConfig()})
		}
	case SinkNode:
		if n.Dynamic {
			return
		}
		s.Sinks = append(s.Sinks, topic)
	}
	if len(n.Meets) > 0 {
		s.Copartitioned = append(s.Copartitioned, t.sourcesAbove(appID, n.Meets))
	}
}

// sourcesAbove lists the topics from which records reach the given nodes
// without crossing another topic; the result of a join has those of both its sides.
func (t *Topology) sourcesAbove(appID string, ids []NodeID) (out []string) {
	for _, id := range t.sourceNodesAbove(ids) {
		out = append(out, t.Nodes[id].TopicNames(appID)...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// sourceNodesAbove are the sources themselves, each once.
func (t *Topology) sourceNodesAbove(ids []NodeID) (out []NodeID) {
	seen := map[NodeID]bool{}
	var visit func([]NodeID)
	visit = func(ids []NodeID) {
		for _, id := range ids {
			if seen[id] {
				continue
			}
			seen[id] = true
			n := &t.Nodes[id]
			if n.Type == SourceNode {
				out = append(out, id)
			}
			visit(n.Parents)
			visit(n.Meets)
		}
	}
	visit(ids)
	return out
}

func (t *Topology) planStore(appID string, id StoreID) Store {
	s := &t.Stores[id]
	out := Store{Spec: s.Spec, Where: s.Where}
	switch {
	case s.Source != "":
		out.Changelog, out.FromSource = s.Source, true
	case !s.Spec.LoggingOff:
		out.Changelog = changelog.TopicName(appID, s.Spec.Name)
		out.ChangelogConfig = changelog.TopicConfig(s.Spec, t.logRetention)
	}
	return out
}

func sortSubtopology(s *Subtopology) {
	slices.SortFunc(s.Sources, func(a, b Source) int { return strings.Compare(a.Topic, b.Topic) })
	slices.SortFunc(s.Repartitions, func(a, b Repartition) int { return strings.Compare(a.Topic, b.Topic) })
	slices.SortFunc(s.Stores, func(a, b Store) int { return strings.Compare(a.Spec.Name, b.Spec.Name) })
	slices.Sort(s.Sinks)
	s.Sinks = slices.Compact(s.Sinks)
	slices.SortFunc(s.Copartitioned, slices.Compare)
	s.Copartitioned = slices.CompactFunc(s.Copartitioned, slices.Equal)
}

// repartitionConfig is what Kafka Streams creates repartition topics with:
// nothing expires, because the application itself deletes what it has processed.
func repartitionConfig() map[string]string {
	return map[string]string{
		"cleanup.policy":         "delete",
		"retention.ms":           "-1",
		"segment.bytes":          "52428800",
		"message.timestamp.type": "CreateTime",
	}
}
