package streams_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/serde"
	"github.com/millrace/millrace/streams/streamstest"
)

func ExampleBuilder_StreamAll() {
	b := streams.NewBuilder()
	old := streams.NewTopic("users-v1", serde.String, serde.String)
	b.StreamAll([]streams.Topic[string, string]{users, old}).To(emails)
	send(b, "u1 a@x.org")
	// Output: u1=a@x.org null=false
}

func ExampleStream_Map() {
	b := streams.NewBuilder()
	b.Stream(users).
		Map(func(k, mail string) (string, string) { return mail, k }).
		MapValuesKeyed(func(mail, user string) string { return user + " has " + mail }).
		To(emails)
	send(b, "u1 a@x.org")
	// Output: a@x.org=u1 has a@x.org null=false
}

func ExampleStream_FlatMap() {
	b := streams.NewBuilder()
	b.Stream(users).
		FlatMap(func(k, mails string, yield func(string, string)) {
			for mail := range strings.SplitSeq(mails, ",") {
				yield(k, mail)
			}
		}).
		FlatMapValuesKeyed(func(k, mail string) []string { return []string{mail, k + "@backup"} }).
		To(emails)
	send(b, "u1 a@x.org,b@x.org")
	// Output:
	// u1=a@x.org null=false
	// u1=u1@backup null=false
	// u1=b@x.org null=false
	// u1=u1@backup null=false
}

// MapNullable sees the deletions of a table, which MapValues lets pass unseen.
func ExampleStream_MapNullable() {
	b := streams.NewBuilder()
	b.Table(users).ToStream().MapNullable(func(mail string, ok bool) string {
		if !ok {
			return "(gone)"
		}
		return mail
	}).To(emails)
	send(b, "u1 a@x.org", "u1")
	// Output:
	// u1=a@x.org null=false
	// u1=(gone) null=false
}

func ExampleStream_Merge() {
	b := streams.NewBuilder()
	all := b.Stream(users)
	short := all.Filter(func(_, v string) bool { return len(v) < 4 })
	rest := all.FilterNot(func(_, v string) bool { return len(v) < 4 })
	short.MapValues(strings.ToUpper).Merge(rest).To(emails)
	send(b, "u1 abc", "u2 abcdef")
	// Output:
	// u1=ABC null=false
	// u2=abcdef null=false
}

func ExampleStream_MergeAs() {
	b := streams.NewBuilder()
	s := b.Stream(users, streams.As("read"))
	s.Filter(func(string, string) bool { return true }, streams.As("all")).
		MergeAs(s, streams.As("twice")).
		To(emails, streams.As("write"))
	send(b, "u1 a")
	// Output:
	// u1=a null=false
	// u1=a null=false
}

func ExampleStream_ToFunc() {
	b := streams.NewBuilder()
	b.Stream(users).ToFunc(func(r streams.Record[string, string]) string {
		return "emails-" + r.Value[strings.LastIndex(r.Value, ".")+1:]
	}, serde.String, serde.String)
	d := streamstest.New(new(testing.T), b)
	streamstest.Input(d, users).Send("u1", "a@x.org")
	fmt.Println(len(d.Messages("emails-org")))
	// Output: 1
}

func ExampleStream_Repartition() {
	b := streams.NewBuilder()
	b.Stream(users).
		SelectKey(func(_, mail string) string { return mail[strings.Index(mail, "@")+1:] }).
		Repartition(streams.As("by-domain"), streams.WithPartitions(6)).
		To(emails)
	sources(b)
	// Output:
	// 0 reads users
	// 1 reads app-by-domain-repartition
}

func ExampleStream_RepartitionMulticast() {
	b := streams.NewBuilder()
	b.Stream(users).RepartitionMulticast(func(_ streams.Record[string, string], n int32) []int32 {
		return []int32{0, n - 1}
	}, streams.As("both-ends"), streams.WithPartitions(3)).To(emails)
	d := streamstest.New(new(testing.T), b)
	streamstest.Input(d, users).Send("a", "1")
	for _, m := range d.Messages("test-both-ends-repartition") {
		fmt.Print(m.Partition, " ")
	}
	// Output: 0 2
}

