package topo

import "time"

// IdleAfter says how long a source must be silent to be idle.
func (g *Graph) IdleAfter(source NodeID, d time.Duration) { g.nodes[source].IdleAfter = d }

// Aside declares what becomes of the records that its one parent leaves out, such as
// those that come too late. Kafka Streams has no such operation: it takes a number
// as all others do, so that a topology without it is named as there.
func (g *Graph) Aside(c Call) NodeID {
	id := g.under(Node{Prefix: c.Prefix, Where: c.Where, Aside: true}, c.Parents)
	g.named(id, c.Name)
	return id
}
