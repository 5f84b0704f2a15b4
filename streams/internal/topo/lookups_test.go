package topo_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams/internal/topo"
)

func rows(lazy bool) topo.StoreDecl {
	return topo.StoreDecl{Prefix: "STATE-STORE-", Lazy: lazy, Spec: store.Spec{Kind: store.KindKeyValue, Timestamped: true}}
}

// foreign joins a table of a with one of b by a foreign key, under a name or none.
func foreign(g *topo.Graph, name string) topo.ForeignNodes {
	side := func(topic string) topo.Beside {
		_, id, st := g.TableSource(topic, topo.Reset{}, topo.Call{Prefix: "KTABLE-SOURCE-", Where: topic + ".go:1"}, rows(true))
		return topo.Beside{Node: id, Stores: []topo.StoreID{st}}
	}
	left, right := side("a"), side("b")
	return g.ForeignJoin(topo.ForeignJoin{
		Call: topo.Call{Name: name, Where: "join.go:2"}, Left: left, Right: right,
		Subscriptions: topo.StoreDecl{Spec: store.SubscriptionsSpec()},
		Result:        rows(true),
	})
}

// TestForeignJoinIsTwoSubtopologies that meet through two topics, each of which must
// match the table that it leads to.
func TestForeignJoinIsTwoSubtopologies(t *testing.T) {
	t.Parallel()
	g := topo.NewGraph()
	foreign(g, "fk")
	built, err := g.Build(topo.Options{})
	require.NoError(t, err)
	p := built.Plan("app")
	require.Len(t, p.Subtopologies, 2)
	left, right := p.Subtopologies[0], p.Subtopologies[1]
	require.Equal(t, []string{"app-fk-subscription-registration-topic"}, left.Sinks)
	require.Equal(t, []string{"app-fk-subscription-response-topic"}, right.Sinks)
	require.Equal(t, [][]string{{"a", "app-fk-subscription-response-topic"}}, left.Copartitioned)
	require.Equal(t, [][]string{{"app-fk-subscription-registration-topic", "b"}}, right.Copartitioned)
	require.Len(t, left.Stores, 1, "the result is kept nowhere")
	require.Len(t, right.Stores, 2)
	require.Equal(t, "app-fk-subscription-store-changelog", right.Stores[1].Changelog)
	require.Equal(t, "compact", right.Stores[1].ChangelogConfig["cleanup.policy"])
	require.Equal(t, "-1", right.Repartitions[0].Config["retention.ms"])
}

// TestForeignJoinTakesItsNumbers: thirteen and one for the result, whether names are
// given or not.
func TestForeignJoinTakesItsNumbers(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"": "KTABLE-FK-JOIN-OUTPUT-0000000018", "fk": "fk-result"} {
		g := topo.NewGraph()
		nodes := foreign(g, name)
		next := g.Operator(topo.Call{Prefix: "KTABLE-TOSTREAM-", Parents: []topo.NodeID{nodes.Output}})
		built, err := g.Build(topo.Options{})
		require.NoError(t, err)
		require.Equal(t, want, built.Nodes[nodes.Output].Name)
		require.Equal(t, "KTABLE-FK-JOIN-OUTPUT-STATE-STORE-0000000019", "KTABLE-FK-JOIN-OUTPUT-"+built.Stores[nodes.Result].Spec.Name)
		require.Equal(t, "KTABLE-TOSTREAM-0000000020", built.Nodes[next].Name)
	}
}

// TestForeignJoinUnderRequiredNames names what has none: two topics and a store.
func TestForeignJoinUnderRequiredNames(t *testing.T) {
	t.Parallel()
	g := topo.NewGraph()
	foreign(g, "")
	_, err := g.Build(topo.Options{RequireNames: true})
	require.ErrorContains(t, err, "KTABLE-FK-JOIN-SUBSCRIPTION-REGISTRATION-0000000006-topic")
	require.ErrorContains(t, err, "KTABLE-FK-JOIN-SUBSCRIPTION-RESPONSE-0000000014-topic")
	require.ErrorContains(t, err, "KTABLE-FK-JOIN-SUBSCRIPTION-STATE-STORE-0000000010")
	require.NotContains(t, err.Error(), "OUTPUT")
}

