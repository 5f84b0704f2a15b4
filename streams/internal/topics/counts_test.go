package topics_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams/internal/topics"
	"github.com/millrace/millrace/streams/internal/topo"
)

func sources(names ...string) (out []topo.Source) {
	for _, n := range names {
		out = append(out, topo.Source{Topic: n, Where: "main.go:" + n})
	}
	return out
}

// chain is in -> r1 -> r2 -> r3, written in an order in which a single pass would
// not do.
func chain() *topo.Plan {
	return &topo.Plan{ApplicationID: "app", Subtopologies: []topo.Subtopology{
		{ID: 0, Sources: sources("app-r2"), Sinks: []string{"app-r3"}, Repartitions: []topo.Repartition{{Topic: "app-r2"}}},
		{ID: 1, Sources: sources("app-r1"), Sinks: []string{"app-r2"}, Repartitions: []topo.Repartition{{Topic: "app-r1"}}},
		{ID: 2, Sources: sources("in", "wide"), Sinks: []string{"app-r1"}},
		{ID: 3, Sources: sources("app-r3"), Repartitions: []topo.Repartition{{Topic: "app-r3"}}},
	}}
}

// TestChains: a repartition topic has the largest count upstream, over any number
// of steps; an explicit count starts anew.
func TestChains(t *testing.T) {
	t.Parallel()
	got, err := topics.Partitions(chain(), topics.Counts{"in": 3, "wide": 7})
	require.NoError(t, err)
	require.Equal(t, topics.Counts{"in": 3, "wide": 7, "app-r1": 7, "app-r2": 7, "app-r3": 7}, got)

	fixed := chain()
	fixed.Subtopologies[0].Repartitions[0].Partitions = 2
	got, err = topics.Partitions(fixed, topics.Counts{"in": 3, "wide": 7})
	require.NoError(t, err)
	require.Equal(t, topics.Counts{"in": 3, "wide": 7, "app-r1": 7, "app-r2": 2, "app-r3": 2}, got)
}

// TestLoop: a count that depends on itself is no count.
func TestLoop(t *testing.T) {
	t.Parallel()
	p := &topo.Plan{Subtopologies: []topo.Subtopology{
		{ID: 0, Sources: sources("a"), Sinks: []string{"a"}, Repartitions: []topo.Repartition{{Topic: "a"}}},
	}}
	_, err := topics.Partitions(p, nil)
	require.ErrorContains(t, err, "explicit count")
}

// TestForeignKeyTopics depend on each other: what is asked of customers goes by orders,
// the answers by customers, until each must match the table that it meets.
func TestForeignKeyTopics(t *testing.T) {
	t.Parallel()
	p := &topo.Plan{Subtopologies: []topo.Subtopology{
		{ID: 0, Sources: sources("answers", "orders"), Sinks: []string{"asked", "regrouped"}, Repartitions: []topo.Repartition{{Topic: "answers"}},
			Copartitioned: [][]string{{"answers", "orders"}}},
		{ID: 1, Sources: sources("asked", "customers"), Sinks: []string{"answers"}, Repartitions: []topo.Repartition{{Topic: "asked"}},
			Copartitioned: [][]string{{"asked", "customers"}}},
		{ID: 2, Sources: sources("regrouped"), Repartitions: []topo.Repartition{{Topic: "regrouped"}}},
	}}
	got, err := topics.Partitions(p, topics.Counts{"orders": 4, "customers": 3})
	require.NoError(t, err)
	require.Equal(t, topics.Counts{"orders": 4, "customers": 3, "asked": 3, "answers": 4, "regrouped": 4}, got)
}

// TestCopartition: what can be made equal is, the rest is an error that names all.
func TestCopartition(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		r1, r2   int32 // explicit counts
		group    []string
		external topics.Counts
		want     int32 // of all in the group; 0 is an error
		names    []string
	}{
		"external alike":          {group: []string{"x", "y"}, external: topics.Counts{"x": 3, "y": 3}, want: 3},
		"external differ":         {group: []string{"x", "y"}, external: topics.Counts{"x": 3, "y": 4}, names: []string{"x has 3", "y has 4", "main.go:x"}},
		"raised to external":      {group: []string{"app-r1", "y"}, external: topics.Counts{"x": 3, "y": 8}, want: 8},
		"lowered to external":     {group: []string{"app-r1", "y"}, external: topics.Counts{"x": 9, "y": 2}, want: 2},
		"both internal":           {group: []string{"app-r1", "app-r2"}, external: topics.Counts{"x": 3, "y": 5}, want: 5},
		"internal and explicit":   {r1: 2, group: []string{"app-r1", "app-r2"}, external: topics.Counts{"x": 3, "y": 5}, want: 2},
		"explicit differ":         {r1: 2, r2: 3, group: []string{"app-r1", "app-r2"}, external: topics.Counts{"x": 3, "y": 5}, names: []string{"app-r1 has 2", "app-r2 has 3"}},
		"explicit beside another": {r1: 2, group: []string{"app-r1", "y"}, external: topics.Counts{"x": 3, "y": 5}, names: []string{"app-r1 has 2", "y has 5", "Repartition"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &topo.Plan{ApplicationID: "app", Subtopologies: []topo.Subtopology{
				{ID: 0, Sources: sources("x"), Sinks: []string{"app-r1"}},
				{ID: 1, Sources: sources("y"), Sinks: []string{"app-r2"}},
				{
					ID: 2, Sources: sources("app-r1", "app-r2"), Copartitioned: [][]string{test.group},
					Repartitions: []topo.Repartition{{Topic: "app-r1", Partitions: test.r1}, {Topic: "app-r2", Partitions: test.r2}},
				},
			}}
			got, err := topics.Partitions(p, test.external)
			if test.want == 0 {
				var e *topics.CopartitionError
				require.ErrorAs(t, err, &e)
				for _, n := range test.names {
					require.ErrorContains(t, err, n)
				}
				return
			}
			require.NoError(t, err)
			for _, topic := range test.group {
				require.Equal(t, test.want, got[topic], topic)
			}
		})
	}
}
