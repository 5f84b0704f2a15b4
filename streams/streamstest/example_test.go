package streamstest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/serde"
	"github.com/millrace/millrace/streams/streamstest"
)

// A test of the word count: send lines, read counts, look into the store. In a
// test, t is its *testing.T.
func Example() {
	t := new(testing.T)

	lines := streams.NewTopic("lines", serde.String, serde.String)
	counts := streams.NewTopic("counts", serde.String, serde.Int64)
	b := streams.NewBuilder()
	b.Stream(lines).
		FlatMapValues(strings.Fields).
		GroupBy(func(_, word string) string { return word }, serde.String).
		Count(streams.As("words")).
		ToStream().
		To(counts)

	d := streamstest.New(t, b, streamstest.WithPartitions(4))
	streamstest.Input(d, lines).Send("hamlet", "to be or not to be")
	fmt.Println(streamstest.Latest(streamstest.Output(d, counts)))

	words := streamstest.KeyValue(d, "words", serde.String, serde.Int64)
	n, _, ok, err := words.Get("be")
	fmt.Println(n, ok, err)
	// Output:
	// map[be:2 not:1 or:1 to:2]
	// 2 true <nil>
}

// Event times are the record's own; the driver's clock is for records without.
func ExampleAt() {
	d := streamstest.New(new(testing.T), clickstream())
	in := streamstest.Input(d, clicks)
	in.Send("u-123", "home", streamstest.At(time.UnixMilli(61_000)))
	in.Send("u-123", "cart", streamstest.At(time.UnixMilli(62_000)))
	for _, r := range streamstest.Output(d, minutes).ReadAll() {
		fmt.Println(r.Key.Key, r.Key.Window.Start, r.Value)
	}
	// Output:
	// u-123 60000 1
	// u-123 60000 2
}

// Restore shows that the state can be had back from the changelogs alone.
func ExampleDriver_Restore() {
	d := streamstest.New(new(testing.T), wordCount())
	in := streamstest.Input(d, lines)
	in.Send("1", "a")
	d.Restore()
	in.Send("2", "a")
	fmt.Println(streamstest.Output(d, counts).Values())
	// Output: [1 2]
}

// WithCache shows what record caches do to the updates that one record causes.
func ExampleWithCache() {
	b := streams.NewBuilder()
	b.Stream(lines).FlatMapValues(strings.Fields).GroupByKey().Count().ToStream().To(counts)
	d := streamstest.New(new(testing.T), b, streamstest.WithCache(1<<20))
	streamstest.Input(d, lines).Send("k", "three words together")
	fmt.Println(streamstest.Output(d, counts).Values())
	// Output: [3]
}

// Skipped says what was left out, and why.
func ExampleDriver_Skipped() {
	d := streamstest.New(new(testing.T), wordCount(), streamstest.SkipUndecodable())
	_ = d.SendRaw("lines", []byte("k"), nil)
	fmt.Println(d.Skipped())
	// Output: map[{KSTREAM-SOURCE-0000000000 undecodable}:1]
}
