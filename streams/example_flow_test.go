package streams_test

import (
	"fmt"
	"time"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/serde"
)

// sources prints what the sub-topologies of a topology read, or its faults.
func sources(b *streams.Builder) {
	t, err := b.Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, sub := range t.Plan("app").Subtopologies {
		for _, s := range sub.Sources {
			fmt.Println(sub.ID, "reads", s.Topic)
		}
		for _, s := range sub.Stores {
			fmt.Println(sub.ID, "keeps", s.Spec.Name)
		}
	}
}

func ExampleSplit() {
	b := streams.NewBuilder()
	orders := b.Stream(streams.NewTopic("orders", serde.String, serde.Int64), streams.As("orders")).Split(streams.As("by-size-"))
	orders.Branch(func(_ string, cents int64) bool { return cents > 100_00 }, streams.As("large")).
		ForEach(func(string, int64) {}, streams.As("check"))
	orders.Rest(streams.As("small"))
	describe(b)
	// Output:
	// Topologies:
	//    Sub-topology: 0
	//     Source: orders (topics: [orders])
	//       --> by-size-
	//     Processor: by-size- (stores: [])
	//       --> by-size-large, by-size-small
	//       <-- orders
	//     Processor: by-size-large (stores: [])
	//       --> check
	//       <-- by-size-
	//     Processor: by-size-small (stores: [])
	//       --> none
	//       <-- by-size-
	//     Processor: check (stores: [])
	//       --> none
	//       <-- by-size-large
}

// lastSeen sends a record on if its value is another than the last of its key.
type lastSeen struct {
	ctx  *streams.Context[string, string]
	last *store.KV[string, string]
}

func (p *lastSeen) Process(r streams.Record[string, string]) error {
	before, ok, err := p.last.Get(r.Key)
	if err != nil || ok && before == r.Value {
		return err
	}
	if err := p.last.Put(r.Key, r.Value); err != nil {
		return err
	}
	return p.ctx.Forward(r)
}

// A processor with a store: it must say that it uses it.
func ExampleProcessor() {
	last := streams.KVStore("last", serde.String, serde.String)
	b := streams.NewBuilder()
	b.Stream(streams.NewTopic("states", serde.String, serde.String)).
		Process(func(ctx *streams.Context[string, string]) streams.Processor[string, string] {
			return &lastSeen{ctx, last.In(ctx)}
		}, streams.Uses(last)).
		To(streams.NewTopic("changes", serde.String, serde.String))
	sources(b)
	// Output:
	// 0 reads states
	// 0 keeps last
}

func ExampleProcessorFunc() {
	b := streams.NewBuilder()
	b.Stream(streams.NewTopic("lines", serde.String, serde.String)).
		Process(func(ctx *streams.Context[string, int64]) streams.Processor[string, string] {
			return streams.ProcessorFunc[string, string](func(r streams.Record[string, string]) error {
				return ctx.Forward(streams.Record[string, int64]{Key: r.Key, Value: int64(len(r.Value)), Time: r.Time, Headers: r.Headers})
			})
		}).
		To(streams.NewTopic("lengths", serde.String, serde.Int64))
	sources(b)
	// Output: 0 reads lines
}

// A heartbeat by the wall clock, until a record says that it is enough.
func ExampleContext() {
	b := streams.NewBuilder()
	b.Stream(streams.NewTopic("in", serde.String, serde.String)).
		Process(func(ctx *streams.Context[string, string]) streams.Processor[string, string] {
			beat := ctx.Schedule(streams.WallClock, time.Minute, func(now int64) error {
				return ctx.Forward(streams.Record[string, string]{Key: "alive", Time: now})
			})
			return streams.ProcessorFunc[string, string](func(r streams.Record[string, string]) error {
				if r.Value == "enough" {
					beat.Cancel()
				}
				return ctx.Forward(r)
			})
		}).
		To(streams.NewTopic("out", serde.String, serde.String))
	sources(b)
	// Output: 0 reads in
}

