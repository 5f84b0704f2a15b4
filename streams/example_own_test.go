package streams_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/aggregate"
	"github.com/millrace/millrace/streams/serde"
	"github.com/millrace/millrace/streams/streamstest"
)

// Each payment counts once, however often it is sent within the hour.
func ExampleStream_Dedup() {
	b := streams.NewBuilder()
	b.Stream(payments).
		Dedup(func(_, payment string) string { return payment }, serde.String, time.Hour, streams.As("payments-seen")).
		To(joined)

	d := streamstest.New(new(testing.T), b)
	in := streamstest.Input(d, payments)
	in.Send("u-1", "p-7", streamstest.AtMs(0))
	in.Send("u-1", "p-7", streamstest.AtMs(1000))
	in.Send("u-1", "p-8", streamstest.AtMs(2000))
	in.Send("u-1", "p-7", streamstest.AtMs(3600_000))
	show(d, joined)
	fmt.Println(d.Skipped())
	// Output:
	// u-1 p-7 false 0
	// u-1 p-8 false 2000
	// u-1 p-7 false 3600000
	// map[{KSTREAM-DEDUP-0000000001 duplicate}:1]
}

// What is too late to be judged is sent elsewhere.
func ExampleOnLate() {
	b := streams.NewBuilder()
	b.Stream(payments).
		Dedup(func(_, payment string) string { return payment }, serde.String, time.Second,
			streams.OnLate(func(late streams.Stream[string, string]) { late.To(orders) })).
		To(joined)

	d := streamstest.New(new(testing.T), b)
	in := streamstest.Input(d, payments)
	in.Send("u-1", "p-7", streamstest.AtMs(5000))
	in.Send("u-1", "p-6", streamstest.AtMs(3999))
	show(d, joined)
	show(d, orders)
	// Output:
	// u-1 p-7 false 5000
	// u-1 p-6 false 3999
}

// Clicks that come after their minute is closed are kept for a correction.
func ExampleWindowedGroup_OnLate() {
	b := streams.NewBuilder()
	b.Stream(orders).GroupByKey().
		WindowedBy(streams.Tumbling(time.Minute)).
		OnLate(func(late streams.Stream[string, string]) { late.To(joined) }, streams.As("late-orders")).
		Count(streams.As("per-minute"))

	d := streamstest.New(new(testing.T), b)
	in := streamstest.Input(d, orders)
	in.Send("u-1", "book", streamstest.AtMs(70_000))
	in.Send("u-1", "pen", streamstest.AtMs(59_000))
	show(d, joined)
	topology, _ := b.Build()
	fmt.Print(topology.Describe())
	// Output:
	// u-1 pen false 59000
	// Topologies:
	//    Sub-topology: 0
	//     Source: KSTREAM-SOURCE-0000000000 (topics: [orders])
	//       --> KSTREAM-AGGREGATE-0000000001
	//     Processor: KSTREAM-AGGREGATE-0000000001 (stores: [per-minute])
	//       --> late-orders
	//       <-- KSTREAM-SOURCE-0000000000
	//     Processor: late-orders (stores: [])
	//       --> KSTREAM-SINK-0000000003
	//       <-- KSTREAM-AGGREGATE-0000000001
	//     Sink: KSTREAM-SINK-0000000003 (topic: joined)
	//       <-- late-orders
}

// A visit that has ended takes no further clicks.
func ExampleSessionGroup_OnLate() {
	b := streams.NewBuilder()
	b.Stream(orders).GroupByKey().
		SessionsBy(streams.SessionGap(time.Second)).
		OnLate(func(late streams.Stream[string, string]) { late.To(joined) }).
		Count(streams.As("visits"))

	d := streamstest.New(new(testing.T), b)
	in := streamstest.Input(d, orders)
	in.Send("u-1", "book", streamstest.AtMs(9000))
	in.Send("u-2", "pen", streamstest.AtMs(1000))
	show(d, joined)
	// Output: u-2 pen false 1000
}

// An order that comes too late to wait for its payment is sent to clearing.
func ExampleOnLateLeft() {
	clearing := streams.NewTopic("clearing", serde.String, serde.String)
	b := streams.NewBuilder()
	b.Stream(orders).Join(b.Stream(payments), streams.Within(time.Second), pair,
		streams.OnLateLeft(func(late streams.Stream[string, string]) { late.To(clearing) }),
		streams.OnLateRight(func(late streams.Stream[string, string]) { late.To(clearing) })).
		To(joined)

	d := streamstest.New(new(testing.T), b)
	in := streamstest.Input(d, orders)
	in.Send("o-2", "pen", streamstest.AtMs(9000))
	in.Send("o-1", "book", streamstest.AtMs(1000))
	show(d, clearing)
	// Output: o-1 book false 1000
}

