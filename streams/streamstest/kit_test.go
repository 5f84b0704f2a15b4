package streamstest_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/record"
	"github.com/millrace/millrace/streams/serde"
	"github.com/millrace/millrace/streams/streamstest"
)

var (
	lines    = streams.NewTopic("lines", serde.String, serde.String)
	counts   = streams.NewTopic("counts", serde.String, serde.Int64)
	clicks   = streams.NewTopic("clicks", serde.String, serde.String)
	users    = streams.NewTopic("users", serde.String, serde.String)
	enriched = streams.NewTopic("enriched", serde.String, serde.String)
	minutes  = streams.NewTopic("minutes", serde.WindowedTime(serde.String, time.Minute), serde.Int64)
	visits   = streams.NewTopic("visits", serde.WindowedSession(serde.String), serde.Int64)
)

// wordCount has a repartition topic and a store "words".
func wordCount() *streams.Builder {
	b := streams.NewBuilder()
	b.Stream(lines).
		FlatMapValues(strings.Fields).
		GroupBy(func(_, word string) string { return word }, serde.String).
		Count(streams.As("words")).
		ToStream().
		To(counts)
	return b
}

// clickstream counts clicks by minute and by visit, and joins them with users.
func clickstream() *streams.Builder {
	b := streams.NewBuilder()
	in := b.Stream(clicks)
	group := in.GroupByKey()
	group.WindowedBy(streams.Tumbling(time.Minute).Grace(10 * time.Second)).
		Count(streams.As("by-minute")).
		ToStream(streams.WindowedKey).
		To(minutes)
	group.SessionsBy(streams.SessionGap(30 * time.Second).Grace(time.Minute)).
		Count(streams.As("by-visit")).
		ToStream(streams.WindowedKey).
		To(visits)
	in.LeftJoinTable(b.Table(users, streams.As("user-names")), func(_, page string, name record.Opt[string]) string {
		if !name.OK {
			return "someone:" + page
		}
		return name.V + ":" + page
	}).To(enriched)
	return b
}

// texts shows records as "key=value".
func texts[K, V any](all []record.Record[K, V]) (out []string) {
	for _, r := range all {
		if r.Null {
			out = append(out, fmt.Sprintf("%v=-", r.Key))
			continue
		}
		out = append(out, fmt.Sprintf("%v=%v", r.Key, r.Value))
	}
	return out
}

// judge stands in for the test that a driver ends.
type judge struct {
	testing.TB
	verdict string
}

func (j *judge) Helper() {}

func (j *judge) Fatalf(format string, args ...any) {
	j.verdict = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// fatal runs f as a test of its own and returns how it was ended.
func fatal(t *testing.T, f func(t testing.TB)) string {
	t.Helper()
	j := &judge{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		f(j)
	}()
	<-done
	require.NotEmpty(t, j.verdict, "the driver should have ended the test")
	return j.verdict
}

func newWordCount(t testing.TB, opts ...streamstest.Option) (*streamstest.Driver, *streamstest.InputTopic[string, string]) {
	d := streamstest.New(t, wordCount(), opts...)
	return d, streamstest.Input(d, lines)
}
