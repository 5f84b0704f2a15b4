package streams_test

import (
	"fmt"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/serde"
)

// order has no registered serde.
type order struct{ Total int64 }

func toOrder(string) order { return order{} }

// TestFaults: each mistake is one line that begins with the user's file and line.
func TestFaults(t *testing.T) {
	t.Parallel()
	for want, declare := range mistakes() {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			b := streams.NewBuilder()
			declare(b)
			_, err := b.Build()
			require.Error(t, err)
			line := regexp.MustCompile(`(?m)^(builder_test\.go:\d+: .*|the topology is empty: .*)$`)
			found := strings.Join(line.FindAllString(err.Error(), -1), "\n")
			require.Contains(t, found, want, "all of it: %v", err)
		})
	}
}

// mistakes are programs that must not build, by what is said about them.
func mistakes() map[string]func(b builder) {
	g := func(b builder) streams.Grouped[string, string] { return b.Stream(text("a")).GroupByKey() }
	var noFunc func(string) string
	return map[string]func(b builder){
		"the topology is empty":         func(builder) {},
		"the function is nil":           func(b builder) { b.Stream(text("a")).MapValues(noFunc) },
		"option 1 is nil":               func(b builder) { b.Stream(text("a"), nil) },
		"the topic: the name is empty":  func(b builder) { b.Stream(streams.Topic[string, string]{}) },
		"'.', '_' and '-'":              func(b builder) { b.Stream(text("a/b")) },
		"250 characters":                func(b builder) { b.Stream(text(strings.Repeat("x", 250))) },
		`".." is no name`:               func(b builder) { b.Stream(text("a")).To(text("..")) },
		"the topic z lacks a serde":     func(b builder) { b.Stream(text("a")).To(streams.NewTopic[string, string]("z", nil, nil)) },
		`the name "no name" may only`:   func(b builder) { b.Stream(text("a"), streams.As("no name")) },
		`the name is given twice`:       func(b builder) { g(b).Count(streams.As("x"), streams.As("y")) },
		`the operator name "x"`:         func(b builder) { b.Stream(text("a"), streams.As("x")).Filter(always, streams.As("x")) },
		`the store name "x" is already`: func(b builder) { g(b).Count(streams.As("x")); g(b).Reduce(last, streams.As("x")) },
		`the source topic "a" is`:       func(b builder) { b.Stream(text("a")); b.Table(text("a")) },
		"already read with other types": func(b builder) { b.Stream(text("a")); b.Stream(number("a")) },
		"is already read from the earliest offset at builder_test.go": func(b builder) { b.Stream(text("a")); b.Stream(text("a"), streams.LatestOffset()) },
		"two offsets to start from are":                               func(b builder) { b.Table(text("a"), streams.LatestOffset(), streams.EarliestOffset()) },
		"the partition count 0":                                       func(b builder) { b.Stream(text("a")).GroupByKey(streams.WithPartitions(0)).Count() },
		"the key serde is nil":                                        func(b builder) { b.Stream(text("a")).GroupBy(value, nil).Count() },
		"the value serde is nil":                                      func(b builder) { g(b).Aggregate(empty, keep, nil) },
		"only windows and sessions":                                   func(b builder) { g(b).Count(streams.WithRetention(time.Hour)) },
		"the retention -1s is not":                                    func(b builder) { g(b).Count(streams.WithRetention(-time.Second)) },
		"window size 0s is shorter":                                   func(b builder) { g(b).WindowedBy(streams.Tumbling(0)) },
		"window size -1s is shorter":                                  func(b builder) { g(b).WindowedBy(streams.Hopping(-time.Second, time.Second)) },
		"the grace -1s is negative":                                   func(b builder) { g(b).WindowedBy(streams.Tumbling(time.Second).Grace(-time.Second)) },
		"not in whole milliseconds":                                   func(b builder) { g(b).WindowedBy(streams.Tumbling(time.Second + 1)) },
		"advance 2s is larger than":                                   func(b builder) { g(b).WindowedBy(streams.Hopping(time.Second, 2*time.Second)) },
		"session gap 0s is shorter":                                   func(b builder) { g(b).SessionsBy(streams.SessionGap(0)) },
		"the retention 1s is shorter than the 15s": func(b builder) {
			g(b).WindowedBy(windows).Count(streams.WithRetention(time.Second))
		},
		"the retention 1s is shorter than the 1m0s": func(b builder) {
			g(b).SessionsBy(streams.SessionGap(time.Minute)).Count(streams.WithRetention(time.Second))
		},
		"the table belongs to another builder": func(b builder) {
			b.Stream(text("a")).JoinTable(streams.NewBuilder().Table(text("b")), join)
		},
		"JOIN: the table belongs to another": func(b builder) {
			b.Stream(text("a")).JoinTable(streams.Table[string, string]{}, join)
		},
		"a stream of another builder": func(b builder) {
			b.Stream(text("a")).Merge(streams.NewBuilder().Stream(text("b")))
		},
		"the serde to register for string is nil": func(b builder) { streams.Register[string](b, nil) },
		"no serde for the value type streams_test.order, which MAPVALUES at builder_test.go": func(b builder) {
			b.Stream(text("a")).MapValues(toOrder).SelectKey(func(string, order) string { return "" }).GroupByKey().Count()
		},
		"lies ahead":          func(b builder) { b.Stream(text("a"), streams.OffsetAgo(-time.Second)) },
		"the pattern \"(\": ": func(b builder) { b.StreamMatching("(", serde.String, serde.String) },
		`the source topic "ab" is matched by the pattern "a.*" at`: func(b builder) {
			b.StreamMatching("a.*", serde.String, serde.String)
			b.Table(text("ab"))
		},
		"LRU of 0 entries":        func(b builder) { g(b).Count(streams.LRU(0)) },
		"has no bound of entries": func(b builder) { g(b).WindowedBy(windows).Count(streams.LRU(5)) },
		"SUPPRESS: the table is ver": func(b builder) {
			b.Table(text("a"), streams.WithHistory(time.Minute)).Suppress(streams.UntilTimeLimit(time.Second))
		},
		"meet here; give them the same number": func(b builder) {
			three := b.Stream(text("a")).Repartition(streams.WithPartitions(3))
			three.Join(b.Stream(text("b")).Repartition(streams.WithPartitions(4)), near, join)
		},
		"the parent \"x\" was not added before": func(b builder) { b.AddSink("z", text("z"), "x") },
		"sends record.Record[string,string], and not record.Record[string,int64]": func(b builder) {
			b.AddSource("x", text("a"))
			b.AddSink("z", number("z"), "x")
		},
		`the name "x" is already used at`: func(b builder) { b.AddSource("x", text("a")); b.AddSource("x", text("b")) },
		"is a sink, added at": func(b builder) {
			b.AddSource("x", text("a"))
			b.AddSink("y", text("y"), "x")
			b.AddSink("z", text("z"), "y")
		},
		`"x", added at builder_test.go`: func(b builder) {
			b.AddSource("x", text("a"))
			b.AddStateStore(streams.KVStore("s", serde.String, serde.String), "x")
		},
		"no serde for the key type streams_test.order, which KEY-SELECT at": func(b builder) {
			b.Stream(text("a")).SelectKey(func(_, v string) order { return toOrder(v) }).GroupByKey().Count()
		},
	}
}

