package streams_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/serde"
	"github.com/millrace/millrace/streams/streamstest"
)

var (
	users  = streams.NewTopic("users", serde.String, serde.String)
	emails = streams.NewTopic("emails", serde.String, serde.String)
)

// send runs a topology on "key value" records of the topic users and prints what
// comes out to the topic emails.
func send(b *streams.Builder, records ...string) {
	drive(streamstest.New(new(testing.T), b), records...)
}

func drive(d *streamstest.Driver, records ...string) {
	in := streamstest.Input(d, users)
	for i, r := range records {
		k, v, there := strings.Cut(r, " ")
		if there {
			in.Send(k, v, streamstest.AtMs(int64(i)))
		} else {
			in.SendNull(k, streamstest.AtMs(int64(i)))
		}
	}
	for _, r := range streamstest.Output(d, emails).ReadAll() {
		fmt.Printf("%s=%s null=%v\n", r.Key, r.Value, r.Null)
	}
}

func ExampleStream_ToTable() {
	b := streams.NewBuilder()
	b.Stream(users).
		FilterNot(func(k, _ string) bool { return strings.HasPrefix(k, "test-") }).
		ToTable(streams.As("real-users")).
		MapValues(strings.ToLower).
		ToStream().To(emails)
	send(b, "u1 Ann@X.org", "test-1 bot@x.org", "u1 Ann@Y.org")
	// Output:
	// u1=ann@x.org null=false
	// u1=ann@y.org null=false
}

func ExampleTable_TransformValues() {
	calls := streams.KVStore("calls", serde.String, serde.Int64)
	b := streams.NewBuilder()
	b.Table(users).TransformValues(func(ctx *streams.TransformContext) func(string, streams.Opt[string]) (streams.Opt[string], error) {
		seen := calls.In(ctx)
		return func(k string, v streams.Opt[string]) (streams.Opt[string], error) {
			n, _, err := seen.Get(k)
			if err != nil || !v.OK {
				return streams.Opt[string]{}, err
			}
			v.V = fmt.Sprintf("%s, change %d", v.V, n+1)
			return v, seen.Put(k, n+1)
		}
	}, streams.Uses(calls)).ToStream().To(emails)
	send(b, "u1 a@x.org", "u1 b@x.org", "u1")
	// Output:
	// u1=a@x.org, change 1 null=false
	// u1=b@x.org, change 2 null=false
	// u1= null=true
}

// LRU bounds the state where only the busy keys matter: an aggregate whose key was
// pushed out begins anew.
func ExampleLRU() {
	b := streams.NewBuilder()
	b.Stream(users).GroupByKey().
		Reduce(func(acc, v string) string { return acc + "," + v }, streams.As("recent"), streams.LRU(2)).
		ToStream().To(emails)
	send(b, "u1 a", "u2 b", "u3 c", "u1 d", "u3 e")
	// Output:
	// u1=a null=false
	// u2=b null=false
	// u3=c null=false
	// u1=d null=false
	// u3=c,e null=false
}

func ExampleInMemory() {
	b := streams.NewBuilder()
	b.Table(users, streams.As("users"), streams.InMemory()).ToStream().To(emails)
	send(b, "u1 a@x.org")
	// Output: u1=a@x.org null=false
}

// StreamMatching reads all topics of the tenants there are, and those to come.
func ExampleBuilder_StreamMatching() {
	b := streams.NewBuilder()
	b.StreamMatching(`tenant-.*`, serde.String, serde.String).To(emails)
	d := streamstest.New(new(testing.T), b, streamstest.WithTopics("tenant-a", "tenant-b", "other"))
	streamstest.Input(d, streams.NewTopic("tenant-b", serde.String, serde.String)).Send("u1", "b@x.org")
	fmt.Println(streamstest.Output(d, emails).Values())
	t, _ := b.Build()
	fmt.Println(t.Matching([]string{"tenant-a", "other"}).Plan("app").SourceTopics())
	// Output:
	// [b@x.org]
	// [tenant-a]
}

func ExampleOffsetAgo() {
	b := streams.NewBuilder()
	b.Stream(users, streams.OffsetAgo(24*time.Hour)).To(emails)
	t, _ := b.Build()
	fmt.Println(t.Plan("app").Subtopologies[0].Sources[0].Reset)
	// Output: the offset 24h0m0s ago
}

