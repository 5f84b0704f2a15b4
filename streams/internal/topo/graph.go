package topo

import (
	"slices"
	"time"

	"github.com/millrace/millrace/store"
)

// NodeID is a node of a Graph; ids count from 0 in the order of declaration.
type NodeID int

// StoreID is a state store of a Graph, counted likewise.
type StoreID int

// NodeType says on which side of the topics a node stands.
type NodeType uint8

// The types of nodes.
const (
	ProcessorNode NodeType = iota
	SourceNode
	SinkNode
)

// Node is one source, operator or sink. A Graph holds it as it was declared;
// Build gives it its name, its children and its sub-topology.
type Node struct {
	ID   NodeID
	Type NodeType
	// Prefix says what the node does, as in "KSTREAM-FILTER-"; generated names
	// begin with it.
	Prefix string
	// Name is unique in the topology. Known after Build.
	Name string
	// Where is the file:line of the call that made the node.
	Where string
	// Topic is what a source reads or a sink writes, without the application id.
	Topic string
	// More are the other topics of a source that reads several, sorted.
	More []string
	// Pattern is the regular expression of a source that reads all topics whose names
	// match it, as a whole. Topic and More are empty until [Topology.Matching].
	Pattern string
	// Dynamic says that a sink chooses the topic of each record itself.
	Dynamic bool
	// Internal says that the topic is a repartition topic, whose name in Kafka
	// begins with the application id.
	Internal bool
	// Global says that every process reads the topic whole; see Graph.Global.
	Global bool
	// Generated says that the name of an internal topic is. Known after Build.
	Generated bool
	// Partitions is the explicit partition count of an internal topic, or 0.
	Partitions int32
	// NullKeys says that what comes behind a repartition topic wants records without
	// key, too. Known after Build.
	NullKeys bool
	// SelfJoin says that a join of a stream with itself became this one node, with one
	// store. Known after Build.
	SelfJoin bool
	// Reset is where a source starts without a committed offset.
	Reset Reset
	// IdleAfter is for how long a source may be silent and hold others up all the same;
	// 0 leaves it to the application.
	IdleAfter time.Duration
	// Parents are the nodes whose records come in.
	Parents []NodeID
	// Children are the nodes that get this node's records, in the order of
	// delivery. Known after Build.
	Children []NodeID
	// Aside nodes get the records that their parent leaves out, in place of its
	// results.
	Aside bool
	// Stores are the stores the node reads or writes.
	Stores []StoreID
	// Meets are nodes whose sources must be co-partitioned, because this node
	// looks up the records of one in the state of another.
	Meets []NodeID
	// Subtopology is known after Build.
	Subtopology int32
}

// StoreDecl is a state store as it was declared.
type StoreDecl struct {
	// Spec is the store's declaration; its name may be empty until Build.
	Spec store.Spec
	// Prefix begins the generated name.
	Prefix string
	// Where is the file:line of the declaration.
	Where string
	// Generated says that the store's name is. Known after Build.
	Generated bool
	// Lazy stores take a number when they are declared, but come to life only if
	// somebody needs them; see Graph.Need.
	Lazy bool
	// Spare stores without a name take one number more for it; see streams.SpareName.
	Spare bool
	// NoCache says that the store never has a record cache in front of it.
	NoCache bool
	// Once says that the store would have one in Kafka Streams, which drops what a
	// record puts twice: sliding windows.
	Once bool
	// Source is the topic of a table's source that is the store's changelog, too; see
	// ReuseSourceTopics. Known after Build.
	Source string
}

// Call is what all declarations have in common: the operation, the user's name
// for it if there is one, the place in the user's code, and the parents.
type Call struct {
	Prefix, Name, Where string
	Parents             []NodeID
	// SameTypes says that what comes out has the Go types of what goes in. Repartition
	// topics are moved past an operation only if that is so; see MergeRepartitionTopics.
	SameTypes bool
}

