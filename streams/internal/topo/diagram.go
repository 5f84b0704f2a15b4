package topo

import (
	"fmt"
	"strings"
)

// Mermaid is the topology as a flow chart for Mermaid: a box around each sub-topology,
// topics as cylinders between them, stores beside the nodes that use them, and the
// file:line of each node.
func (t *Topology) Mermaid() string {
	d := diagram{ids: map[string]string{}, part: "  subgraph %s[\"%s\"]\n", end: "  end\n",
		node: map[string]string{"source": `([%q])`, "sink": `([%q])`, "processor": `[%q]`, "topic": `[(%q)]`, "store": `[/%q/]`},
		line: "<br/>", flow: " --> ", uses: " -.- "}
	return "flowchart TD\n" + d.draw(t)
}

// DOT is the topology as a graph for Graphviz, with the same content.
func (t *Topology) DOT() string {
	d := diagram{ids: map[string]string{}, part: "  subgraph cluster_%s {\n    label=\"%s\";\n", end: "  }\n",
		node: map[string]string{
			"source": ` [shape=ellipse,label=%q];`, "sink": ` [shape=ellipse,label=%q];`, "processor": ` [shape=box,label=%q];`,
			"topic": ` [shape=cylinder,label=%q];`, "store": ` [shape=folder,label=%q];`,
		},
		line: "\n", flow: " -> ", uses: " -> ", dashed: " [style=dashed,dir=none];", stop: ";"}
	return "digraph topology {\n" + d.draw(t) + "}\n"
}

// diagram is a description on its way to a drawing. Its strings are the grammar.
type diagram struct {
	ids                            map[string]string // by kind and name
	part, end                      string
	node                           map[string]string // by kind
	line, flow, uses, dashed, stop string
	b                              strings.Builder
}

func (d *diagram) draw(t *Topology) string {
	all := t.Description()
	for _, part := range all.Subtopologies {
		d.subtopology(&part)
	}
	for _, part := range all.Subtopologies {
		for _, n := range part.Nodes {
			d.edges(&n)
		}
	}
	return d.b.String()
}

func (d *diagram) subtopology(part *DescribedPart) {
	title := fmt.Sprintf("Sub-topology %d", part.ID)
	if part.Global {
		title += " (global store)"
	}
	fmt.Fprintf(&d.b, d.part, fmt.Sprint("part", part.ID), title)
	for _, n := range part.Nodes {
		d.declare(n.Type, n.Name, n.Name, n.Where)
	}
	for _, s := range part.Stores {
		d.declare("store", s.Name, s.Name, s.Kind)
	}
	d.b.WriteString(d.end)
}

// edges draws what goes in and out of a node.
func (d *diagram) edges(n *DescribedNode) {
	id := d.id("node", n.Name)
	for _, topic := range n.topics() {
		if n.Type == "source" {
			d.edge(d.topic(topic), d.flow, id, d.stop)
		} else {
			d.edge(id, d.flow, d.topic(topic), d.stop)
		}
	}
	for _, child := range n.Successors {
		d.edge(id, d.flow, d.id("node", child), d.stop)
	}
	for _, store := range n.Stores {
		d.edge(id, d.uses, d.id("store", store), d.dashed)
	}
}

// topics are what a drawing shows beside a source or sink.
func (n *DescribedNode) topics() []string {
	switch {
	case n.Pattern != "":
		return []string{n.Pattern}
	case n.Dynamic:
		return []string{"chosen by each record"}
	}
	return n.Topics
}

// topic is the id of a topic, declared where it is first seen.
func (d *diagram) topic(name string) string {
	if id, ok := d.ids["topic "+name]; ok {
		return id
	}
	d.declare("topic", name, name)
	return d.id("topic", name)
}

// declare writes a node of a drawing, with its lines of text.
func (d *diagram) declare(kind, name string, lines ...string) {
	space := kind
	if kind == "source" || kind == "sink" || kind == "processor" {
		space = "node"
	}
	fmt.Fprintf(&d.b, "    %s"+d.node[kind]+"\n", d.id(space, name), strings.Join(lines, d.line))
}

func (d *diagram) edge(from, arrow, to, end string) {
	fmt.Fprintf(&d.b, "  %s%s%s%s\n", from, arrow, to, end)
}

// id numbers the things of a drawing, whose grammars allow few characters.
func (d *diagram) id(kind, name string) string {
	key := kind + " " + name
	if _, ok := d.ids[key]; !ok {
		d.ids[key] = fmt.Sprintf("%c%d", kind[0], len(d.ids))
	}
	return d.ids[key]
}
