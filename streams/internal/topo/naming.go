package topo

import (
	"fmt"
	"regexp"
	"strings"
)

// naming gives the names of Kafka Streams: one counter for the whole topology,
// of which a number is taken even where the user gave a name.
type naming struct {
	next   int
	nodes  []Node
	stores []StoreDecl
}

// generate takes the next number.
func (n *naming) generate(prefix string) string {
	name := fmt.Sprintf("%s%010d", prefix, n.next)
	n.next++
	return name
}

// node names a node; its number is taken in any case.
func (n *naming) node(id NodeID, given string) {
	name := n.generate(n.nodes[id].Prefix)
	if given != "" {
		name = given
	}
	n.nodes[id].Name = name
}

// store names a store; it takes a number only if the user gave no name.
func (n *naming) store(id StoreID) string {
	s := &n.stores[id]
	if s.Spec.Name == "" {
		if s.Spare {
			n.generate(s.Prefix)
		}
		s.Spec.Name, s.Generated = n.generate(s.Prefix), true
	}
	return s.Spec.Name
}

const repartitionSuffix = "-repartition"

// generatedTopic matches repartition topics whose nodes have numbered names.
var generatedTopic = regexp.MustCompile(`^KSTREAM.*-[0-9]{10}-repartition$`)

// topic names a repartition topic and its three nodes, which take their numbers
// in the order sink, filter, source.
func (n *naming) topic(r *Rekey, nodes *RekeyNodes, base string) {
	if r == nil {
		return
	}
	if r.Name != "" {
		base = r.Name
	}
	if r.Reuse != nil {
		n.burn(nodes)
		return
	}
	topic := suffixed(strings.TrimSuffix(base, repartitionSuffix), repartitionSuffix)
	n.nodes[nodes.Sink].Topic, n.nodes[nodes.Source].Topic = topic, topic
	n.nodes[nodes.Source].Generated = generatedTopic.MatchString(topic)
	given := topic
	if generatedTopic.MatchString(topic) {
		given = ""
	}
	n.node(nodes.Sink, suffixed(given, "-sink"))
	n.node(nodes.Filter, suffixed(given, "-filter"))
	n.node(nodes.Source, suffixed(given, "-source"))
}

// burn takes the numbers of a repartition topic that is there already.
func (n *naming) burn(nodes *RekeyNodes) {
	for _, id := range []NodeID{nodes.Sink, nodes.Filter, nodes.Source} {
		n.generate(n.nodes[id].Prefix)
	}
}

// suffixed appends to a name that was given, and leaves none as none.
func suffixed(given, suffix string) string {
	if given == "" {
		return ""
	}
	return given + suffix
}

// maxName is Kafka's limit for topic names.
const maxName = 249

var legalName = regexp.MustCompile(`^[a-zA-Z0-9._-]+$`)

// CheckName says what is wrong with the name of a topic, store or operator.
// All follow Kafka's rule for topics, because all may end up in topic names.
func CheckName(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("the name is empty")
	case name == "." || name == "..":
		return fmt.Errorf("%q is no name", name)
	case len(name) > maxName:
		return fmt.Errorf("the name %.20q... has %d characters, %d are allowed", name, len(name), maxName)
	case !legalName.MatchString(name):
		return fmt.Errorf("the name %q may only have letters, digits, '.', '_' and '-'", name)
	}
	return nil
}