// Rekey asks for a repartition topic in front of an operation.
type Rekey struct {
	// Name is what the user calls the topic; empty takes the operation's default.
	Name string
	// Partitions is the explicit partition count, or 0.
	Partitions int32
	// Reuse shares the topic of an earlier operation on the same stream. Numbers are
	// taken all the same.
	Reuse *RekeyNodes
}

// RekeyNodes are the three nodes of a repartition topic: the filter and the sink
// in front of it, the source behind it.
type RekeyNodes struct {
	Filter, Sink, Source NodeID
}

// Graph is the untyped topology while it is being declared: the only holder of
// edges, names, topics and stores. It is not safe for concurrent use.
type Graph struct {
	nodes  []Node
	stores []StoreDecl
	steps  []*step
	stepOf map[NodeID]*step
	// calls give the names, replayed in the order of declaration by Build. A name
	// may depend on a later call, so that no call can give its own.
	calls []func(*naming)
	// own has the stores that Materialize gave to operations of tables.
	own map[NodeID]StoreID
	// priority counts the attachments of steps; see step.
	priority int
}

// NewGraph is an empty graph.
func NewGraph() *Graph { return &Graph{stepOf: map[NodeID]*step{}} }

// Node returns a node as declared; the Node is the caller's copy.
func (g *Graph) Node(id NodeID) Node { return g.nodes[id] }

// Need brings a lazy store to life.
func (g *Graph) Need(id StoreID) { g.stores[id].Lazy = false }

// Kept says whether a store keeps its rows as the program stands at this call.
// Kafka Streams asks at the same moment, so that what it decides depends, as
// there, on the order of the calls.
func (g *Graph) Kept(id StoreID) bool {
	return id >= 0 && int(id) < len(g.stores) && !g.stores[id].Lazy
}

// Source declares a topic that is read as a stream.
func (g *Graph) Source(topic string, reset Reset, c Call) NodeID {
	id := g.add(Node{Type: SourceNode, Prefix: c.Prefix, Where: c.Where, Topic: topic, Reset: reset})
	g.attach(&step{nodes: []NodeID{id}})
	g.named(id, c.Name)
	return id
}

// SourceAgain declares a topic once more that an earlier call reads already: it
// takes a number and a priority, as in Kafka Streams, and adds no node.
func (g *Graph) SourceAgain(prefix string) {
	g.priority++
	g.replay(func(n *naming) { n.generate(prefix) })
}

// TableSource declares a topic that is read as a table: a source, and the node
// that keeps the table's store.
func (g *Graph) TableSource(topic string, reset Reset, c Call, s StoreDecl) (source, table NodeID, st StoreID) {
	st = g.addStore(s)
	source = g.add(Node{Type: SourceNode, Prefix: "KSTREAM-SOURCE-", Where: c.Where, Topic: topic, Reset: reset})
	table = g.add(Node{Prefix: c.Prefix, Where: c.Where, Parents: []NodeID{source}, Stores: []StoreID{st}})
	g.attach(&step{nodes: []NodeID{source, table}, table: &st})
	g.replay(func(n *naming) {
		n.store(st)
		n.node(source, suffixed(c.Name, "-source"))
		n.node(table, c.Name)
	})
	return source, table, st
}

// Operator declares an operation without state.
func (g *Graph) Operator(c Call) NodeID {
	id := g.under(Node{Prefix: c.Prefix, Where: c.Where}, c.Parents)
	g.stepOf[id].trait = traitOf(c.Prefix, c.SameTypes)
	g.named(id, c.Name)
	return id
}

// Sink declares a topic that is written.
func (g *Graph) Sink(topic string, c Call) NodeID {
	id := g.under(Node{Type: SinkNode, Prefix: c.Prefix, Where: c.Where, Topic: topic}, c.Parents)
	g.named(id, c.Name)
	return id
}

