package topo

import "slices"

const foreignPrefix = "KTABLE-FK-JOIN-"

// The prefixes of a foreign-key join's nodes; sinks and sources have those of tables.
const (
	registrationPrefix = foreignPrefix + "SUBSCRIPTION-REGISTRATION-"
	subscriptionPrefix = foreignPrefix + "SUBSCRIPTION-PROCESSOR-"
	responsePrefix     = foreignPrefix + "SUBSCRIPTION-RESPONSE-"
	resolverPrefix     = foreignPrefix + "SUBSCRIPTION-RESPONSE-RESOLVER-PROCESSOR-"
	subscribedPrefix   = foreignPrefix + "SUBSCRIPTION-" + storePrefix
	outputPrefix       = foreignPrefix + "OUTPUT-"
	foreignSinkPrefix  = "KTABLE-SINK-"
	foreignFromPrefix  = "KTABLE-SOURCE-"
	storePrefix        = "STATE-STORE-"
	topicSuffix        = "-topic"
)

// ForeignJoin declares a join of tables by a foreign key: rows of the left table
// subscribe to rows of the right one through one topic, and get them through another.
type ForeignJoin struct {
	// Call has no parents; Left and Right are.
	Call
	Left, Right Beside
	// Subscriptions declares the store of what the right side knows of the left,
	// Result that of the joined rows, which is lazy as long as nobody needs it.
	Subscriptions, Result StoreDecl
}

// ForeignNodes is what a ForeignJoin became, in the order of a row's way.
type ForeignNodes struct {
	// Send asks for the right rows: left side.
	Send, RegistrationSink, RegistrationSource NodeID
	// Receive keeps subscriptions, Look answers them, Changed tells subscribers of
	// changes: right side.
	Receive, Look, Changed       NodeID
	ResponseSink, ResponseSource NodeID
	// Resolve joins answers with the rows that asked, Output keeps the result: left
	// side again.
	Resolve, Output       NodeID
	Subscriptions, Result StoreID
}

// ForeignJoin adds the nodes, topics and stores of a join by a foreign key.
func (g *Graph) ForeignJoin(j ForeignJoin) ForeignNodes {
	for _, st := range slices.Concat(j.Left.Stores, j.Right.Stores) {
		g.Need(st)
	}
	out := ForeignNodes{Subscriptions: g.addStore(j.Subscriptions), Result: g.addStore(j.Result)}
	subscribed := []StoreID{out.Subscriptions}
	out.Send = g.foreign(Node{Prefix: registrationPrefix, Where: j.Where}, j.Left.Node)
	out.RegistrationSink = g.foreign(Node{Type: SinkNode, Prefix: foreignSinkPrefix, Where: j.Where, Internal: true}, out.Send)
	out.RegistrationSource = g.behind(out.RegistrationSink)
	out.Receive = g.foreign(Node{Prefix: subscriptionPrefix, Where: j.Where, Stores: subscribed,
		Meets: []NodeID{out.RegistrationSource, j.Right.Node}}, out.RegistrationSource)
	out.Look = g.foreign(Node{Prefix: subscriptionPrefix, Where: j.Where, Stores: j.Right.Stores}, out.Receive)
	out.Changed = g.foreign(Node{Prefix: subscriptionPrefix, Where: j.Where, Stores: subscribed}, j.Right.Node)
	out.ResponseSink = g.foreign(Node{Type: SinkNode, Prefix: foreignSinkPrefix, Where: j.Where, Internal: true}, out.Look, out.Changed)
	out.ResponseSource = g.behind(out.ResponseSink)
	out.Resolve = g.foreign(Node{Prefix: resolverPrefix, Where: j.Where, Stores: j.Left.Stores,
		Meets: []NodeID{out.ResponseSource, j.Left.Node}}, out.ResponseSource)
	out.Output = g.foreign(Node{Prefix: outputPrefix, Where: j.Where, Stores: []StoreID{out.Result}}, out.Resolve)
	g.replay(func(n *naming) { j.name(n, &out) })
	return out
}

// foreign adds one node of a foreign-key join.
func (g *Graph) foreign(n Node, parents ...NodeID) NodeID { return g.under(n, parents) }

// behind adds the source of the topic that an internal sink writes.
func (g *Graph) behind(sink NodeID) NodeID {
	id := g.add(Node{Type: SourceNode, Prefix: foreignFromPrefix, Where: g.nodes[sink].Where, Internal: true, NullKeys: true})
	g.attach(&step{nodes: []NodeID{id}, parents: g.stepsOf([]NodeID{sink})})
	return id
}

// name takes the thirteen numbers of a foreign-key join, and one for the store of its
// result if that has no name.
func (j *ForeignJoin) name(n *naming, out *ForeignNodes) {
	sub, resp := suffixed(j.Name, "-subscription-registration"), suffixed(j.Name, "-subscription-response")
	registration := n.either(sub, registrationPrefix) + topicSuffix
	n.node(out.Send, suffixed(sub, "-processor"))
	n.node(out.RegistrationSink, suffixed(sub, "-sink"))
	n.node(out.RegistrationSource, suffixed(sub, "-source"))
	n.stores[out.Subscriptions].Spec.Name = n.either(suffixed(j.Name, "-subscription-store"), subscribedPrefix)
	n.node(out.Receive, suffixed(j.Name, "-subscription-receive"))
	n.node(out.Look, suffixed(j.Name, "-subscription-join-foreign"))
	n.node(out.Changed, suffixed(j.Name, "-foreign-join-subscription"))
	response := n.either(resp, responsePrefix) + topicSuffix
	n.node(out.ResponseSink, suffixed(resp, "-sink"))
	n.node(out.ResponseSource, suffixed(resp, "-source"))
	n.node(out.Resolve, suffixed(resp, "-resolver"))
	n.node(out.Output, suffixed(j.Name, "-result"))
	n.store(out.Result)
	generated := j.Name == ""
	n.stores[out.Subscriptions].Generated = generated
	n.nodes[out.RegistrationSource].Generated, n.nodes[out.ResponseSource].Generated = generated, generated
	n.nodes[out.RegistrationSink].Topic, n.nodes[out.RegistrationSource].Topic = registration, registration
	n.nodes[out.ResponseSink].Topic, n.nodes[out.ResponseSource].Topic = response, response
}

// either takes a number, and returns the name that was given or else the numbered one.
func (n *naming) either(given, prefix string) string {
	name := n.generate(prefix)
	if given != "" {
		return given
	}
	return name
}

// Respecify changes the declaration of a store that has no name yet, by a later call
// on what it belongs to. A store that somebody needs already stays alive.
func (g *Graph) Respecify(id StoreID, s StoreDecl) {
	s.Prefix = g.stores[id].Prefix
	s.Lazy = s.Lazy && g.stores[id].Lazy
	g.stores[id] = s
}
