package oracle

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/millrace/millrace/streams"
)

// structure is a topology's parts and their nodes.
type structure struct {
	Parts   []part   `json:"sub_topologies"`
	Globals []global `json:"global_stores"`
}

type part struct {
	ID    int    `json:"id"`
	Nodes []node `json:"nodes"`
}

type global struct {
	ID        int  `json:"id"`
	Source    node `json:"source"`
	Processor node `json:"processor"`
}

type node struct {
	Name       string   `json:"name"`
	Type       string   `json:"type"`
	Topics     []string `json:"topics"`
	Topic      string   `json:"topic"`
	Stores     []string `json:"stores"`
	Successors []string `json:"successors"`
}

// describe compares the description, the structure that it tells, and the names of
// branches.
func (r *replay) describe(t *streams.Topology) {
	text := t.Describe()
	if r.v.Expect.Describe != "" {
		r.same("describe", r.v.Expect.Describe, text)
	}
	got := parse(text)
	if want := r.v.Expect.Topology; want != nil {
		r.same("topology", want.String(), got.String())
	}
	if len(r.v.Expect.Branches) > 0 {
		r.same("branch keys", r.v.Expect.Branches, got.branches(r.v.Program))
	}
}

// String lists the nodes, those of a part by name.
func (s *structure) String() string {
	var b strings.Builder
	for _, p := range s.Parts {
		fmt.Fprintf(&b, "\npart %d", p.ID)
		slices.SortFunc(p.Nodes, func(a, b node) int { return strings.Compare(a.Name, b.Name) })
		for _, n := range p.Nodes {
			b.WriteString(n.String())
		}
	}
	for _, g := range s.Globals {
		fmt.Fprintf(&b, "\nglobal %d%v%v", g.ID, g.Source, g.Processor)
	}
	return b.String()
}

func (n node) String() string {
	slices.Sort(n.Stores)
	slices.Sort(n.Successors)
	topics := n.Topics
	if n.Topic != "" {
		topics = []string{n.Topic}
	}
	return fmt.Sprintf("\n  %s %s topics %q stores %q to %q", n.Type, n.Name, topics, n.Stores, n.Successors)
}

// parse reads a description.
func parse(text string) *structure {
	s := &structure{}
	var into *node
	for _, line := range strings.Split(text, "\n") {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch word {
		case "Sub-topology:":
			into = s.begin(rest)
		case "Source:", "Processor:", "Sink:":
			into = s.add(strings.ToLower(strings.TrimSuffix(word, ":")), rest)
		case "-->":
			if rest != "none" {
				into.Successors = strings.Split(rest, ", ")
			}
		}
	}
	return s
}

// begin opens a part: "3", or "0 for global store (will not generate tasks)".
func (s *structure) begin(rest string) *node {
	number, kind, _ := strings.Cut(rest, " ")
	var id int
	_, _ = fmt.Sscan(number, &id)
	if kind != "" {
		s.Globals = append(s.Globals, global{ID: id})
	} else {
		s.Parts = append(s.Parts, part{ID: id})
	}
	return nil
}

// add adds a node to what was begun last: "NAME (topics: [a, b])".
func (s *structure) add(kind, rest string) *node {
	name, about, _ := strings.Cut(rest, " (")
	what, list, _ := strings.Cut(strings.TrimSuffix(about, ")"), ": ")
	n := node{Name: name, Type: kind}
	items := strings.FieldsFunc(strings.Trim(list, "[]"), func(r rune) bool { return r == ',' || r == ' ' })
	switch {
	case what == "topics":
		n.Topics = items
	case what == "topic":
		n.Topic = list
	case what == "stores":
		n.Stores = items
	}
	return s.place(n)
}

func (s *structure) place(n node) *node {
	g := len(s.Globals) - 1
	if len(s.Parts) > 0 && (g < 0 || s.Parts[len(s.Parts)-1].ID > s.Globals[g].ID) {
		p := &s.Parts[len(s.Parts)-1]
		p.Nodes = append(p.Nodes, n)
		return &p.Nodes[len(p.Nodes)-1]
	}
	if n.Type == "source" {
		s.Globals[g].Source = n
		return &s.Globals[g].Source
	}
	s.Globals[g].Processor = n
	return &s.Globals[g].Processor
}

// branches are, by the id of each split of the program, the sorted names of its
// branches: the keys that Kafka Streams' split returns are the names of their nodes.
func (s *structure) branches(program []op) map[string][]string {
	nodes := map[string]node{}
	for _, p := range s.Parts {
		for _, n := range p.Nodes {
			nodes[n.Name] = n
		}
	}
	generated := slices.DeleteFunc(slices.Sorted(maps.Keys(nodes)), func(name string) bool { return !splitName.MatchString(name) })
	out := map[string][]string{}
	for _, o := range program {
		if o.Op != "split" {
			continue
		}
		name := o.Name
		if name == "" && len(generated) > 0 { // the names have numbers in the program's order
			name, generated = generated[0], generated[1:]
		}
		out[o.ID] = slices.Sorted(slices.Values(nodes[name].Successors))
	}
	return out
}

var splitName = regexp.MustCompile(`^KSTREAM-BRANCH-\d{10}$`)
