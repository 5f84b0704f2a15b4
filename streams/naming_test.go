package streams_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/serde"
)

// golden is what Kafka Streams 4.3.1 makes of one program with the application
// id APP: testdata/naming.json was written by a JVM.
type golden struct {
	Program       string
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
)

// programs are those of the JVM's list that the DSL can express, in Go.
var programs = map[string]func(b builder){
	"stream filter map to": func(b builder) {
		b.Stream(text("a")).Filter(always).Map(func(k, v string) (string, string) { return k, v }).To(text("z"))
	},
	"stream every stateless op": func(b builder) {
		x := b.Stream(text("a")).FilterNot(always).MapValues(same).
			FlatMapValues(func(v string) []string { return []string{v} }).
			FlatMap(func(k, v string, yield func(string, string)) { yield(k, v) }).
			SelectKey(value).
			Peek(func(streams.Record[string, string]) {})
		// Print is a ForEach here, under the name that Kafka Streams generates.
		x.Merge(b.Stream(text("b"))).ForEach(func(_, _ string) {}, streams.As("KSTREAM-PRINTER-0000000009"))
		x.ForEach(func(_, _ string) {})
	},
	"table unmaterialised":     func(b builder) { b.Table(text("a")).ToStream().To(text("z")) },
	"table materialised named": func(b builder) { b.Table(text("a"), streams.As("st")).ToStream().To(text("z")) },
	"table Consumed.as":        func(b builder) { b.Table(text("a"), streams.AsOperator("src")).ToStream().To(text("z")) },
	"table filter mapValues": func(b builder) {
		b.Table(text("a")).Filter(always).MapValues(same).ToStream().To(text("z"))
	},
	"groupByKey count":              func(b builder) { b.Stream(text("a")).GroupByKey().Count() },
	"groupByKey count Named":        func(b builder) { b.Stream(text("a")).GroupByKey().Count(streams.AsOperator("cnt")) },
	"groupByKey count Materialized": func(b builder) { b.Stream(text("a")).GroupByKey().Count(streams.As("st")) },
	"groupBy count":                 func(b builder) { byValue(b).Count() },
	"groupBy Grouped.as count":      func(b builder) { byValue(b, streams.As("grp")).Count() },
	"groupBy Grouped.as count Materialized": func(b builder) {
		byValue(b, streams.As("grp")).Count(streams.As("st"))
	},
	"groupBy reduce":    func(b builder) { byValue(b).Reduce(last) },
	"groupBy aggregate": func(b builder) { byValue(b).Aggregate(empty, keep, serde.String) },
	"groupBy twice on one grouped stream": func(b builder) {
		g := byValue(b)
		g.Count()
		g.Reduce(last)
	},
	"window count": func(b builder) { b.Stream(text("a")).GroupByKey().WindowedBy(windows).Count() },
	"window count named": func(b builder) {
		b.Stream(text("a")).GroupByKey().WindowedBy(windows).Count(streams.AsOperator("wc"), streams.As("ws"))
	},
	"window count retention": func(b builder) {
		b.Stream(text("a")).GroupByKey().WindowedBy(windows).Count(streams.As("ws"), streams.WithRetention(2*time.Hour))
	},
	"session count": func(b builder) {
		b.Stream(text("a")).GroupByKey().SessionsBy(streams.SessionGap(10 * time.Second).Grace(5 * time.Second)).Count()
	},
	"session aggregate groupBy": func(b builder) {
		byValue(b).SessionsBy(streams.SessionGap(10*time.Second)).Aggregate(empty, keep, keep, serde.String)
	},
	"stream table join": func(b builder) {
		b.Stream(text("a")).JoinTable(b.Table(text("b")), join).To(text("z"))
	},
	"stream table join repartitioned": func(b builder) {
		b.Stream(text("a")).SelectKey(value).LeftJoinTable(b.Table(text("b")), leftJoin).To(text("z"))
	},
	"stream table join Joined.as repartitioned": func(b builder) {
		b.Stream(text("a")).SelectKey(value).JoinTable(b.Table(text("b")), join, streams.As("jn")).To(text("z"))
	},
	"two independent sub-topologies": func(b builder) {
		b.Stream(text("a")).To(text("y"))
		b.Stream(text("b")).GroupBy(value, serde.String).Count().ToStream().To(streams.NewTopic("z", serde.String, serde.Int64))
	},
	"selectKey then count twice": func(b builder) {
		x := b.Stream(text("a")).SelectKey(value)
		x.GroupByKey().Count()
		x.GroupByKey().Reduce(last)
	},
}

func byValue(b builder, opts ...streams.RepartitionOption) streams.Grouped[string, string] {
	return b.Stream(text("a")).GroupBy(value, serde.String, opts...)
}

func goldens(t *testing.T) []golden {
	t.Helper()
	raw, err := os.ReadFile("testdata/naming.json")
	require.NoError(t, err)
	var all []golden
	require.NoError(t, json.Unmarshal(raw, &all))
	require.Len(t, all, len(programs), "each recorded program has its twin here")
	return all
}

// TestNamesAreThoseOfKafkaStreams: the text of Describe, the topics with their
// configurations and the groups that must be co-partitioned, program by program.
func TestNamesAreThoseOfKafkaStreams(t *testing.T) {
	t.Parallel()
	for _, want := range goldens(t) {
		t.Run(want.Program, func(t *testing.T) {
			t.Parallel()
			b := streams.NewBuilder()
			programs[want.Program](b)
			top, err := b.Build()
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
	require.Len(t, plan.Subtopologies, len(want.Subtopologies))
	copartitioned := [][]string{}
	for i, sub := range plan.Subtopologies {
		require.EqualValues(t, i, sub.ID)
		w := want.Subtopologies[string(rune('0'+i))]
		sources := []string{}
		for _, s := range sub.Sources {
			sources = append(sources, s.Topic)
			require.Regexp(t, `^naming_test\.go:\d+$`, s.Where)
		}
		require.Equal(t, w.SourceTopics, sources)
		require.Equal(t, w.SinkTopics, append([]string{}, sub.Sinks...))
		require.Len(t, sub.Repartitions, len(w.RepartitionTopics))
		for _, r := range sub.Repartitions {
			require.Equal(t, w.RepartitionTopics[r.Topic].Configs, r.Config)
			require.Zero(t, r.Partitions)
		}
		require.Len(t, sub.Stores, len(w.ChangelogTopics))
		for _, s := range sub.Stores {
			require.Equal(t, w.ChangelogTopics[s.Changelog], s.ChangelogConfig)
			require.NoError(t, s.Spec.Validate())
		}
		copartitioned = append(copartitioned, sub.Copartitioned...)
	}
	require.Equal(t, want.CopartitionGroups, copartitioned)
}
