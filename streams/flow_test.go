package streams_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/serde"
)

// TestSplit: the first branch that fits gets the record, Rest what nobody took.
func TestSplit(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(b *streams.Builder) {
		s := b.Stream(text("a")).Split()
		s.Branch(func(_, v string) bool { return strings.HasPrefix(v, "x") }).To(text("x"))
		s.Branch(func(_, v string) bool { return len(v) > 1 }).To(text("long"))
		s.Rest().To(text("rest"))
	})
	r.feed("a", "k", "xx", "k", "yy", "k", "y")
	require.Equal(t, []string{"x k=xx @1", "long k=yy @2", "rest k=y @3"}, r.took())
}

// TestFlow: nulls that are shown, several topics in one source, a topic chosen by
// the record, a repartition topic for its own sake.
func TestFlow(t *testing.T) {
	t.Parallel()
	var printed bytes.Buffer
	r := newRig(t, func(b *streams.Builder) {
		all := b.StreamAll([]streams.Topic[string, string]{text("b"), text("a")})
		all.Print(&printed, "all")
		all.MapNullable(func(v string, ok bool) int64 { return int64(len(v)) }).To(streams.NewTopic("len", serde.String, serde.Int64))
		all.FlatMapValuesKeyed(func(k, v string) []string { return []string{k + v} }).
			ToFunc(func(r streams.Record[string, string]) string { return "to-" + r.Value[:1] }, serde.String, serde.String)
		all.SelectKey(value).Repartition(streams.As("by-value")).MergeAs(all, streams.As("both")).GroupByKey().Reduce(func(_, v string) string { return v })
	})
	r.feed("a", "k", "v")
	r.feed("b", "q", "w")
	require.Equal(t, "[all]: k, v\n[all]: q, w\n", printed.String())
	require.Contains(t, r.took(), "to-k k=kv @1")
	require.Contains(t, r.plan.SourceTopics(), "app-by-value-repartition")
}

// TestFlowFaults: each has the line of the call.
func TestFlowFaults(t *testing.T) {
	t.Parallel()
	twice, again := streams.KVStore("s", serde.String, serde.String), streams.KVStore("s", serde.String, serde.Int64)
	pass := func(ctx *streams.ValueContext[string]) streams.Processor[string, string] { return nil }
	for want, declare := range map[string]func(b *streams.Builder){
		"it comes last": func(b *streams.Builder) {
			s := b.Stream(text("a")).Split()
			s.Rest()
			s.Branch(always)
		},
		"no topics are given": func(b *streams.Builder) { b.StreamAll[string, string](nil) },
		"is given twice":      func(b *streams.Builder) { b.StreamAll([]streams.Topic[string, string]{text("a"), text("a")}) },
		"a serde is nil": func(b *streams.Builder) {
			b.Stream(text("a")).ToFunc(func(streams.Record[string, string]) string { return "" }, nil, nil)
		},
		"the store s is declared twice": func(b *streams.Builder) {
			b.Stream(text("a")).ProcessValues(pass, streams.Uses(twice, again))
		},
		"store 1 of Uses is none": func(b *streams.Builder) {
			b.Stream(text("a")).ProcessValues(pass, streams.Uses(streams.StoreRef[int]{}))
		},
		"it is none": func(b *streams.Builder) { b.AddStateStore(nil) },
		"there are no streams": func(b *streams.Builder) {
			streams.Cogrouped[string, string]{}.Aggregate(empty, serde.String)
			b.Stream(text("a")).GroupByKey().Cogroup(keep).With(streams.Grouped[string, string]{}, keep).Aggregate(empty, serde.String)
		},
	} {
		b := streams.NewBuilder()
		declare(b)
		_, err := b.Build()
		require.Error(t, err, want)
		if want != "there are no streams" {
			require.ErrorContains(t, err, want)
		}
		require.Regexp(t, `flow_test\.go:\d+: `, err.Error())
	}
}