// TestAllFaultsTogether, in the order in which they were made, each at the line
// of its own method name.
func TestAllFaultsTogether(t *testing.T) {
	t.Parallel()
	b := streams.NewBuilder()
	_, _, here, _ := runtime.Caller(0)
	b.Stream(text("a")).
		Filter(nil).
		MapValues(toOrder).
		GroupByKey().
		Reduce(nil)
	_, err := b.Build()
	require.Error(t, err)
	require.Equal(t, []string{
		fmt.Sprintf("builder_test.go:%d: FILTER: the function is nil", here+2),
		fmt.Sprintf("builder_test.go:%d: REDUCE: the function is nil", here+5),
		fmt.Sprintf("builder_test.go:%d: no serde for the value type streams_test.order, which MAPVALUES at builder_test.go:%d made; "+
			"use WithValueSerde, or register one with the builder", here+5, here+3),
	}, strings.Split(err.Error(), "\n"))
}

// TestSerdesAreFound: by registration, or from the handle.
func TestSerdesAreFound(t *testing.T) {
	t.Parallel()
	first := func(acc, _ order) order { return acc }
	for name, declare := range map[string]func(b builder){
		"registered": func(b builder) {
			streams.Register(b, serde.JSON[order]())
			b.Stream(text("a")).MapValues(toOrder).GroupByKey().Reduce(first)
		},
		"on the handle": func(b builder) {
			b.Stream(text("a")).MapValues(toOrder).WithValueSerde(serde.JSON[order]()).GroupByKey().Reduce(first)
		},
		"key on the handle": func(b builder) {
			b.Stream(text("a")).SelectKey(func(_, v string) order { return toOrder(v) }).WithKeySerde(serde.JSON[order]()).GroupByKey().Count()
		},
		"built in": func(b builder) {
			b.Stream(text("a")).Map(func(k, v string) (float64, []byte) { return 1, nil }).GroupByKey().Count()
		},
		"kept through a filter and a peek": func(b builder) {
			orders := streams.NewTopic("a", serde.String, serde.JSON[order]())
			b.Stream(orders).Filter(func(string, order) bool { return true }).GroupByKey().Reduce(first)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := streams.NewBuilder()
			declare(b)
			_, err := b.Build()
			require.NoError(t, err)
		})
	}
}

