package streams_test

import (
	"fmt"

	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/serde"
)

// A name is worth giving to whatever has state: it names the changelog topic.
func ExampleAs() {
	b := streams.NewBuilder()
	b.Stream(streams.NewTopic("orders", serde.String, serde.String)).
		GroupByKey().
		Count(streams.As("orders-per-user"))
	t, err := b.Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(t.Plan("shop").Subtopologies[0].Stores[0].Changelog)
	// Output: shop-orders-per-user-changelog
}

func ExampleName() {
	counts := streams.As("counts") // fits every kind of call
	b := streams.NewBuilder()
	grouped := b.Stream(streams.NewTopic("in", serde.String, serde.String)).GroupByKey()
	grouped.Count(counts)
	grouped.Reduce(func(acc, v string) string { return acc + v }, counts)
	_, err := b.Build()
	fmt.Println(err)
	// Output: example_options_test.go:30: the store name "counts" is already used at example_options_test.go:29; it must be unique in the topology
}

func ExampleOffsetReset() {
	b := streams.NewBuilder()
	b.Stream(streams.NewTopic("in", serde.String, serde.String), streams.LatestOffset()).
		To(streams.NewTopic("out", serde.String, serde.String))
	_, err := b.Build()
	fmt.Println(err)
	// Output: <nil>
}

func ExamplePartitions() {
	b := streams.NewBuilder()
	b.Stream(streams.NewTopic("in", serde.String, serde.String)).
		GroupBy(func(_, v string) string { return v }, serde.String, streams.As("by-value"), streams.WithPartitions(12)).
		Count(streams.As("counts"))
	t, err := b.Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	r := t.Plan("app").Subtopologies[1].Repartitions[0]
	fmt.Println(r.Topic, r.Partitions)
	// Output: app-by-value-repartition 12
}
