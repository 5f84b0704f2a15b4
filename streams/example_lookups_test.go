package streams_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/serde"
	"github.com/millrace/millrace/streams/streamstest"
)

var (
	customers = streams.NewTopic("customers", serde.String, serde.String)
	countries = streams.NewTopic("countries", serde.String, serde.String)
)

// customerOf is the foreign key of an order such as "ann:book".
func customerOf(_, order string) (string, bool) {
	customer, _, ok := strings.Cut(order, ":")
	return customer, ok
}

// Orders and their customers: a change of the customer changes all her orders.
func ExampleTable_JoinFK() {
	b := streams.NewBuilder()
	b.Table(orders).JoinFK(b.Table(customers), customerOf, pair, streams.As("orders-of-customers")).ToStream().To(joined)

	d := streamstest.New(new(testing.T), b, streamstest.WithPartitions(3))
	placed, known := streamstest.Input(d, orders), streamstest.Input(d, customers)
	placed.Send("o1", "ann:book", streamstest.AtMs(1))
	placed.Send("o2", "ann:pen", streamstest.AtMs(2))
	known.Send("ann", "Ann", streamstest.AtMs(3))
	placed.SendNull("o1", streamstest.AtMs(4))
	known.Send("ann", "Anna", streamstest.AtMs(5))
	show(d, joined)
	// Output:
	// o1 ann:book+Ann false 3
	// o2 ann:pen+Ann false 3
	// o1  true 4
	// o2 ann:pen+Anna false 5
}

// Every order is there, whoever placed it.
func ExampleTable_LeftJoinFK() {
	b := streams.NewBuilder()
	b.Table(orders).LeftJoinFK(b.Table(customers), customerOf, func(_, order string, c streams.Opt[string]) string {
		if !c.OK {
			return order + " by nobody"
		}
		return order + " by " + c.V
	}).Materialize(serde.String, streams.As("known-orders")).ToStream().To(joined)

	d := streamstest.New(new(testing.T), b)
	streamstest.Input(d, orders).Send("o1", "book", streamstest.AtMs(1))
	streamstest.Input(d, orders).Send("o1", "ann:book", streamstest.AtMs(2))
	streamstest.Input(d, customers).Send("ann", "Ann", streamstest.AtMs(3))
	show(d, joined)
	// Output:
	// o1 book by nobody false 1
	// o1 ann:book by nobody false 2
	// o1 ann:book by Ann false 3
}

// Each record is looked up by what its value says, whatever its key and partition.
func ExampleStream_JoinGlobal() {
	b := streams.NewBuilder()
	names := b.GlobalTable(countries, streams.As("countries"))
	b.Stream(orders).
		JoinGlobal(names, func(_, order string) string { return order[:2] }, pair).
		To(joined)

	d := streamstest.New(new(testing.T), b, streamstest.WithPartitions(3))
	streamstest.Input(d, countries).Send("fr", "France")
	in := streamstest.Input(d, orders)
	in.Send("o1", "fr:book", streamstest.AtMs(1))
	in.Send("o2", "xx:book", streamstest.AtMs(2))
	in.SendNoKey("fr:pen", streamstest.AtMs(3))
	show(d, joined)
	// Output:
	// o1 fr:book+France false 1
	//  fr:pen+France false 3
}

// A pointer that is nil is no key: a left join sends the record all the same.
func ExampleStream_LeftJoinGlobal() {
	b := streams.NewBuilder()
	names := b.GlobalTable(streams.NewTopic("countries", serde.Nullable(serde.String), serde.String))
	b.Stream(orders).LeftJoinGlobal(names, func(_, order string) *string {
		if country, ok := customerOf("", order); ok {
			return &country
		}
		return nil
	}, func(_, order string, name streams.Opt[string]) string { return fmt.Sprint(order, " ", name.OK) }).To(joined)

	d := streamstest.New(new(testing.T), b)
	streamstest.Input(d, countries).Send("fr", "France")
	in := streamstest.Input(d, orders)
	in.Send("o1", "fr:book", streamstest.AtMs(1))
	in.Send("o2", "pen", streamstest.AtMs(2))
	show(d, joined)
	// Output:
	// o1 fr:book true false 1
	// o2 pen false false 2
}

// Processors of any sub-topology read a global table.
func ExampleGlobalTable_Rows() {
	b := streams.NewBuilder()
	names := b.GlobalTable(countries).Rows()
	b.Stream(orders).ProcessValues(func(ctx *streams.ValueContext[string]) streams.Processor[string, string] {
		rows := names.In(ctx)
		return streams.ProcessorFunc[string, string](func(r streams.Record[string, string]) error {
			name, _, _, err := rows.Get(r.Value)
			if err != nil {
				return err
			}
			return ctx.Forward(name)
		})
	}).To(joined)

	d := streamstest.New(new(testing.T), b)
	streamstest.Input(d, countries).Send("fr", "France")
	streamstest.Input(d, orders).Send("o1", "fr", streamstest.AtMs(1))
	show(d, joined)
	// Output: o1 France false 1
}

