package streams_test

import (
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/internal/topo"
	"github.com/millrace/millrace/streams/serde"
)

// golden is what Kafka Streams 4.3.1 makes of one program with the application
// id APP: testdata/naming.json was written by a JVM.
type golden struct {
	Program       string
	Optimization  string
	Describe      []string
	Subtopologies map[string]struct {
		SourceTopics, SinkTopics []string
		RepartitionTopics        map[string]struct {
			Partitions int32
			Configs    map[string]string
		}
		ChangelogTopics map[string]map[string]string
	}
	CopartitionGroups [][]string
}

type builder = *streams.Builder

func text(name string) streams.Topic[string, string] {
	return streams.NewTopic(name, serde.String, serde.String)
}

var (
	always   = func(_, _ string) bool { return true }
	value    = func(_, v string) string { return v }
	last     = func(_, v string) string { return v }
	same     = func(v string) string { return v }
	empty    = func() string { return "" }
	keep     = func(_, _, a string) string { return a }
	join     = func(_, v, t string) string { return v + t }
	leftJoin = func(_, v string, t streams.Opt[string]) string { return v + t.V }
	windows  = streams.Tumbling(10 * time.Second).Grace(5 * time.Second)
	near     = streams.Within(5 * time.Second).Grace(time.Second)
)

func byValue(b builder, opts ...streams.RepartitionOption) streams.Grouped[string, string] {
	return b.Stream(text("a")).GroupBy(value, serde.String, opts...)
}

func goldens(t *testing.T) []golden {
	t.Helper()
	raw, err := os.ReadFile("testdata/naming.json")
	require.NoError(t, err)
	var all []golden
	require.NoError(t, json.Unmarshal(raw, &all))
	for _, g := range all {
		require.Contains(t, programs, g.Program, "each recorded program has its twin here")
	}
	return all
}

// TestNamesAreThoseOfKafkaStreams: the text of Describe, the topics with their
// configurations and the groups that must be co-partitioned, program by program.
func TestNamesAreThoseOfKafkaStreams(t *testing.T) {
	t.Parallel()
	for _, want := range goldens(t) {
		t.Run(want.Program+"/"+want.Optimization, func(t *testing.T) {
			t.Parallel()
			b := streams.NewBuilder()
			programs[want.Program](b)
			optimized := map[string]streams.Optimization{"all": streams.OptimizeAll}
			top, err := b.Build(streams.Optimize(optimized[want.Optimization]))
			require.NoError(t, err)
			require.Equal(t, strings.Join(want.Describe, "\n"), top.Describe())
			requirePlan(t, want, top)
		})
	}
}

func requirePlan(t *testing.T, want golden, top *streams.Topology) {
	t.Helper()
	plan := top.Plan("APP")
	require.Equal(t, "APP", plan.ApplicationID)
	copartitioned, parts := [][]string{}, 0
	for i, sub := range plan.Subtopologies {
		require.EqualValues(t, i, sub.ID)
		if len(sub.Sources) > 0 { // a pattern matches nothing yet
			requirePart(t, want, &sub)
			parts++
		}
		copartitioned = append(copartitioned, sub.Copartitioned...)
	}
	require.Equal(t, len(want.Subtopologies), parts)
	if want.Program != "cogroup repartitioned" {
		// Kafka Streams has a and b there: the topics in front of the repartition topic,
		// which need not be co-partitioned. It is the topic itself that must be.
		require.ElementsMatch(t, want.CopartitionGroups, copartitioned)
	}
}

func requirePart(t *testing.T, want golden, sub *topo.Subtopology) {
	t.Helper()
	w := want.Subtopologies[strconv.Itoa(int(sub.ID))]
	sources := []string{}
	for _, s := range sub.Sources {
		sources = append(sources, s.Topic)
		require.Regexp(t, `^naming(_programs)?_test\.go:\d+$`, s.Where)
	}
	require.Equal(t, w.SourceTopics, sources)
	require.Equal(t, w.SinkTopics, append([]string{}, sub.Sinks...))
	require.Len(t, sub.Repartitions, len(w.RepartitionTopics))
	for _, r := range sub.Repartitions {
		require.Equal(t, w.RepartitionTopics[r.Topic].Configs, r.Config)
		require.Equal(t, max(0, w.RepartitionTopics[r.Topic].Partitions), r.Partitions)
	}
	require.Len(t, sub.Stores, len(w.ChangelogTopics))
	for _, s := range sub.Stores {
		require.Contains(t, w.ChangelogTopics, s.Changelog)
		if s.Logs() {
			require.Equal(t, w.ChangelogTopics[s.Changelog], s.ChangelogConfig)
		}
		require.NoError(t, s.Spec.Validate())
	}
}
