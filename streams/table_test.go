package streams_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/serde"
)

// TestTableOperators: rows that fail the filter and rows that are deleted leave
// as nulls.
func TestTableOperators(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(b *streams.Builder) {
		rows := b.Table(text("a"), streams.As("rows"))
		rows.Filter(func(_, v string) bool { return v != "hide" }).MapValues(strings.ToUpper).ToStream().To(text("y"))
		rows.FilterNot(func(_, v string) bool { return v != "hide" }).ToStream().To(text("z"))
	})
	r.feed("a", "k", "v", "k", "hide", "k", null)
	require.Equal(t, []string{
		"y k=V @1",
		"y k=<null> @2", "z k=hide @2",
		"z k=<null> @3",
	}, r.took(), "the table keeps old values, so no row is deleted that never passed")
}

// TestJoinTable: inner and left, through a filter and a mapping of the table,
// which have no store of their own.
func TestJoinTable(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(b *streams.Builder) {
		rows := b.Table(text("b")).FilterNot(func(_, v string) bool { return v == "hide" }).MapValues(strings.ToUpper)
		s := b.Stream(text("a"))
		s.JoinTable(rows, join).To(text("y"))
		s.LeftJoinTable(rows, func(k, v string, row streams.Opt[string]) string {
			if !row.OK {
				return k + v + "?"
			}
			return k + v + row.V
		}).To(text("z"))
	})
	require.Equal(t, [][]string{{"a", "b"}}, r.plan.Subtopologies[0].Copartitioned)
	r.feed("b", "k", "row", "h", "hide")
	r.feed("a", "k", "1", "h", "2", "x", "3")
	require.Equal(t, []string{"y k=1ROW @3", "z k=k1ROW @3", "z h=h2? @4", "z x=x3? @5"}, r.took())
}

// TestJoinAfterSelectKey crosses a repartition topic.
func TestJoinAfterSelectKey(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(b *streams.Builder) {
		b.Stream(text("a")).SelectKey(value).JoinTable(b.Table(text("b")), join, streams.As("j")).To(text("z"))
	})
	r.feed("b", "v", "row")
	r.feed("a", "k", "v", "k", "other")
	require.Equal(t, []string{"z v=vrow @2"}, r.took())
	require.Contains(t, r.plan.SourceTopics(), "app-j-repartition")
}

// TestJoinsShareATopic: unnamed joins of one stream, of which the left one wants
// records without key; the inner one leaves them out and counts them.
func TestJoinsShareATopic(t *testing.T) {
	t.Parallel()
	keyed := func(name string) streams.Topic[*string, string] {
		return streams.NewTopic(name, serde.Nullable(serde.String), serde.String)
	}
	r := newRig(t, func(b *streams.Builder) {
		users, cities := b.Table(keyed("users")), b.Table(keyed("cities"))
		s := b.Stream(text("a")).SelectKey(func(_, v string) *string {
			if v == "" {
				return nil
			}
			return &v
		}).WithKeySerde(serde.Nullable(serde.String))
		s.JoinTable(users, func(_ *string, v, row string) string { return v + row }).To(keyed("y"))
		s.LeftJoinTable(cities, func(_ *string, v string, row streams.Opt[string]) string {
			return v + "/" + row.V
		}).To(keyed("z"))
	})
	require.Equal(t, []string{"a", "app-KSTREAM-KEY-SELECT-0000000007-repartition", "cities", "users"}, r.plan.SourceTopics())
	r.feed("users", "v", "user")
	r.feed("cities", "v", "city")
	r.feed("a", "k", "v", "k", "")
	require.Equal(t, []string{"y v=vuser @3", "z v=v/city @3", "z <null>=/ @4"}, r.took())
	require.Equal(t, map[string]int{"KSTREAM-JOIN-0000000011 null-key": 1}, r.skipped)
}

// TestJoinWithAnAggregate reads the aggregation's own store.
func TestJoinWithAnAggregate(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(b *streams.Builder) {
		counts := b.Stream(text("clicks")).GroupByKey().Count()
		b.Stream(text("a")).JoinTable(counts, func(_, v string, n int64) string {
			return v + strings.Repeat("!", int(n))
		}).To(text("z"))
	})
	r.feed("clicks", "k", "", "k", "")
	r.feed("a", "k", "v")
	require.Equal(t, []string{"z k=v!! @3"}, r.took())
}

// windowName makes a readable key out of a windowed one.
func windowName(w streams.Windowed[string]) string {
	start, end := time.UnixMilli(w.Window.Start).UTC(), time.UnixMilli(w.Window.End).UTC()
	return w.Key + "[" + start.Format("05") + "-" + end.Format("05") + "]"
}

