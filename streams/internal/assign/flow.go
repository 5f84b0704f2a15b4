package assign

import (
	"math"
	"slices"
)

// flow is a network of pipes. Fill finds, of all ways to send as much as goes
// through it, one that costs the least.
type flow struct {
	edges []edge
	nodes []node
	seek
}

// seek is what looking for a way needs, by node.
type seek struct {
	cost   []int64
	by     []int // edge by which to come
	queue  []int
	queued []bool
}

// node has the edges that begin there as a list: the first and the last, or -1.
type node struct{ first, last int }

// edge is a pipe with room for so many units more, each at a cost. Its way back is
// the edge with the neighbouring number: what flows can be sent elsewhere later.
type edge struct {
	from, to int
	next     int // edge that begins at the same node, or -1
	room     int
	cost     int64
}

func newFlow(nodes int) *flow { return &flow{nodes: slices.Repeat([]node{{-1, -1}}, nodes)} }

// node adds one more and returns its number.
func (f *flow) node() int {
	f.nodes = append(f.nodes, node{-1, -1})
	return len(f.nodes) - 1
}

// connect lays a pipe.
func (f *flow) connect(from, to, room int, cost int64) {
	f.add(edge{from, to, -1, room, cost})
	f.add(edge{to, from, -1, 0, -cost})
}

func (f *flow) add(e edge) {
	n, at := len(f.edges), &f.nodes[e.from]
	f.edges = append(f.edges, e)
	if at.last >= 0 {
		f.edges[at.last].next = n
	} else {
		at.first = n
	}
	at.last = n
}

// used is how many units go through a pipe.
func (f *flow) used(n int) int { return f.edges[n^1].room }

// undo takes one unit out of a pipe.
func (f *flow) undo(n int) {
	f.edges[n].room++
	f.edges[n^1].room--
}

// fill sends one unit after the other by the cheapest way that is left. Each way is
// the cheapest, so all of them together are.
func (f *flow) fill(from, to int) {
	f.seek = seek{cost: make([]int64, len(f.nodes)), by: make([]int, len(f.nodes)), queued: make([]bool, len(f.nodes))}
	for f.cheapest(from); f.cost[to] < math.MaxInt64; f.cheapest(from) {
		for at := to; at != from; at = f.edges[f.by[at]].from {
			f.edges[f.by[at]].room--
			f.edges[f.by[at]^1].room++
		}
	}
}

// cheapest finds the ways from a node by relaxing edges until nothing gets cheaper.
// Costs may be negative, but no way in a circle gains anything.
func (f *flow) cheapest(from int) {
	for i := range f.cost {
		f.cost[i] = math.MaxInt64
	}
	f.cost[from] = 0
	f.queue = append(f.queue[:0], from)
	for i := 0; i < len(f.queue); i++ {
		at := f.queue[i]
		f.queued[at] = false
		for n := f.nodes[at].first; n >= 0; n = f.edges[n].next {
			f.relax(n)
		}
	}
}

// relax notes that an edge makes its end cheaper, if so.
func (f *flow) relax(n int) {
	e := &f.edges[n]
	cost := f.cost[e.from] + e.cost
	if e.room == 0 || cost >= f.cost[e.to] {
		return
	}
	f.cost[e.to], f.by[e.to] = cost, n
	if !f.queued[e.to] {
		f.queue, f.queued[e.to] = append(f.queue, e.to), true
	}
}
