package topo

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// SourcePattern declares all topics whose names match a regular expression, now or
// later, as one stream. See [Topology.Matching].
func (g *Graph) SourcePattern(pattern string, reset Reset, c Call) NodeID {
	id := g.add(Node{Type: SourceNode, Prefix: c.Prefix, Where: c.Where, Pattern: pattern, Reset: reset})
	g.attach(&step{nodes: []NodeID{id}})
	g.named(id, c.Name)
	return id
}

// CompilePattern reads a pattern of topic names, which matches whole names.
func CompilePattern(pattern string) (*regexp.Regexp, error) {
	return regexp.Compile(`^(?:` + pattern + `)$`)
}

// Patterns says whether a source reads topics by a pattern.
func (t *Topology) Patterns() bool {
	return slices.ContainsFunc(t.Written, func(id NodeID) bool { return t.Nodes[id].Pattern != "" })
}

// Matching is the topology in which sources with a pattern read those of the topics that
// match; the others are as they were. A topic that another source reads belongs to
// that one, so that topics may be all that a cluster has, internal ones apart.
func (t *Topology) Matching(topics []string) *Topology {
	out := *t
	out.Nodes = slices.Clone(t.Nodes)
	taken := map[string]bool{}
	for _, id := range t.Written {
		if n := &t.Nodes[id]; n.Type == SourceNode && n.Pattern == "" {
			for _, topic := range n.TopicNames("") {
				taken[topic] = true
			}
		}
	}
	sorted := slices.Sorted(slices.Values(topics))
	for _, id := range t.Written {
		n := &out.Nodes[id]
		if n.Pattern == "" {
			continue
		}
		matches := n.matching(sorted, taken)
		n.Topic, n.More = "", nil
		if len(matches) > 0 {
			n.Topic, n.More = matches[0], matches[1:]
		}
	}
	return &out
}

// matching are those of the topics that match and that nobody has taken.
func (n *Node) matching(topics []string, taken map[string]bool) (out []string) {
	re, err := CompilePattern(n.Pattern)
	if err != nil {
		return nil // it was refused when it was declared
	}
	for _, topic := range topics {
		if !taken[topic] && re.MatchString(topic) {
			taken[topic] = true
			out = append(out, topic)
		}
	}
	return out
}

// overlaps finds topics that a source reads by name and another by a pattern.
func (t *Topology) overlaps() (faults []error) {
	for _, p := range t.Written {
		pattern := &t.Nodes[p]
		re, err := CompilePattern(pattern.Pattern)
		if pattern.Pattern == "" || err != nil {
			continue
		}
		for _, id := range t.Written {
			n := &t.Nodes[id]
			if n.Type != SourceNode || n.Pattern != "" || n.Internal {
				continue
			}
			for _, topic := range n.TopicNames("") {
				if re.MatchString(topic) {
					faults = append(faults, fmt.Errorf("%s: the source topic %q is matched by the pattern %q at %s, too; a topic has one source",
						n.Where, topic, pattern.Pattern, pattern.Where))
				}
			}
		}
	}
	return faults
}

// topicText is what the description shows of a source's topics, in the order of a Java
// hash set.
func (n *Node) topicText() string {
	if n.Pattern != "" {
		return n.Pattern
	}
	topics := append([]string{n.Topic}, n.More...)
	return "[" + strings.Join(copiedHashOrder(topics), ", ") + "]"
}
