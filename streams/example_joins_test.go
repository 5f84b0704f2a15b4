package streams_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/serde"
	"github.com/millrace/millrace/streams/streamstest"
)

var (
	orders   = streams.NewTopic("orders", serde.String, serde.String)
	payments = streams.NewTopic("payments", serde.String, serde.String)
	joined   = streams.NewTopic("joined", serde.String, serde.String)
	totals   = streams.NewTopic("totals", serde.String, serde.Int64)
)

// show prints what went to a topic.
func show[K, V any](d *streamstest.Driver, t streams.Topic[K, V]) {
	for _, r := range streamstest.Output(d, t).ReadAll() {
		fmt.Println(r.Key, r.Value, r.Null, r.Time)
	}
}

func pair(_ string, l, r string) string { return l + "+" + r }

// Two tables joined: a change on either side changes the result.
func ExampleTable_Join() {
	b := streams.NewBuilder()
	b.Table(orders).Join(b.Table(payments), pair).
		Materialize(serde.String, streams.As("paid-orders")).ToStream().To(joined)

	d := streamstest.New(new(testing.T), b)
	streamstest.Input(d, orders).Send("o1", "book", streamstest.AtMs(5))
	streamstest.Input(d, payments).Send("o1", "cash", streamstest.AtMs(3))
	streamstest.Input(d, payments).SendNull("o1", streamstest.AtMs(9))
	show(d, joined)
	// Output:
	// o1 book+cash false 5
	// o1  true 9
}

// A grouped table takes each row out of its group before it puts it in anew.
func ExampleGroupedTable() {
	b := streams.NewBuilder()
	b.Table(orders).
		GroupBy(func(k, product string) (string, string) { return product, k }, serde.String, serde.String).
		Count(streams.As("per-product")).ToStream().To(totals)

	d := streamstest.New(new(testing.T), b)
	in := streamstest.Input(d, orders)
	in.Send("o1", "book", streamstest.AtMs(1))
	in.Send("o2", "book", streamstest.AtMs(2))
	in.Send("o1", "pen", streamstest.AtMs(3))
	show(d, totals)
	// Output:
	// book 1 false 1
	// book 2 false 2
	// book 1 false 3
	// pen 1 false 3
}

// A left join of streams sends an order without payment when its window closes.
func ExampleJoinWindow() {
	b := streams.NewBuilder()
	late := func(_ string, order string, payment streams.Opt[string]) string {
		if !payment.OK {
			return order + " is not paid"
		}
		return order + " paid by " + payment.V
	}
	b.Stream(orders).LeftJoin(b.Stream(payments), streams.Within(10*time.Millisecond), late).To(joined)

	d := streamstest.New(new(testing.T), b)
	streamstest.Input(d, orders).Send("o1", "book", streamstest.AtMs(0))
	streamstest.Input(d, payments).Send("o1", "cash", streamstest.AtMs(7))
	streamstest.Input(d, orders).Send("o1", "pen", streamstest.AtMs(20))
	streamstest.Input(d, orders).Send("o1", "cup", streamstest.AtMs(40))
	show(d, joined)
	// Output:
	// o1 book paid by cash false 7
	// o1 pen is not paid false 20
}

// A versioned table is read as of the time of the stream's record.
func ExampleWithHistory() {
	b := streams.NewBuilder()
	prices := b.Table(payments, streams.As("prices"), streams.WithHistory(time.Hour))
	b.Stream(orders).JoinTable(prices, pair).To(joined)

	d := streamstest.New(new(testing.T), b)
	streamstest.Input(d, payments).Send("k", "old", streamstest.AtMs(10))
	streamstest.Input(d, payments).Send("k", "new", streamstest.AtMs(20))
	streamstest.Input(d, orders).Send("k", "order", streamstest.AtMs(15))
	show(d, joined)
	// Output: k order+old false 15
}

// One, final result for each window.
func ExampleEmission() {
	b := streams.NewBuilder()
	b.Stream(orders).GroupByKey().WindowedBy(streams.Tumbling(10*time.Millisecond)).Count().
		Suppress(streams.UntilWindowCloses(), streams.As("final")).
		ToStream(func(k streams.Windowed[string]) string { return k.Key }).To(totals)

	d := streamstest.New(new(testing.T), b)
	in := streamstest.Input(d, orders)
	for _, ms := range []int64{1, 2, 3, 10} {
		in.Send("k", "v", streamstest.AtMs(ms))
	}
	show(d, totals)
	// Output: k 3 false 3
}