// Each order is priced by another system, up to eight at once; the order of records
// stays.
func ExampleStream_MapAsync() {
	price := func(ctx context.Context, r streams.Record[string, string]) (int64, error) {
		return int64(100 * len(r.Value)), ctx.Err() // in place of a call over the network
	}
	b := streams.NewBuilder()
	b.Stream(orders).
		MapAsync(price, streams.Concurrency(8), streams.Timeout(2*time.Second), streams.Retry(3, 100*time.Millisecond)).
		To(totals)

	d := streamstest.New(new(testing.T), b)
	in := streamstest.Input(d, orders)
	in.Send("o-1", "book", streamstest.AtMs(5))
	in.Send("o-2", "pen", streamstest.AtMs(6))
	show(d, totals)
	// Output:
	// o-1 400 false 5
	// o-2 300 false 6
}

// A customer that is not known will not be known the next time either.
func ExampleNoRetry() {
	unknown := errors.New("no such customer")
	err := streams.NoRetry(unknown)
	fmt.Println(err, errors.Is(err, unknown))
	// Output: no such customer true
}

// A source that nobody writes to for a second holds the other one up no more.
func ExampleIdleAfter() {
	b := streams.NewBuilder()
	b.Stream(orders).Join(b.Stream(payments, streams.IdleAfter(time.Second)), streams.Within(time.Hour), pair).To(joined)
	topology, err := b.Build()
	fmt.Println(topology.Plan("shop").Subtopologies[0].Sources[1].IdleAfter, err)
	// Output: 1s <nil>
}

// Three results of each minute's orders in one pass, out of one store.
func ExampleWindowedGroup_AggregateBy() {
	type minute = aggregate.Triple[int64, []string, *aggregate.Sketch]
	longer := func(a, b string) int { return len(b) - len(a) }
	all := aggregate.Three(
		aggregate.Count[string, string](),
		aggregate.TopN[string](2, longer, serde.String),
		aggregate.ApproxDistinct[string](func(product string) string { return product }),
	)
	b := streams.NewBuilder()
	b.Stream(orders).GroupByKey().
		WindowedBy(streams.Tumbling(time.Minute)).
		AggregateBy(all, streams.As("minutes")).
		MapValues(func(m minute) string { return fmt.Sprint(m.First, m.Second, m.Third.Estimate()) }).
		ToStream(func(w streams.Windowed[string]) string { return w.Key }).
		WithValueSerde(serde.String).
		To(joined)

	d := streamstest.New(new(testing.T), b)
	in := streamstest.Input(d, orders)
	for i, product := range []string{"pen", "book", "pen", "lamp"} {
		in.Send("u-1", product, streamstest.AtMs(int64(i)))
	}
	show(d, joined)
	// Output:
	// u-1 1 [pen] 1 false 0
	// u-1 2 [book pen] 2 false 1
	// u-1 3 [book pen] 2 false 2
	// u-1 4 [book lamp] 3 false 3
}

// The sketches of visits that grow together are merged.
func ExampleSessionGroup_AggregateBy() {
	b := streams.NewBuilder()
	b.Stream(orders).GroupByKey().
		SessionsBy(streams.SessionGap(time.Second).Grace(time.Minute)).
		AggregateBy(aggregate.ApproxDistinct[string](func(product string) string { return product }), streams.As("visits")).
		MapValues((*aggregate.Sketch).Estimate).
		ToStream(func(w streams.Windowed[string]) string { return w.Key }).
		To(totals)

	d := streamstest.New(new(testing.T), b)
	in := streamstest.Input(d, orders)
	in.Send("u-1", "pen", streamstest.AtMs(0))
	in.Send("u-1", "book", streamstest.AtMs(2000))
	in.Send("u-1", "pen", streamstest.AtMs(1000))
	show(d, totals)
	// Output:
	// u-1 1 false 0
	// u-1 1 false 2000
	// u-1 0 true 0
	// u-1 0 true 2000
	// u-1 2 false 2000
}

// The three dearest orders of each customer.
func ExampleGrouped_AggregateBy() {
	b := streams.NewBuilder()
	longer := func(a, b string) int { return len(b) - len(a) }
	b.Stream(orders).GroupByKey().
		AggregateBy(aggregate.TopN[string](3, longer, serde.String), streams.As("longest")).
		ToStream().
		MapValues(func(top []string) string { return fmt.Sprint(top) }).
		WithValueSerde(serde.String).
		To(joined)

	d := streamstest.New(new(testing.T), b)
	in := streamstest.Input(d, orders)
	in.Send("u-1", "pen", streamstest.AtMs(0))
	in.Send("u-1", "lamp", streamstest.AtMs(1))
	show(d, joined)
	// Output:
	// u-1 [pen] false 0
	// u-1 [lamp pen] false 1
}

// A cart that was not touched for an hour is forgotten.
func ExampleTTL() {
	b := streams.NewBuilder()
	b.Table(orders, streams.As("carts"), streams.TTL(time.Hour)).ToStream().To(joined)

	d := streamstest.New(new(testing.T), b)
	in := streamstest.Input(d, orders)
	in.Send("u-1", "book", streamstest.AtMs(0))
	in.Send("u-2", "pen", streamstest.AtMs(4_000_000))
	show(d, joined)
	// Output:
	// u-1 book false 0
	// u-2 pen false 4000000
	// u-1  true 3600000
}
