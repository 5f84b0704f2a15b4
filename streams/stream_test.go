package streams_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/internal/task"
	"github.com/millrace/millrace/streams/serde"
)

func number(name string) streams.Topic[string, int64] {
	return streams.NewTopic(name, serde.String, serde.Int64)
}

// TestStatelessOperators: what each does to a record, from bytes to bytes.
func TestStatelessOperators(t *testing.T) {
	t.Parallel()
	short := func(_, v string) bool { return len(v) < 3 }
	for name, c := range map[string]struct {
		build func(streams.Stream[string, string]) streams.Stream[string, string]
		want  []string
	}{
		"filter":    {func(s streams.Stream[string, string]) streams.Stream[string, string] { return s.Filter(short) }, []string{"z k=ab @1"}},
		"filterNot": {func(s streams.Stream[string, string]) streams.Stream[string, string] { return s.FilterNot(short) }, []string{"z j=c d e @2"}},
		"mapValues": {func(s streams.Stream[string, string]) streams.Stream[string, string] {
			return s.MapValues(strings.ToUpper)
		},
			[]string{"z k=AB @1", "z j=C D E @2"}},
		"mapValuesKeyed": {func(s streams.Stream[string, string]) streams.Stream[string, string] {
			return s.MapValuesKeyed(func(k, v string) string { return k + v })
		}, []string{"z k=kab @1", "z j=jc d e @2"}},
		"flatMapValues": {func(s streams.Stream[string, string]) streams.Stream[string, string] {
			return s.FlatMapValues(strings.Fields)
		},
			[]string{"z k=ab @1", "z j=c @2", "z j=d @2", "z j=e @2"}},
		"map": {func(s streams.Stream[string, string]) streams.Stream[string, string] {
			return s.Map(func(k, v string) (string, string) { return v, k })
		}, []string{"z ab=k @1", "z c d e=j @2"}},
		"flatMap": {func(s streams.Stream[string, string]) streams.Stream[string, string] {
			return s.FlatMap(func(k, v string, yield func(string, string)) { yield(k, v); yield(v, k) })
		}, []string{"z k=ab @1", "z ab=k @1", "z j=c d e @2", "z c d e=j @2"}},
		"selectKey": {func(s streams.Stream[string, string]) streams.Stream[string, string] { return s.SelectKey(value) },
			[]string{"z ab=ab @1", "z c d e=c d e @2"}},
		"merge with itself": {func(s streams.Stream[string, string]) streams.Stream[string, string] { return s.Filter(short).Merge(s) },
			[]string{"z k=ab @1", "z k=ab @1", "z j=c d e @2"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, func(b *streams.Builder) { c.build(b.Stream(text("a"))).To(text("z")) })
			r.feed("a", "k", "ab", "j", "c d e")
			require.Equal(t, c.want, r.took())
			require.Empty(t, r.skipped)
		})
	}
}

func TestPeekAndForEachSeeRecords(t *testing.T) {
	t.Parallel()
	var seen []string
	r := newRig(t, func(b *streams.Builder) {
		s := b.Stream(text("a")).Peek(func(r streams.Record[string, string]) {
			seen = append(seen, "peek "+r.Key+r.Value+strconv.FormatInt(r.Time, 10))
		})
		s.ForEach(func(k, v string) { seen = append(seen, "each "+k+v) })
	})
	r.feed("a", "k", "v")
	require.Equal(t, []string{"peek kv1", "each kv"}, seen)
}

// TestOneTopicReadTwice is one source, as in Kafka Streams.
func TestOneTopicReadTwice(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(b *streams.Builder) {
		b.Stream(text("a")).To(text("y"))
		b.Stream(text("a")).To(text("z"))
	})
	r.feed("a", "k", "v")
	require.Equal(t, []string{"y k=v @1", "z k=v @1"}, r.took())
	require.Len(t, r.plan.Subtopologies, 1)
}

// TestUndecodableIsPlaced: the error names the operator, the user's line and the
// part, for the handler to decide.
func TestUndecodableIsPlaced(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(b *streams.Builder) {
		b.Stream(number("a"), streams.As("in")).To(number("z"))
	})
	for _, bad := range []string{"short", null} {
		err := r.send("a", "k", bad, 1)
		var fault *task.DecodeError
		require.ErrorAs(t, err, &fault)
		require.Equal(t, "in", fault.Operator)
		require.Regexp(t, `^stream_test\.go:\d+$`, fault.Where)
		require.Equal(t, "value", fault.Part)
		require.Error(t, fault.Err)
	}
	require.Empty(t, r.took())
}

// TestGroupByGoesThroughATopic: the rekeyed records cross a repartition topic;
// those without key do not, and are counted.
func TestGroupByGoesThroughATopic(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(b *streams.Builder) {
		b.Stream(text("a")).FlatMapValues(strings.Fields).GroupBy(value, serde.String, streams.As("words"), streams.WithPartitions(7)).
			Count(streams.As("counts")).MapValues(func(n int64) string { return strconv.FormatInt(n, 10) }).ToStream().To(text("z"))
	})
	require.Equal(t, []string{"a", "app-words-repartition"}, r.plan.SourceTopics())
	require.EqualValues(t, 7, r.plan.Subtopologies[1].Repartitions[0].Partitions)
	require.Equal(t, "app-counts-changelog", r.plan.Subtopologies[1].Stores[0].Changelog)
	r.feed("a", "k", "to be or", null, "not to be")
	require.Equal(t, []string{"z to=1 @1", "z be=1 @1", "z or=1 @1", "z not=1 @2", "z to=2 @2", "z be=2 @2"}, r.took())
}

// TestNamedGroupingSharesItsTopic: two aggregations, one repartition topic.
func TestNamedGroupingSharesItsTopic(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(b *streams.Builder) {
		g := byValue(b, streams.As("g"))
		g.Reduce(func(acc, v string) string { return acc + v }).ToStream().To(text("y"))
		g.Aggregate(empty, func(k, v, a string) string { return a + "," + v }, serde.String).ToStream().To(text("z"))
	})
	require.Len(t, r.plan.Subtopologies, 2)
	r.feed("a", "k", "v", "k", "v")
	require.Equal(t, []string{"y v=v @1", "z v=,v @1", "y v=vv @2", "z v=,v,v @2"}, r.took())
}

// TestNullsAreNotGrouped: a deletion that leaves a table does not get past the
// repartition topic, and is counted there.
func TestNullsAreNotGrouped(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(b *streams.Builder) {
		b.Table(number("a")).ToStream().SelectKey(func(k string, _ int64) string { return k }).GroupByKey().
			Count().ToStream().To(number("z"))
	})
	r.feed("a", "k", null, null, "12345678")
	require.Empty(t, r.took())
	require.Equal(t, map[string]int{"KTABLE-SOURCE-0000000002 null-key": 1, "KSTREAM-KEY-SELECT-0000000004 null-value": 1}, r.skipped)
}