// PartitionedBy keeps the records of a country together, whatever their keys.
func ExampleTopic_PartitionedBy() {
	byCountry := emails.PartitionedBy(func(r streams.Record[string, string], n int32) int32 {
		return int32(len(r.Value)) % n
	})
	b := streams.NewBuilder()
	b.Stream(users).To(byCountry)
	d := streamstest.New(new(testing.T), b, streamstest.WithPartitions(4))
	streamstest.Input(d, users).Send("u1", "de")
	streamstest.Input(d, users).Send("u2", "fra")
	for _, m := range d.Messages("emails") {
		fmt.Printf("%s %d\n", m.Key, m.Partition)
	}
	// Output:
	// u1 2
	// u2 3
}

// Multicast sends a change of the rules to every partition.
func ExampleTopic_Multicast() {
	everywhere := emails.Multicast(func(_ streams.Record[string, string], n int32) (all []int32) {
		for p := range n {
			all = append(all, p)
		}
		return all
	})
	b := streams.NewBuilder()
	b.Stream(users).To(everywhere)
	d := streamstest.New(new(testing.T), b, streamstest.WithPartitions(3))
	streamstest.Input(d, users).Send("rules", "new")
	for _, m := range d.Messages("emails") {
		fmt.Print(m.Partition, " ")
	}
	// Output: 0 1 2
}

func ExampleStream_RepartitionBy() {
	b := streams.NewBuilder()
	b.Stream(users).RepartitionBy(func(r streams.Record[string, string], n int32) int32 {
		return int32(r.Key[0]) % n
	}, streams.As("by-letter"), streams.WithPartitions(2)).To(emails)
	d := streamstest.New(new(testing.T), b)
	streamstest.Input(d, users).Send("a", "1")
	streamstest.Input(d, users).Send("b", "2")
	for _, m := range d.Messages("test-by-letter-repartition") {
		fmt.Printf("%s %d\n", m.Key, m.Partition)
	}
	// Output:
	// a 1
	// b 0
}

// A topology of the Processor API, by hand: nodes have names and are tied by them.
func ExampleBuilder_AddProcessor() {
	last := streams.KVStore("last", serde.String, serde.String)
	b := streams.NewBuilder()
	b.AddSource("read", users)
	b.AddProcessor("changes", []string{"read"}, func(ctx *streams.Context[string, string]) streams.Processor[string, string] {
		kept := last.In(ctx)
		return streams.ProcessorFunc[string, string](func(r streams.Record[string, string]) error {
			if v, ok, err := kept.Get(r.Key); err != nil || ok && v == r.Value {
				return err
			}
			if err := kept.Put(r.Key, r.Value); err != nil {
				return err
			}
			return ctx.ForwardTo("write", r)
		})
	})
	b.AddStateStore(last, "changes")
	b.AddSink("write", emails, "changes")
	send(b, "u1 a@x.org", "u1 a@x.org", "u1 b@x.org")
	describe(b)
	// Output:
	// u1=a@x.org null=false
	// u1=b@x.org null=false
	// Topologies:
	//    Sub-topology: 0
	//     Source: read (topics: [users])
	//       --> changes
	//     Processor: changes (stores: [last])
	//       --> write
	//       <-- read
	//     Sink: write (topic: emails)
	//       <-- changes
}

// AddReadOnlyStore keeps a store equal to a topic, which serves as its changelog.
func ExampleBuilder_AddReadOnlyStore() {
	names := streams.TimestampedKVStore("names", serde.String, serde.String)
	b := streams.NewBuilder()
	b.AddReadOnlyStore(names, "read", users, "keep", func(ctx *streams.Context[string, string]) streams.Processor[string, string] {
		kept := names.In(ctx)
		return streams.ProcessorFunc[string, string](func(r streams.Record[string, string]) error {
			return kept.Put(r.Key, r.Value, r.Time)
		})
	})
	t, err := b.Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	kept := t.Plan("app").Subtopologies[0].Stores[0]
	fmt.Println(kept.Spec.Name, "is restored from", kept.Changelog)
	// Output: names is restored from users
}

