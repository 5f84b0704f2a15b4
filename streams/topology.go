package streams

import (
	"errors"
	"fmt"
	"slices"

	"github.com/millrace/millrace/store/cached"
	"github.com/millrace/millrace/streams/internal/node"
	"github.com/millrace/millrace/streams/internal/task"
	"github.com/millrace/millrace/streams/internal/topo"
)

// Topology is a finished topology: immutable, and safe for concurrent use.
type Topology struct {
	graph *topo.Topology
	links []link
	// globals are the declarations by which processors read global stores.
	globals map[*storeDecl]topo.StoreID
	of      *Builder // tells whose tables are this topology's
}

// Describe shows sub-topologies, operators, topics and stores as text: byte for
// byte what Kafka Streams prints for the same topology. Names of repartition
// topics are shown without the application id, which precedes them in Kafka.
func (t *Topology) Describe() string { return t.graph.Describe() }

// JSON is what Describe shows as JSON, with the file:line of each operator and store
// and with the stores' kinds and changelogs: an object with sub_topologies, each with
// its nodes and stores.
func (t *Topology) JSON() string { return t.graph.JSON() }

// Mermaid is the topology as a flow chart for Mermaid, which many tools show in
// Markdown: sub-topologies, operators with their file:line, topics and stores.
func (t *Topology) Mermaid() string { return t.graph.Mermaid() }

// DOT is the same as a graph for Graphviz.
func (t *Topology) DOT() string { return t.graph.DOT() }

// Plan is the topology as the runtime of an application sees it.
func (t *Topology) Plan(applicationID string) *topo.Plan { return t.graph.Plan(applicationID) }

// ForApplication gives the topology the application's id, which is part of the
// names of its internal topics. Record caches of all its tasks share the budget;
// there are none if it is nil. It returns what makes its tasks, and its plan.
func (t *Topology) ForApplication(id string, caches *cached.Budget) (task.Program, *topo.Plan) {
	return program{t, id, caches}, t.Plan(id)
}

// program links tasks of one application.
type program struct {
	*Topology
	appID  string
	caches *cached.Budget
}

// Link makes the operators of one task, leaves first.
func (p program) Link(id topo.TaskID, rt task.Runtime) (*task.Linked, error) {
	if id.Subtopology < 0 || id.Subtopology >= p.graph.Subtopologies {
		return nil, fmt.Errorf("task %v: the topology has %d sub-topologies", id, p.graph.Subtopologies)
	}
	cur := &node.Current{Offset: -1, StreamTime: -1}
	l := &linking{
		graph: p.graph, appID: p.appID, rt: rt, cur: cur, globals: p.globals,
		in: map[topo.NodeID]any{}, stores: map[topo.StoreID]any{},
		budget: p.caches, wantOlds: map[topo.NodeID]bool{},
		out: &task.Linked{
			Entries:    map[string]task.Entry{},
			StreamTime: func(ms int64) { cur.StreamTime = ms },
		},
	}
	for _, n := range slices.Backward(p.graph.Written) {
		if p.graph.Nodes[n].Subtopology == id.Subtopology {
			p.links[n](l, n)
		}
	}
	slices.Reverse(l.out.Flush) // what a parent's cache sends changes those below
	slices.Reverse(l.out.Holders)
	if err := errors.Join(l.errs...); err != nil {
		return nil, fmt.Errorf("task %v: %w", id, err)
	}
	return l.out, nil
}