// TestRespecify keeps alive what somebody needs already.
func TestRespecify(t *testing.T) {
	t.Parallel()
	g := topo.NewGraph()
	nodes := foreign(g, "fk")
	require.False(t, g.Kept(nodes.Result))
	decl := rows(true)
	decl.Spec.History = 5
	g.Respecify(nodes.Result, decl)
	require.False(t, g.Kept(nodes.Result))
	g.Need(nodes.Result)
	g.Respecify(nodes.Result, decl)
	require.True(t, g.Kept(nodes.Result))
	require.EqualValues(t, 5, g.Declared(nodes.Result).Spec.History)
}

// TestGlobalStoresHaveNoTasks: a number, a text of their own, and no place among what
// the group reads.
func TestGlobalStoresHaveNoTasks(t *testing.T) {
	t.Parallel()
	g := topo.NewGraph()
	decl := rows(false)
	decl.Spec.Name = "gs"
	g.Global("g", topo.Call{Prefix: "KTABLE-SOURCE-", Name: "names", Where: "main.go:3"}, decl)
	in := g.Source("in", topo.Reset{}, topo.Call{Prefix: "KSTREAM-SOURCE-"})
	join := g.GlobalJoin(topo.Call{Prefix: "KSTREAM-LEFTJOIN-", Parents: []topo.NodeID{in}}, true)
	g.Sink("out", topo.Call{Prefix: "KSTREAM-SINK-", Parents: []topo.NodeID{join}})
	for _, which := range []topo.Optimization{0, topo.OptimizeAll} {
		built, err := g.Build(topo.Options{Optimize: which})
		require.NoError(t, err)
		require.Equal(t, `Topologies:
   Sub-topology: 0 for global store (will not generate tasks)
    Source: names-source (topics: [g])
      --> names
    Processor: names (stores: [gs])
      --> none
      <-- names-source
  Sub-topology: 1
    Source: KSTREAM-SOURCE-0000000002 (topics: [in])
      --> KSTREAM-LEFTJOIN-0000000003
    Processor: KSTREAM-LEFTJOIN-0000000003 (stores: [])
      --> KSTREAM-SINK-0000000004
      <-- KSTREAM-SOURCE-0000000002
    Sink: KSTREAM-SINK-0000000004 (topic: out)
      <-- KSTREAM-LEFTJOIN-0000000003

`, built.Describe())
		p := built.Plan("app")
		require.Equal(t, []string{"in"}, p.SourceTopics())
		require.Equal(t, []topo.TaskID{{Subtopology: 1}, {Subtopology: 1, Partition: 1}}, p.Tasks(map[string]int32{"in": 2, "g": 7}))
		global, ok := p.Global("gs")
		require.True(t, ok)
		require.Equal(t, "g", global.Topic)
		require.Equal(t, "main.go:3", global.Where)
		require.Empty(t, global.Store.Changelog)
		_, ok = p.Global("other")
		require.False(t, ok)
	}
}

// TestAGlobalTopicIsReadByNobodyElse.
func TestAGlobalTopicIsReadByNobodyElse(t *testing.T) {
	t.Parallel()
	g := topo.NewGraph()
	decl := rows(false)
	decl.Spec.Name = "gs"
	g.Global("g", topo.Call{Prefix: "KTABLE-SOURCE-", Where: "main.go:3"}, decl)
	g.Source("g", topo.Reset{}, topo.Call{Prefix: "KSTREAM-SOURCE-", Where: "main.go:4"})
	_, err := g.Build(topo.Options{})
	require.ErrorContains(t, err, `main.go:4: the source topic "g" is already used at main.go:3`)
}