// Optimize makes one repartition topic of two.
func ExampleOptimize() {
	declare := func() *streams.Builder {
		b := streams.NewBuilder()
		byMail := b.Stream(users).SelectKey(func(_, mail string) string { return mail })
		byMail.GroupByKey().Count(streams.As("accounts"))
		byMail.GroupByKey().Reduce(func(_, v string) string { return v }, streams.As("last"))
		return b
	}
	for _, which := range []streams.Optimization{0, streams.OptimizeAll} {
		t, _ := declare().Build(streams.Optimize(which))
		fmt.Println(t.Plan("app").SourceTopics())
	}
	// Output:
	// [app-accounts-repartition app-last-repartition users]
	// [app-accounts-repartition users]
}

func ExampleRequireNames() {
	b := streams.NewBuilder()
	b.Stream(users).GroupByKey().Count()
	_, err := b.Build(streams.RequireNames())
	fmt.Println(err != nil)
	// Output: true
}

// LogRetention is for clocks that are further apart than a day.
func ExampleLogRetention() {
	b := streams.NewBuilder()
	b.Stream(users).GroupByKey().WindowedBy(streams.Tumbling(time.Minute)).Count(streams.As("counts"))
	t, _ := b.Build(streams.LogRetention(7 * 24 * time.Hour))
	fmt.Println(t.Plan("app").Subtopologies[0].Stores[0].ChangelogConfig["retention.ms"])
	// Output: 604860000
}

func ExampleTopology_Mermaid() {
	b := streams.NewBuilder()
	b.Stream(users, streams.As("read")).To(emails, streams.As("write"))
	t, _ := b.Build()
	fmt.Print(withoutLines(t.Mermaid()))
	// Output:
	// flowchart TD
	//   subgraph part0["Sub-topology 0"]
	//     n0(["read<br/>"])
	//     n1(["write<br/>"])
	//   end
	//     t2[("users")]
	//   t2 --> n0
	//   n0 --> n1
	//     t3[("emails")]
	//   n1 --> t3
}

func ExampleTopology_DOT() {
	b := streams.NewBuilder()
	b.Stream(users, streams.As("read")).To(emails, streams.As("write"))
	t, _ := b.Build()
	fmt.Print(withoutLines(t.DOT()))
	// Output:
	// digraph topology {
	//   subgraph cluster_part0 {
	//     label="Sub-topology 0";
	//     n0 [shape=ellipse,label="read\n"];
	//     n1 [shape=ellipse,label="write\n"];
	//   }
	//     t2 [shape=cylinder,label="users"];
	//   t2 -> n0;
	//   n0 -> n1;
	//     t3 [shape=cylinder,label="emails"];
	//   n1 -> t3;
	// }
}

func ExampleTopology_JSON() {
	b := streams.NewBuilder()
	b.Stream(users, streams.As("read")).To(emails, streams.As("write"))
	t, _ := b.Build()
	fmt.Print(withoutLines(t.JSON()))
	// Output:
	// {
	//   "sub_topologies": [
	//     {
	//       "id": 0,
	//       "nodes": [
	//         {
	//           "name": "read",
	//           "type": "source",
	//           "where": "",
	//           "topics": [
	//             "users"
	//           ],
	//           "successors": [
	//             "write"
	//           ]
	//         },
	//         {
	//           "name": "write",
	//           "type": "sink",
	//           "where": "",
	//           "topics": [
	//             "emails"
	//           ]
	//         }
	//       ]
	//     }
	//   ]
	// }
}

var fileLine = regexp.MustCompile(`example_topology_test\.go:\d+`)

// withoutLines takes the file:line of each operator out, which change with this file.
func withoutLines(text string) string { return fileLine.ReplaceAllString(text, "") }

// A SuppressOption bounds what is held back.
func ExampleSuppressOption() {
	bounds := []streams.SuppressOption{streams.MaxRecords(1), streams.As("calm")}
	b := streams.NewBuilder()
	b.Table(users).Suppress(streams.UntilTimeLimit(time.Hour), bounds...).ToStream().To(emails)
	send(b, "u1 a@x.org", "u2 b@x.org")
	// Output: u1=a@x.org null=false
}

// counter shows the parts of a processor: its stores by a StoreContext, where a record
// came from, and a Schedule.
type counter struct {
	ctx   *streams.Context[string, string]
	kept  *store.KV[string, int64]
	every *streams.Schedule
}

func open(ctx streams.StoreContext, ref streams.StoreRef[*store.KV[string, int64]]) *store.KV[string, int64] {
	return ref.In(ctx)
}

