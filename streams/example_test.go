package streams_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/serde"
)

// describe prints the topology or what is wrong with it.
func describe(b *streams.Builder) {
	t, err := b.Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(t.Describe())
}

func Example_wordcount() {
	lines := streams.NewTopic("lines", serde.String, serde.String)
	counts := streams.NewTopic("counts", serde.String, serde.Int64)

	b := streams.NewBuilder()
	b.Stream(lines).
		FlatMapValues(strings.Fields).
		GroupBy(func(_, word string) string { return word }, serde.String, streams.As("words")).
		Count(streams.As("word-counts")).
		ToStream().
		To(counts)
	describe(b)
	// Output:
	// Topologies:
	//    Sub-topology: 0
	//     Source: KSTREAM-SOURCE-0000000000 (topics: [lines])
	//       --> KSTREAM-FLATMAPVALUES-0000000001
	//     Processor: KSTREAM-FLATMAPVALUES-0000000001 (stores: [])
	//       --> words
	//       <-- KSTREAM-SOURCE-0000000000
	//     Processor: words (stores: [])
	//       --> words-repartition-filter
	//       <-- KSTREAM-FLATMAPVALUES-0000000001
	//     Processor: words-repartition-filter (stores: [])
	//       --> words-repartition-sink
	//       <-- words
	//     Sink: words-repartition-sink (topic: words-repartition)
	//       <-- words-repartition-filter
	//
	//   Sub-topology: 1
	//     Source: words-repartition-source (topics: [words-repartition])
	//       --> KSTREAM-AGGREGATE-0000000003
	//     Processor: KSTREAM-AGGREGATE-0000000003 (stores: [word-counts])
	//       --> KTABLE-TOSTREAM-0000000007
	//       <-- words-repartition-source
	//     Processor: KTABLE-TOSTREAM-0000000007 (stores: [])
	//       --> KSTREAM-SINK-0000000008
	//       <-- KSTREAM-AGGREGATE-0000000003
	//     Sink: KSTREAM-SINK-0000000008 (topic: counts)
	//       <-- KTABLE-TOSTREAM-0000000007
}

func ExampleBuilder() {
	b := streams.NewBuilder()
	b.Stream(streams.NewTopic("in", serde.String, serde.String)).
		Filter(nil).
		To(streams.NewTopic("out/side", serde.String, serde.String))
	_, err := b.Build()
	fmt.Println(err)
	// Output:
	// example_test.go:67: FILTER: the function is nil
	// example_test.go:68: SINK: the topic: the name "out/side" may only have letters, digits, '.', '_' and '-'; make topics with NewTopic
}

func ExampleTopic() {
	orders := streams.NewTopic("orders", serde.String, serde.Int64)
	fmt.Println(orders.Name())
	// Output: orders
}

func ExampleStream() {
	b := streams.NewBuilder()
	b.Stream(streams.NewTopic("in", serde.String, serde.String), streams.As("in")).
		Filter(func(_, v string) bool { return v != "" }, streams.As("not-empty")).
		MapValues(strings.ToUpper, streams.As("shout")).
		To(streams.NewTopic("out", serde.String, serde.String), streams.As("out"))
	describe(b)
	// Output:
	// Topologies:
	//    Sub-topology: 0
	//     Source: in (topics: [in])
	//       --> not-empty
	//     Processor: not-empty (stores: [])
	//       --> shout
	//       <-- in
	//     Processor: shout (stores: [])
	//       --> out
	//       <-- not-empty
	//     Sink: out (topic: out)
	//       <-- shout
}

func ExampleTable() {
	b := streams.NewBuilder()
	users := b.Table(streams.NewTopic("users", serde.String, serde.String), streams.As("users"), streams.AsOperator("keep-users"))
	b.Stream(streams.NewTopic("clicks", serde.String, serde.String), streams.As("clicks")).
		LeftJoinTable(users, func(_, click string, user streams.Opt[string]) string {
			if !user.OK {
				return click + " by a stranger"
			}
			return click + " by " + user.V
		}, streams.As("with-user")).
		To(streams.NewTopic("out", serde.String, serde.String), streams.As("out"))
	describe(b)
	// Output:
	// Topologies:
	//    Sub-topology: 0
	//     Source: clicks (topics: [clicks])
	//       --> with-user
	//     Source: keep-users-source (topics: [users])
	//       --> keep-users
	//     Processor: with-user (stores: [users])
	//       --> out
	//       <-- clicks
	//     Processor: keep-users (stores: [users])
	//       --> none
	//       <-- keep-users-source
	//     Sink: out (topic: out)
	//       <-- with-user
}