// seconds feeds one record of key k at each of the given seconds.
func seconds(r *rig, at ...int64) {
	for _, s := range at {
		require.NoError(r.t, r.send("a", "k", "v", s*1000))
	}
}

func TestTumblingWindows(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(b *streams.Builder) {
		b.Stream(text("a")).GroupByKey().WindowedBy(streams.Tumbling(10 * time.Second).Grace(5 * time.Second)).
			Reduce(func(acc, v string) string { return acc + v }).ToStream(windowName).To(text("z"))
	})
	seconds(r, 1, 11, 9, 16, 2) // the last comes after window and grace
	require.Equal(t, []string{
		"z k[00-10]=v @1000", "z k[10-20]=v @11000", "z k[00-10]=vv @9000", "z k[10-20]=vv @16000",
	}, r.took())
	require.Equal(t, map[string]int{"KSTREAM-REDUCE-0000000002 late": 1}, r.skipped)
}

func TestHoppingWindows(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(b *streams.Builder) {
		b.Stream(text("a")).GroupByKey().WindowedBy(streams.Hopping(10*time.Second, 5*time.Second)).
			Aggregate(empty, func(_, v, a string) string { return a + v }, serde.String).ToStream(windowName).To(text("z"))
	})
	seconds(r, 6)
	require.Equal(t, []string{"z k[00-10]=v @6000", "z k[05-15]=v @6000"}, r.took())
}

// TestSessions: a record between two sessions merges them; the old ones leave
// as deletions, past the change of key.
func TestSessions(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(b *streams.Builder) {
		g := b.Stream(text("a")).GroupByKey().SessionsBy(streams.SessionGap(5 * time.Second).Grace(time.Minute))
		g.Reduce(func(acc, v string) string { return acc + v }).ToStream(windowName).To(text("z"))
	})
	seconds(r, 1, 10, 6)
	sent := r.took()
	require.Equal(t, []string{"z k[01-01]=v @1000", "z k[10-10]=v @10000"}, sent[:2])
	require.Contains(t, sent, "z k[01-01]=<null> @1000")
	require.Contains(t, sent, "z k[10-10]=<null> @10000")
	require.Contains(t, sent, "z k[01-10]=vvv @10000")
}

// TestWindowedKeyFindsItsSerde: the key stays as it is, in the bytes of Kafka's
// windowed serializers, and no key change is shown.
func TestWindowedKeyFindsItsSerde(t *testing.T) {
	t.Parallel()
	w := 10 * time.Second
	r := newRig(t, func(b *streams.Builder) {
		g := b.Stream(text("a")).GroupByKey()
		g.WindowedBy(streams.Tumbling(w)).Count().ToStream(streams.WindowedKey).
			To(streams.NewTopic("z", serde.WindowedTime(serde.String, w), serde.Int64))
		g.SessionsBy(streams.SessionGap(w)).Aggregate(empty, keep, keep, serde.String).ToStream(streams.WindowedKey).
			To(streams.NewTopic("y", serde.WindowedSession(serde.String), serde.String))
	})
	seconds(r, 12)
	require.Equal(t, []string{
		"z 6b0000000000002710=0000000000000001 @12000",
		"y 6b0000000000002ee00000000000002ee0= @12000",
	}, r.took())
}

// TestRetentionOptions reach the store's specification and its topic.
func TestRetentionOptions(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(b *streams.Builder) {
		g := b.Stream(text("a"), streams.LatestOffset()).GroupByKey()
		g.WindowedBy(streams.Tumbling(time.Minute).Grace(time.Second)).Count(streams.As("w"))
		g.SessionsBy(streams.SessionGap(time.Minute)).Count(streams.As("s"), streams.WithRetention(time.Hour),
			streams.WithLogConfig(map[string]string{"min.insync.replicas": "2"}))
		g.Count(streams.As("c"), streams.WithoutLogging())
	})
	stores := r.plan.Subtopologies[0].Stores
	require.Len(t, stores, 3)
	require.Empty(t, stores[0].Changelog)
	require.Equal(t, time.Hour, stores[1].Spec.Retention)
	require.Equal(t, "2", stores[1].ChangelogConfig["min.insync.replicas"])
	require.Equal(t, 61*time.Second, stores[2].Spec.Retention)
	require.Equal(t, time.Minute, stores[2].Spec.WindowSize)
	require.Equal(t, "the latest offset", r.plan.Subtopologies[0].Sources[0].Reset.String())
}