// TestZeroValuesDoNotPanic: a forgotten Stream declares into nothing.
func TestZeroValuesDoNotPanic(t *testing.T) {
	t.Parallel()
	var s streams.Stream[string, string]
	s.Filter(always).MapValues(same).SelectKey(value).GroupByKey().WindowedBy(windows).Count().ToStream(windowName).To(number("z"))
	s.Merge(s).ForEach(func(_, _ string) {})
	var tab streams.Table[string, string]
	tab.Filter(always).MapValues(same).ToStream().To(text("z"))
	s.LeftJoinTable(tab, leftJoin)
	var g streams.Grouped[string, string]
	g.SessionsBy(streams.SessionGap(time.Second)).Reduce(last).ToStream(streams.WindowedKey)
	g.Reduce(last)
	var w streams.WindowedTable[string, string]
	w.ToStream(windowName)
	var wg streams.WindowedGroup[string, string]
	wg.Count()
	var sg streams.SessionGroup[string, string]
	sg.Count()
}

// TestBuildAgain: a builder may grow; what was built stays.
func TestBuildAgain(t *testing.T) {
	t.Parallel()
	b := streams.NewBuilder()
	s := b.Stream(text("a"))
	s.To(text("y"))
	first, err := b.Build()
	require.NoError(t, err)
	before := first.Describe()
	s.Filter(always).To(text("z"))
	second, err := b.Build()
	require.NoError(t, err)
	require.Equal(t, before, first.Describe())
	require.Contains(t, second.Describe(), "topic: z")
}

// helper is a user's own generic step.
func helper[V any](s streams.Stream[string, V]) streams.Stream[string, V] {
	return s.Filter(nil)
}

// TestFaultInAHelper is shown where the helper calls the library.
func TestFaultInAHelper(t *testing.T) {
	t.Parallel()
	b := streams.NewBuilder()
	_, _, here, _ := runtime.Caller(0)
	helper(b.Stream(text("a")))
	_, err := b.Build()
	require.EqualError(t, err, fmt.Sprintf("builder_test.go:%d: FILTER: the function is nil", here-7))
}