func ExampleGrouped() {
	b := streams.NewBuilder()
	b.Stream(streams.NewTopic("payments", serde.String, serde.Int64), streams.As("payments")).
		GroupByKey().
		Reduce(func(sum, amount int64) int64 { return sum + amount }, streams.As("totals"), streams.AsOperator("add-up"))
	describe(b)
	// Output:
	// Topologies:
	//    Sub-topology: 0
	//     Source: payments (topics: [payments])
	//       --> add-up
	//     Processor: add-up (stores: [totals])
	//       --> none
	//       <-- payments
}

func ExampleWindowedGroup() {
	b := streams.NewBuilder()
	b.Stream(streams.NewTopic("clicks", serde.String, serde.String)).
		GroupByKey().
		WindowedBy(streams.Tumbling(time.Minute).Grace(10*time.Second)).
		Count(streams.As("per-minute"), streams.WithRetention(24*time.Hour)).
		ToStream(func(w streams.Windowed[string]) string {
			return w.Key + "@" + time.UnixMilli(w.Window.Start).UTC().Format(time.Kitchen)
		}).
		To(streams.NewTopic("out", serde.String, serde.Int64))
	t, err := b.Build()
	fmt.Println(strings.Contains(t.Describe(), "stores: [per-minute]"), err)
	// Output: true <nil>
}

func ExampleTimeWindows() {
	b := streams.NewBuilder()
	b.Stream(streams.NewTopic("clicks", serde.String, serde.String)).
		GroupByKey().
		WindowedBy(streams.Hopping(time.Minute, 2*time.Minute)).
		Count()
	_, err := b.Build()
	fmt.Println(err)
	// Output:
	// example_test.go:168: WINDOWED-BY: the window advance 2m0s is larger than the size 1m0s, so that records between windows would be lost
}

func ExampleSessionGroup() {
	b := streams.NewBuilder()
	b.Stream(streams.NewTopic("clicks", serde.String, serde.String)).
		GroupByKey().
		SessionsBy(streams.SessionGap(30*time.Second)).
		Aggregate(
			func() int64 { return 0 },
			func(_, click string, bytes int64) int64 { return bytes + int64(len(click)) },
			func(_ string, a, b int64) int64 { return a + b },
			serde.Int64,
			streams.As("bytes-per-session")).
		ToStream(streams.WindowedKey).
		To(streams.NewTopic("out", serde.WindowedSession(serde.String), serde.Int64))
	t, err := b.Build()
	fmt.Println(strings.Contains(t.Describe(), "stores: [bytes-per-session]"), err)
	// Output: true <nil>
}

func ExampleSessions() {
	b := streams.NewBuilder()
	b.Stream(streams.NewTopic("clicks", serde.String, serde.String)).GroupByKey().SessionsBy(streams.SessionGap(0)).Count()
	_, err := b.Build()
	fmt.Println(err)
	// Output:
	// example_test.go:196: SESSIONS-BY: the session gap 0s is shorter than 1ms
}

func ExampleWindowedTable() {
	b := streams.NewBuilder()
	perHour := b.Stream(streams.NewTopic("clicks", serde.String, serde.String), streams.As("clicks")).
		GroupByKey().
		WindowedBy(streams.Tumbling(time.Hour)).
		Count(streams.As("per-hour"), streams.AsOperator("count"))
	perHour.ToStream(streams.WindowedKey, streams.As("changes")).
		ForEach(func(w streams.Windowed[string], n int64) { fmt.Println(w.Key, w.Window.Start, n) }, streams.As("print"))
	describe(b)
	// Output:
	// Topologies:
	//    Sub-topology: 0
	//     Source: clicks (topics: [clicks])
	//       --> count
	//     Processor: count (stores: [per-hour])
	//       --> changes
	//       <-- clicks
	//     Processor: changes (stores: [])
	//       --> print
	//       <-- count
	//     Processor: print (stores: [])
	//       --> none
	//       <-- changes
}

func ExampleRegister() {
	type order struct{ Customer string }
	b := streams.NewBuilder()
	streams.Register(b, serde.JSON[order]())
	b.Stream(streams.NewTopic("in", serde.String, serde.String)).
		MapValues(func(customer string) order { return order{customer} }).
		SelectKey(func(_ string, o order) string { return o.Customer }).
		GroupByKey(). // goes through a repartition topic, which holds orders
		Count()
	_, err := b.Build()
	fmt.Println(err)
	// Output: <nil>
}

func ExampleTopology() {
	b := streams.NewBuilder()
	b.Stream(streams.NewTopic("in", serde.String, serde.String)).To(streams.NewTopic("out", serde.String, serde.String))
	t, err := b.Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(t.Describe())
	// Output:
	// Topologies:
	//    Sub-topology: 0
	//     Source: KSTREAM-SOURCE-0000000000 (topics: [in])
	//       --> KSTREAM-SINK-0000000001
	//     Sink: KSTREAM-SINK-0000000001 (topic: out)
	//       <-- KSTREAM-SOURCE-0000000000
}