// Aggregate declares an operation that owns a store, behind a repartition topic
// if rekey is given.
func (g *Graph) Aggregate(c Call, s StoreDecl, rekey *Rekey) (id NodeID, st StoreID, topic *RekeyNodes) {
	st = g.addStore(s)
	topic, parents := g.rekey(c, rekey)
	if rekey != nil && rekey.Reuse != nil {
		g.reattach(g.stepOf[topic.Source]) // Kafka Streams adds it once more
	}
	id = g.under(Node{Prefix: c.Prefix, Where: c.Where, Stores: []StoreID{st}}, parents)
	g.replay(func(n *naming) {
		name := n.store(st)
		n.node(id, c.Name)
		n.topic(rekey, topic, name)
	})
	return id, st, topic
}

// Join declares a look-up of the stream's records in a table's store, behind a
// repartition topic if rekey is given. An unnamed topic is called after the
// node that feeds it.
func (g *Graph) Join(c Call, table NodeID, sts []StoreID, rekey *Rekey) (id NodeID, topic *RekeyNodes) {
	for _, st := range sts {
		g.Need(st)
	}
	topic, parents := g.rekey(c, rekey)
	meets := append(slices.Clone(parents), table)
	id = g.under(Node{Prefix: c.Prefix, Where: c.Where, Stores: sts, Meets: meets}, parents)
	g.stepOf[id].trait = traitOf(c.Prefix, c.SameTypes)
	if c.Prefix == leftJoinPrefix {
		g.stepOf[id].trait |= nullKeys
	}
	g.replay(func(n *naming) {
		n.topic(rekey, topic, n.nodes[c.Parents[0]].Name)
		n.node(id, c.Name)
	})
	return id, topic
}

// leftJoinPrefix is that of joins with a table that want records without key.
const leftJoinPrefix = "KSTREAM-LEFTJOIN-"

// rekey adds the nodes of a repartition topic, and says whom the operation
// behind it has as parents.
func (g *Graph) rekey(c Call, r *Rekey) (*RekeyNodes, []NodeID) {
	if r == nil {
		return nil, c.Parents
	}
	if r.Reuse != nil {
		return r.Reuse, []NodeID{r.Reuse.Source}
	}
	filter := g.add(Node{Prefix: "KSTREAM-FILTER-", Where: c.Where, Parents: c.Parents})
	sink := g.add(Node{Type: SinkNode, Prefix: "KSTREAM-SINK-", Where: c.Where, Internal: true, Parents: []NodeID{filter}})
	source := g.add(Node{Type: SourceNode, Prefix: "KSTREAM-SOURCE-", Where: c.Where, Internal: true, Partitions: r.Partitions})
	topic := &RekeyNodes{filter, sink, source}
	g.attach(&step{nodes: []NodeID{filter, sink, source}, heads: []NodeID{filter}, parents: g.stepsOf(c.Parents), topic: topic, null: topic})
	return topic, []NodeID{source}
}

// under adds a node that is a step of its own below others. A parent that is named
// twice, as by a stream that is merged with itself, sends its records once.
func (g *Graph) under(n Node, parents []NodeID) NodeID {
	for _, p := range parents {
		if !slices.Contains(n.Parents, p) {
			n.Parents = append(n.Parents, p)
		}
	}
	id := g.add(n)
	g.attach(&step{nodes: []NodeID{id}, heads: []NodeID{id}, parents: g.stepsOf(parents), trait: newValues})
	return id
}

func (g *Graph) add(n Node) NodeID {
	n.ID = NodeID(len(g.nodes))
	g.nodes = append(g.nodes, n)
	return n.ID
}

func (g *Graph) addStore(s StoreDecl) StoreID {
	g.stores = append(g.stores, s)
	return StoreID(len(g.stores) - 1)
}

func (g *Graph) replay(call func(*naming)) { g.calls = append(g.calls, call) }

func (g *Graph) named(id NodeID, given string) {
	g.replay(func(n *naming) { n.node(id, given) })
}