// A processor of values cannot change keys, so that no repartition topic follows.
func ExampleValueContext() {
	b := streams.NewBuilder()
	b.Stream(streams.NewTopic("in", serde.String, serde.String)).
		ProcessValues(func(ctx *streams.ValueContext[string]) streams.Processor[string, string] {
			return streams.ProcessorFunc[string, string](func(r streams.Record[string, string]) error {
				from, _ := ctx.Metadata()
				return ctx.Forward(fmt.Sprintf("%s from %s/%d", r.Value, from.Topic, from.Partition))
			})
		}).
		GroupByKey().
		Count(streams.As("counts"))
	sources(b)
	// Output:
	// 0 reads in
	// 0 keeps counts
}

func ExampleStoreRef() {
	windows := streams.WindowStore("recent", serde.String, serde.Int64, time.Minute, time.Hour)
	b := streams.NewBuilder()
	b.AddStateStore(windows)
	use := func(ctx *streams.ValueContext[int64]) streams.Processor[string, int64] {
		recent := windows.In(ctx)
		return streams.ProcessorFunc[string, int64](func(r streams.Record[string, int64]) error {
			return recent.Put(r.Key, r.Time, r.Value, r.Time)
		})
	}
	b.Stream(streams.NewTopic("a", serde.String, serde.Int64)).ProcessValues(use, streams.Uses(windows))
	b.Stream(streams.NewTopic("b", serde.String, serde.Int64)).ProcessValues(use, streams.Uses(windows))
	sources(b)
	// Output:
	// 0 reads a
	// 0 reads b
	// 0 keeps recent
}

// A processor that reads a table.
func ExampleRows() {
	b := streams.NewBuilder()
	rates := b.Table(streams.NewTopic("rates", serde.String, serde.Float64), streams.As("rates-by-currency")).Rows()
	b.Stream(streams.NewTopic("prices", serde.String, serde.Float64)).
		ProcessValues(func(ctx *streams.ValueContext[float64]) streams.Processor[string, float64] {
			table := rates.In(ctx)
			return streams.ProcessorFunc[string, float64](func(r streams.Record[string, float64]) error {
				rate, _, ok, err := table.Get(r.Key)
				if err != nil || !ok {
					return err
				}
				return ctx.Forward(r.Value * rate)
			})
		}, streams.Uses(rates))
	sources(b)
	// Output:
	// 0 reads prices
	// 0 reads rates
	// 0 keeps rates-by-currency
}

func total(_ string, cents, sum int64) int64 { return sum + cents }

func minus(_ string, cents, sum int64) int64 { return sum - cents }

func nothing() int64 { return 0 }

// balance is two grouped streams with one aggregate.
func balance(b *streams.Builder) streams.Cogrouped[string, int64] {
	paid := b.Stream(streams.NewTopic("paid", serde.String, serde.Int64)).GroupByKey()
	spent := b.Stream(streams.NewTopic("spent", serde.String, serde.Int64)).GroupByKey()
	return paid.Cogroup(total).With(spent, minus)
}

func ExampleCogrouped() {
	b := streams.NewBuilder()
	balance(b).Aggregate(nothing, serde.Int64, streams.As("balance"))
	sources(b)
	// Output:
	// 0 reads paid
	// 0 reads spent
	// 0 keeps balance
}

func ExampleWindowedCogroup() {
	b := streams.NewBuilder()
	balance(b).WindowedBy(streams.Tumbling(time.Hour)).Aggregate(nothing, serde.Int64, streams.As("hourly"))
	sources(b)
	// Output:
	// 0 reads paid
	// 0 reads spent
	// 0 keeps hourly
}

func ExampleSessionCogroup() {
	b := streams.NewBuilder()
	merge := func(_ string, a, b int64) int64 { return a + b }
	balance(b).SessionsBy(streams.SessionGap(time.Hour)).Aggregate(nothing, merge, serde.Int64, streams.As("visits"))
	sources(b)
	// Output:
	// 0 reads paid
	// 0 reads spent
	// 0 keeps visits
}

func ExampleTimeOption() {
	b := streams.NewBuilder()
	b.Stream(streams.NewTopic("old", serde.String, serde.String), streams.SkipInvalidTime())
	b.Stream(streams.NewTopic("odd", serde.String, serde.String), streams.SkipInvalidTime(), streams.WallClockTime())
	sources(b)
	// Output: example_flow_test.go:226: KSTREAM-SOURCE: two rules are given for event times
}