// A global store that a processor of the user's own fills: how many countries begin
// with each letter. A process that lost its disk sees the whole topic again.
func ExampleBuilder_AddGlobalStore() {
	letters := streams.KVStore("letters", serde.String, serde.Int64)
	b := streams.NewBuilder()
	b.AddGlobalStore(letters, countries, func(ctx *streams.GlobalContext) streams.Processor[string, string] {
		counts := letters.In(ctx)
		return streams.ProcessorFunc[string, string](func(r streams.Record[string, string]) error {
			if r.NoKey || r.Null {
				ctx.Skip("no-country")
				return nil
			}
			n, _, err := counts.Get(r.Value[:1])
			if err != nil {
				return err
			}
			return counts.Put(r.Value[:1], n+1)
		})
	})
	b.Stream(orders).ProcessValues(func(ctx *streams.ValueContext[int64]) streams.Processor[string, string] {
		counts := letters.In(ctx)
		return streams.ProcessorFunc[string, string](func(r streams.Record[string, string]) error {
			n, _, err := counts.Get(r.Value)
			if err != nil {
				return err
			}
			return ctx.Forward(n)
		})
	}).To(totals)

	d := streamstest.New(new(testing.T), b, streamstest.WithPartitions(2))
	in := streamstest.Input(d, countries)
	in.Send("fr", "France")
	in.Send("fi", "Finland")
	in.SendNull("dd")
	streamstest.Input(d, orders).Send("o1", "F", streamstest.AtMs(1))
	d.Restore()
	streamstest.Input(d, orders).Send("o2", "F", streamstest.AtMs(2))
	show(d, totals)
	fmt.Println(d.Skipped())
	// Output:
	// o1 2 false 1
	// o2 2 false 2
	// map[{KTABLE-SOURCE-0000000001 no-country}:2]
}

// Clicks and orders of each minute, side by side.
func ExampleWindowedTable_Join() {
	b := streams.NewBuilder()
	minutes := streams.Tumbling(time.Minute)
	placed := b.Stream(orders).GroupByKey().WindowedBy(minutes).Count(streams.As("orders-by-minute"))
	paid := b.Stream(payments).GroupByKey().WindowedBy(minutes).Count(streams.As("payments-by-minute"))
	placed.LeftJoin(paid, func(_ streams.Windowed[string], orders int64, payments streams.Opt[int64]) string {
		return fmt.Sprintf("%d of %d paid", payments.V, orders)
	}).ToStream(func(w streams.Windowed[string]) string { return w.Key }).WithValueSerde(serde.String).To(joined)

	d := streamstest.New(new(testing.T), b)
	streamstest.Input(d, orders).Send("ann", "book", streamstest.AtMs(1_000))
	streamstest.Input(d, orders).Send("ann", "pen", streamstest.AtMs(2_000))
	streamstest.Input(d, payments).Send("ann", "cash", streamstest.AtMs(3_000))
	streamstest.Input(d, payments).Send("ann", "cash", streamstest.AtMs(61_000))
	show(d, joined)
	// Output:
	// ann 0 of 1 paid false 1000
	// ann 0 of 2 paid false 2000
	// ann 1 of 2 paid false 3000
}

// The results of windows as rows, kept and joined by a foreign key.
func ExampleTableOf() {
	b := streams.NewBuilder()
	perMinute := b.Stream(orders).GroupByKey().WindowedBy(streams.Tumbling(time.Minute)).Count().
		Filter(func(_ streams.Windowed[string], n int64) bool { return n > 1 }).
		Materialize(serde.Int64, streams.As("busy-minutes"))
	customer := func(w streams.Windowed[string], _ int64) (string, bool) { return w.Key, true }
	streams.TableOf(perMinute).
		JoinFK(b.Table(customers), customer, func(_ streams.Windowed[string], n int64, name string) string {
			return fmt.Sprint(name, " ordered ", n)
		}).
		ToStream().
		SelectKey(func(w streams.Windowed[string], _ string) string { return w.Key }).
		WithKeySerde(serde.String).WithValueSerde(serde.String).To(joined)

	d := streamstest.New(new(testing.T), b)
	streamstest.Input(d, customers).Send("ann", "Ann", streamstest.AtMs(0))
	streamstest.Input(d, orders).Send("ann", "book", streamstest.AtMs(1))
	streamstest.Input(d, orders).Send("ann", "pen", streamstest.AtMs(2))
	show(d, joined)
	// Output: ann Ann ordered 2 false 2
}

// The stores of a join of streams without changelog topics: what they hold is lost
// with the disk.
func ExampleWithoutLogging() {
	b := streams.NewBuilder()
	b.Stream(orders).Join(b.Stream(payments), streams.Within(time.Minute), pair, streams.WithoutLogging()).To(joined)
	fmt.Println(len(streamstest.New(new(testing.T), b).InternalTopics()))
	// Output: 0
}

// Counts with a history: a stream sees the count as it was at the time of its record.
func ExampleWithHistory_counts() {
	b := streams.NewBuilder()
	counts := b.Stream(orders).GroupByKey().Count(streams.As("counts"), streams.WithHistory(time.Hour))
	b.Stream(payments).JoinTable(counts, func(_, p string, n int64) string { return fmt.Sprint(p, " ", n) }).
		WithValueSerde(serde.String).To(joined)

	d := streamstest.New(new(testing.T), b)
	for _, ms := range []int64{1000, 2000, 3000} {
		streamstest.Input(d, orders).Send("ann", "book", streamstest.AtMs(ms))
	}
	streamstest.Input(d, payments).Send("ann", "cash", streamstest.AtMs(2500))
	show(d, joined)
	// Output: ann cash 2 false 2500
}
