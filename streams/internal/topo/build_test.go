package topo_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams/internal/topo"
)

// TestScripts builds the graphs of testdata/*.txt. A line declares one node:
//
//	x source topic=a          x table topic=a [store=s]      x again topic=a
//	x op under=(a,b) [as=n]   x sink topic=z under=a
//	x aggregate under=a [rekey | rekey=name [partitions=n]] [reuse=y] [store=s] [as=n]
//	x join under=a table=t [rekey | rekey=name] [as=n] [left]
//	x selfjoin under=a [as=n]
//
// "describe" prints the text of Kafka Streams, "json", "mermaid" and "dot" the other
// forms, "plan" what the runtime sees; "optimize"
// among their arguments optimizes. An op takes its prefix from do=FILTER.
func TestScripts(t *testing.T) {
	t.Parallel()
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			var opt topo.Options
			if d.HasArg("optimize") {
				opt.Optimize = topo.OptimizeAll
			}
			opt.RequireNames = d.HasArg("named")
			built, err := parse(t, d.Input).graph.Build(opt)
			switch {
			case err != nil:
				return err.Error()
			case d.Cmd == "plan":
				return planText(built.Plan("app"))
			case d.Cmd == "json":
				return built.JSON()
			case d.Cmd == "mermaid":
				return built.Mermaid()
			case d.Cmd == "dot":
				return built.DOT()
			default:
				return built.Describe()
			}
		})
	})
}

// script is a graph being made from text.
type script struct {
	graph  *topo.Graph
	nodes  map[string]topo.NodeID
	tables map[string]topo.StoreID
	topics map[string]*topo.RekeyNodes
}

func parse(t *testing.T, text string) *script {
	t.Helper()
	s := &script{topo.NewGraph(), map[string]topo.NodeID{}, map[string]topo.StoreID{}, map[string]*topo.RekeyNodes{}}
	for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
		fields := strings.Fields(line)
		require.GreaterOrEqual(t, len(fields), 2, line)
		s.declare(t, fields[0], fields[1], options(fields[2:]), fmt.Sprintf("line:%d", i+1))
	}
	return s
}

func options(fields []string) map[string]string {
	out := map[string]string{}
	for _, f := range fields {
		k, v, _ := strings.Cut(f, "=")
		out[k] = v
	}
	return out
}

func (s *script) declare(t *testing.T, name, kind string, o map[string]string, where string) {
	t.Helper()
	c := topo.Call{Name: o["as"], Where: where}
	for _, parent := range strings.Split(o["under"], ",") {
		if parent != "" {
			c.Parents = append(c.Parents, s.nodes[parent])
		}
	}
	switch kind {
	case "source":
		c.Prefix = "KSTREAM-SOURCE-"
		s.nodes[name] = s.graph.Source(o["topic"], topo.Reset{}, c)
	case "again":
		s.graph.SourceAgain("KSTREAM-SOURCE-")
	case "table":
		c.Prefix = "KTABLE-SOURCE-"
		decl := s.store(o, o["topic"]+"-STATE-STORE-", where)
		decl.Lazy = o["store"] == ""
		_, s.nodes[name], s.tables[name] = s.graph.TableSource(o["topic"], topo.Reset{By: topo.ResetLatest}, c, decl)
	case "op":
		c.Prefix, c.SameTypes = "KSTREAM-PEEK-", true
		if do := o["do"]; do != "" {
			c.Prefix = "KSTREAM-" + do + "-"
		}
		s.nodes[name] = s.graph.Operator(c)
	case "sink":
		c.Prefix = "KSTREAM-SINK-"
		s.graph.Sink(o["topic"], c)
	case "aggregate":
		c.Prefix = "KSTREAM-AGGREGATE-"
		decl := s.store(o, "KSTREAM-AGGREGATE-STATE-STORE-", where)
		s.nodes[name], s.tables[name], s.topics[name] = s.graph.Aggregate(c, decl, s.rekey(o))
	case "join":
		c.Prefix = "KSTREAM-JOIN-"
		if _, left := o["left"]; left {
			c.Prefix = "KSTREAM-LEFTJOIN-"
		}
		s.nodes[name], _ = s.graph.Join(c, s.nodes[o["table"]], []topo.StoreID{s.tables[o["table"]]}, s.rekey(o))
	case "selfjoin":
		c.Parents = append(c.Parents, c.Parents[0])
		spec := store.Spec{Kind: store.KindWindow, WindowSize: time.Second, Retention: time.Second}
		side := topo.StoreDecl{Where: where, Spec: spec}
		s.nodes[name] = s.graph.StreamJoin(topo.StreamJoin{Call: c, Stores: [2]topo.StoreDecl{side, side}}).Merge
	default:
		t.Fatalf("what is %q?", kind)
	}
}

func (s *script) store(o map[string]string, prefix, where string) topo.StoreDecl {
	return topo.StoreDecl{
		Prefix: prefix, Where: where,
		Spec: store.Spec{Name: o["store"], Kind: store.KindKeyValue, Timestamped: true, LoggingOff: o["logging"] == "off"},
	}
}

func (s *script) rekey(o map[string]string) *topo.Rekey {
	name, wanted := o["rekey"]
	if !wanted {
		return nil
	}
	partitions, _ := strconv.Atoi(o["partitions"])
	return &topo.Rekey{Name: name, Reuse: s.topics[o["reuse"]], Partitions: int32(partitions)}
}

func planText(p *topo.Plan) string {
	var b strings.Builder
	for _, s := range p.Subtopologies {
		fmt.Fprintf(&b, "%d:", s.ID)
		for _, src := range s.Sources {
			fmt.Fprintf(&b, " <%s", src.Topic)
			if src.Reset.By == topo.ResetLatest {
				b.WriteString("(latest)")
			}
		}
		for _, sink := range s.Sinks {
			fmt.Fprintf(&b, " >%s", sink)
		}
		for _, st := range s.Stores {
			fmt.Fprintf(&b, " [%s %s]", st.Spec.Name, st.Changelog)
		}
		for _, group := range s.Copartitioned {
			fmt.Fprintf(&b, " %v", group)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// TestBuildLeavesTheGraph: building twice gives the same, and what was built is
// not touched by what is declared later.
func TestBuildLeavesTheGraph(t *testing.T) {
	t.Parallel()
	s := parse(t, "a source topic=a\nb op under=a\nc aggregate under=b rekey")
	first, err := s.graph.Build(topo.Options{})
	require.NoError(t, err)
	text := first.Describe()
	s.declare(t, "z", "sink", options([]string{"topic=z", "under=b"}), "line:4")
	second, err := s.graph.Build(topo.Options{})
	require.NoError(t, err)
	require.Equal(t, text, first.Describe())
	require.NotEqual(t, text, second.Describe())
	require.Empty(t, s.graph.Node(s.nodes["b"]).Name, "names live in the built topology only")
}

// TestParentsAreWrittenFirst is what linking leaves first relies on.
func TestParentsAreWrittenFirst(t *testing.T) {
	t.Parallel()
	built, err := parse(t, "a source topic=a\nb source topic=b\nc op under=b\nm op under=c,a\nz sink topic=z under=m").graph.Build(topo.Options{})
	require.NoError(t, err)
	require.Len(t, built.Written, len(built.Nodes))
	for _, n := range built.Nodes {
		for _, p := range n.Parents {
			require.Less(t, slices.Index(built.Written, p), slices.Index(built.Written, n.ID))
			require.Contains(t, built.Nodes[p].Children, n.ID)
		}
	}
}