func (c *counter) Process(r streams.Record[string, string]) error {
	n, _, err := c.kept.Get(r.Key)
	if err != nil {
		return err
	}
	if from, ok := c.ctx.Metadata(); ok {
		r.Value = fmt.Sprintf("%d of %s/%d", n+1, from.Topic, from.Partition)
	}
	if err := c.kept.Put(r.Key, n+1); err != nil {
		return err
	}
	return c.ctx.Forward(r)
}

// counted makes a processor; clock drives its schedule.
func counted(ref streams.StoreRef[*store.KV[string, int64]], clock streams.Clock) func(*streams.Context[string, string]) streams.Processor[string, string] {
	return func(ctx *streams.Context[string, string]) streams.Processor[string, string] {
		c := &counter{ctx: ctx, kept: open(ctx, ref)}
		c.every = ctx.Schedule(clock, time.Minute, func(now int64) error {
			c.every.Cancel()
			return ctx.Forward(streams.Record[string, string]{Key: "tick", Value: "once", Time: now})
		})
		return c
	}
}

// A ProcessOption declares what a processor uses.
func ExampleProcessOption() {
	ref := streams.KVStore("counts", serde.String, serde.Int64)
	options := []streams.ProcessOption{streams.Uses(ref), streams.As("count")}
	b := streams.NewBuilder()
	b.Stream(users).Process(counted(ref, streams.WallClock), options...).To(emails)
	send(b, "u1 a", "u1 b")
	// Output:
	// u1=1 of users/0 null=false
	// u1=2 of users/0 null=false
}

// Any StoreRef is a StateStore, so that stores of all kinds go into one list.
func ExampleStateStore() {
	stores := []streams.StateStore{
		streams.KVStore("names", serde.String, serde.String),
		streams.WindowStore("visits", serde.String, serde.Int64, time.Minute, time.Hour),
	}
	b := streams.NewBuilder()
	b.Stream(users).ProcessValues(func(*streams.ValueContext[string]) streams.Processor[string, string] {
		return streams.ProcessorFunc[string, string](func(streams.Record[string, string]) error { return nil })
	}, streams.Uses(stores...))
	sources(b)
	// Output:
	// 0 reads users
	// 0 keeps names
	// 0 keeps visits
}

// A StoreContext is what gives a processor its stores: the context of any of them.
func ExampleStoreContext() {
	ref := streams.KVStore("counts", serde.String, serde.Int64)
	b := streams.NewBuilder()
	b.Table(users).TransformValues(func(ctx *streams.TransformContext) func(string, streams.Opt[string]) (streams.Opt[string], error) {
		kept := open(ctx, ref) // it takes a StoreContext, and so do helpers of yours
		return func(k string, v streams.Opt[string]) (streams.Opt[string], error) {
			return v, kept.Put(k, int64(len(v.V)))
		}
	}, streams.Uses(ref)).ToStream().To(emails)
	send(b, "u1 a@x.org")
	// Output: u1=a@x.org null=false
}

// RecordMetadata says where the record in hand came from.
func ExampleRecordMetadata() {
	fmt.Println(streams.RecordMetadata{Topic: "users", Partition: 3, Offset: 42})
	// Output: {users 3 42}
}

// A Schedule calls again and again, until it is cancelled.
func ExampleSchedule() {
	ref := streams.KVStore("counts", serde.String, serde.Int64)
	b := streams.NewBuilder()
	b.Stream(users).Process(counted(ref, streams.WallClock), streams.Uses(ref)).To(emails)
	d := streamstest.New(new(testing.T), b)
	d.Advance(time.Minute)
	d.Advance(time.Minute)
	drive(d)
	// Output: tick=once null=false
}

// StreamTime moves with the records, WallClock by itself.
func ExampleClock() {
	ref := streams.KVStore("counts", serde.String, serde.Int64)
	for _, clock := range []streams.Clock{streams.StreamTime, streams.WallClock} {
		b := streams.NewBuilder()
		b.Stream(users).Process(counted(ref, clock), streams.Uses(ref)).To(emails)
		d := streamstest.New(new(testing.T), b)
		drive(d, "u1 a")
	}
	// Output:
	// u1=1 of users/0 null=false
	// tick=once null=false
	// u1=1 of users/0 null=false
}
