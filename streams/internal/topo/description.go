package topo

import (
	"encoding/json"
	"slices"
	"strings"
)

// Description is a topology as plain data: what Describe shows, and where in the
// program each part was declared.
type Description struct {
	Subtopologies []DescribedPart `json:"sub_topologies"`
}

// DescribedPart is a sub-topology, or a global store's.
type DescribedPart struct {
	ID     int32            `json:"id"`
	Global bool             `json:"global,omitempty"`
	Nodes  []DescribedNode  `json:"nodes"`
	Stores []DescribedStore `json:"stores,omitempty"`
}

// DescribedNode is a source, an operator ("processor") or a sink. Names of internal
// topics are without the application id.
type DescribedNode struct {
	Name string `json:"name"`
	Type string `json:"type"`
	// Where is the file:line of the call that made it.
	Where string `json:"where"`
	// Topics are what a source reads, or what a sink writes unless it is Dynamic.
	Topics   []string `json:"topics,omitempty"`
	Pattern  string   `json:"pattern,omitempty"`
	Dynamic  bool     `json:"dynamic,omitempty"`
	Internal bool     `json:"internal,omitempty"`
	Stores   []string `json:"stores,omitempty"`
	// Successors are the names of the nodes behind it.
	Successors []string `json:"successors,omitempty"`
}

// DescribedStore is a state store.
type DescribedStore struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
	// Where is the file:line of the call that declared it.
	Where string `json:"where"`
	// Changelog is the topic, without the application id, or a source topic that
	// serves as one; empty for none.
	Changelog string `json:"changelog,omitempty"`
}

// Description is the topology as data, in the order of Describe.
func (t *Topology) Description() Description {
	var d Description
	for id := range t.Subtopologies {
		d.Subtopologies = append(d.Subtopologies, t.describedPart(id))
	}
	return d
}

// JSON is the topology's Description, indented.
func (t *Topology) JSON() string {
	b, err := json.MarshalIndent(t.Description(), "", "  ")
	if err != nil {
		return "" // it is made of strings and numbers
	}
	return string(b) + "\n"
}

func (t *Topology) describedPart(id int32) DescribedPart {
	part, p := DescribedPart{ID: id, Global: t.isGlobal(id)}, newPicture(t, id)
	var stores []StoreID
	for _, nid := range p.ids {
		n := &t.Nodes[nid]
		part.Nodes = append(part.Nodes, p.described(n))
		stores = append(stores, t.storesOf(n)...)
	}
	for _, st := range stores {
		part.Stores = append(part.Stores, t.describedStore(st))
	}
	slices.SortFunc(part.Stores, func(a, b DescribedStore) int { return strings.Compare(a.Name, b.Name) })
	part.Stores = slices.Compact(part.Stores)
	return part
}

func (p *picture) described(n *Node) DescribedNode {
	out := DescribedNode{Name: n.Name, Type: "processor", Where: n.Where, Pattern: n.Pattern, Dynamic: n.Dynamic, Internal: n.Internal}
	switch n.Type {
	case SourceNode:
		out.Type = "source"
	case SinkNode:
		out.Type = "sink"
	}
	if n.Topic != "" {
		out.Topics = append([]string{n.Topic}, n.More...)
	}
	for _, st := range p.t.storesOf(n) {
		out.Stores = append(out.Stores, p.t.Stores[st].Spec.Name)
	}
	for _, child := range p.succ[n.ID].list() {
		out.Successors = append(out.Successors, p.t.Nodes[child].Name)
	}
	return out
}

func (t *Topology) describedStore(id StoreID) DescribedStore {
	s := t.planStore("", id)
	return DescribedStore{Name: s.Spec.Name, Kind: s.Spec.Kind.String(), Where: s.Where, Changelog: strings.TrimPrefix(s.Changelog, "-")}
}