// Both sides of an outer join come out alone when their windows close.
func ExampleStream_OuterJoin() {
	clicks := streams.NewTopic("clicks", serde.String, serde.String)
	b := streams.NewBuilder()
	b.Stream(users).OuterJoin(b.Stream(clicks), streams.Within(time.Second),
		func(_ string, mail, click streams.Opt[string]) string { return fmt.Sprint(mail.OK, click.OK) }).
		To(emails)
	d := streamstest.New(new(testing.T), b)
	streamstest.Input(d, users).Send("u1", "a", streamstest.AtMs(0))
	streamstest.Input(d, clicks).Send("u2", "c", streamstest.AtMs(5000))
	streamstest.Input(d, users).Send("u2", "b", streamstest.AtMs(5001))
	fmt.Println(streamstest.Output(d, emails).Values())
	// Output: [true false true true]
}

func ExampleTable_OuterJoin() {
	phones := streams.NewTopic("phones", serde.String, serde.String)
	b := streams.NewBuilder()
	b.Table(users).
		MapValuesKeyed(func(k, mail string) string { return k + ":" + mail }).
		OuterJoin(b.Table(phones), func(_ string, mail, phone streams.Opt[string]) string { return mail.V + "/" + phone.V }).
		ToStream().To(emails)
	d := streamstest.New(new(testing.T), b)
	streamstest.Input(d, phones).Send("u1", "112")
	streamstest.Input(d, users).Send("u1", "a")
	fmt.Println(streamstest.Output(d, emails).Values())
	// Output: [/112 u1:a/112]
}

// perMinute counts the records of each user and minute.
func perMinute(b *streams.Builder) streams.WindowedTable[string, int64] {
	return b.Stream(users).GroupByKey().WindowedBy(streams.Tumbling(time.Minute)).Count()
}

func ExampleWindowedTable_MapValuesKeyed() {
	b := streams.NewBuilder()
	perMinute(b).
		MapValuesKeyed(func(k streams.Windowed[string], n int64) string {
			return k.Key + " at " + strconv.FormatInt(k.Window.Start, 10) + ": " + strconv.FormatInt(n, 10)
		}).
		ToStream(func(k streams.Windowed[string]) string { return k.Key }).To(emails)
	send(b, "u1 a")
	// Output: u1=u1 at 0: 1 null=false
}

func ExampleWindowedTable_OuterJoin() {
	b := streams.NewBuilder()
	counts := perMinute(b)
	long := counts.Filter(func(_ streams.Windowed[string], n int64) bool { return n > 1 })
	counts.OuterJoin(long, func(_ streams.Windowed[string], all, some streams.Opt[int64]) string {
		return fmt.Sprint(all.V, " ", some.V)
	}).ToStream(func(k streams.Windowed[string]) string { return k.Key }).To(emails)
	send(b, "u1 a")
	// Output: u1=1 0 null=false
}

func ExampleWindowedGroup_EmitOnClose() {
	b := streams.NewBuilder()
	b.Stream(users).GroupByKey().
		WindowedBy(streams.Tumbling(time.Millisecond)).EmitOnClose().
		Reduce(func(_, v string) string { return v }).
		ToStream(func(k streams.Windowed[string]) string { return k.Key }).To(emails)
	send(b, "u1 a", "u1 b", "u1 c")
	// Output:
	// u1=a null=false
	// u1=b null=false
}

func ExampleSessionGroup_EmitOnClose() {
	b := streams.NewBuilder()
	b.Stream(users).GroupByKey().
		SessionsBy(streams.SessionGap(time.Second)).EmitOnClose().
		Reduce(func(_, v string) string { return v }).
		ToStream(func(k streams.Windowed[string]) string { return k.Key }).To(emails)
	d := streamstest.New(new(testing.T), b)
	in := streamstest.Input(d, users)
	in.Send("u1", "a", streamstest.AtMs(0))
	in.Send("u1", "b", streamstest.AtMs(900))
	in.Send("u2", "c", streamstest.AtMs(9000))
	fmt.Println(streamstest.Output(d, emails).Values())
	// Output: [b]
}

// TimedBy takes the event time from the value.
func ExampleTopic_TimedBy() {
	timed := users.TimedBy(func(r streams.Record[string, string], _ int64) int64 {
		ms, err := strconv.ParseInt(r.Value, 10, 64)
		if err != nil {
			return -1
		}
		return ms
	})
	b := streams.NewBuilder()
	b.Stream(timed).To(emails)
	d := streamstest.New(new(testing.T), b)
	streamstest.Input(d, users).Send("u1", "1234")
	fmt.Println(d.Messages("emails")[0].Time, timed.KeySerde() != nil, timed.ValueSerde() != nil)
	// Output: 1234 true true
}
