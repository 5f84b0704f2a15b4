package streams

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/millrace/millrace/streams/internal/topo"
)

// Builder collects the declarations of a topology. Its methods and those of the
// streams and tables that come from it return no errors: faults are kept, each
// with the file and line of the call, and reported together by Build or New.
//
// A Builder is not safe for concurrent use.
type Builder struct {
	graph *topo.Graph
	// links has, for each node, the closure that makes it live in a task.
	links []link
	// serdes are the registered serdes, by the type they are for.
	serdes registry
	// sources has the handle of each topic that is read as a stream.
	sources map[string]any
	// joins has the repartition topic that joins of a node's stream share.
	joins map[topo.NodeID]*topo.RekeyNodes
	// stores are those for processors, by name.
	stores map[string]declared
	// manuals are the nodes of the Processor API, by name.
	manuals map[string]manual
	// globals are the declarations by which processors read global stores.
	globals map[*storeDecl]topo.StoreID
	// checks run when the graph is built, for what later calls decide.
	checks []func(*topo.Topology)
	faults []error
}

// NewBuilder is an empty topology.
func NewBuilder() *Builder {
	return &Builder{
		graph:   topo.NewGraph(),
		serdes:  builtin(),
		sources: map[string]any{},
		joins:   map[topo.NodeID]*topo.RekeyNodes{},
		stores:  map[string]declared{},
		manuals: map[string]manual{},
		globals: map[*storeDecl]topo.StoreID{},
	}
}

// Build finishes the topology: it names everything, cuts it into sub-topologies
// and checks it. The error holds all faults, each with its file and line. The
// builder may be extended and built again; topologies built before stay as
// they are.
func (b *Builder) Build(opts ...BuildOption) (*Topology, error) {
	var o topo.Options
	for _, opt := range opts {
		opt(&o)
	}
	graph, err := b.graph.Build(o)
	if err := errors.Join(append(b.faultsOf(graph), err)...); err != nil {
		return nil, err
	}
	return &Topology{graph: graph, links: append([]link(nil), b.links...), globals: maps.Clone(b.globals), of: b}, nil
}

// faultsOf are those of the calls, and those that show in the graph they made; it is
// nil if it has faults of its own. The latter are found anew by each Build.
func (b *Builder) faultsOf(graph *topo.Topology) []error {
	declared := len(b.faults)
	if graph != nil {
		for _, check := range b.checks {
			check(graph)
		}
	}
	out := slices.Clone(b.faults)
	b.faults = b.faults[:declared]
	return out
}

// atBuild has f look at the finished graph, and fail.
func (b *Builder) atBuild(f func(*topo.Topology)) { b.checks = append(b.checks, f) }

// fail keeps a fault of the call at where.
func (b *Builder) fail(where, format string, args ...any) {
	b.faults = append(b.faults, fmt.Errorf("%s: %w", where, fmt.Errorf(format, args...)))
}

// link adds the closure that makes a node live.
func (b *Builder) link(id topo.NodeID, f link) {
	for len(b.links) <= int(id) {
		b.links = append(b.links, nil)
	}
	b.links[id] = f
}

// call is one declaration while it is being made: what the user said in it.
type call struct {
	topo.Call
	settings
	b *Builder
}

// declare opens a declaration: it finds the user's line and reads the options.
// A missing user function is a fault.
func declare[O option](b *Builder, prefix string, missing bool, opts []O, parents ...topo.NodeID) call {
	c := call{Call: topo.Call{Prefix: prefix, Where: caller(), Parents: parents}, b: b}
	if missing {
		c.fail("the function is nil")
	}
	for i, o := range opts {
		if any(o) == nil {
			c.fail("option %d is nil", i+1)
			continue
		}
		o.apply(&c.settings)
	}
	for _, fault := range c.settings.faults {
		c.fail("%w", fault)
	}
	c.Call.Name = c.settings.name
	return c
}

// fail keeps a fault of this declaration.
func (c *call) fail(format string, args ...any) {
	c.b.fail(c.Where, "%s: "+format, append([]any{operation(c.Prefix)}, args...)...)
}

// checkTopic makes sure that a topic can be read or written.
func (c *call) checkTopic(name string, serdes bool) {
	if err := topo.CheckName(name); err != nil {
		c.fail("the topic: %w; make topics with NewTopic", err)
	} else if !serdes {
		c.fail("the topic %s lacks a serde; give both to NewTopic", name)
	}
}
