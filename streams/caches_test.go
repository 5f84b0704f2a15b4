package streams_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store/cached"
	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/record"
	"github.com/millrace/millrace/streams/serde"
)

// plenty is a budget that evicts nothing.
func plenty() *cached.Budget { return cached.NewBudget(1 << 20) }

// TestCachesHoldBackUntilTheCommit: one update a key, the last, in the order of the
// last changes.
func TestCachesHoldBackUntilTheCommit(t *testing.T) {
	t.Parallel()
	r := newCachedRig(t, plenty(), func(b *streams.Builder) {
		words := b.Stream(text("a")).GroupByKey()
		words.Count(streams.As("counts")).ToStream().MapValues(decimal).To(text("counted"))
		words.Reduce(func(acc, v string) string { return acc + v }).ToStream().To(text("joined"))
		words.Count(streams.As("at-once"), streams.NoCache()).ToStream().MapValues(decimal).To(text("now"))
	})
	r.feed("a", "k", "x", "l", "y", "k", "z")
	require.Equal(t, []string{"now k=1 @1", "now l=1 @2", "now k=2 @3"}, r.took())
	require.Equal(t, []string{
		"counted l=1 @2", "counted k=2 @3", "joined l=y @2", "joined k=xz @3",
	}, r.commit())
	require.Empty(t, r.commit())
}

func decimal(n int64) string { return fmt.Sprint(n) }

// TestCachesFlushParentsFirst: what one cache sends changes the next, and comes out
// with the same commit.
func TestCachesFlushParentsFirst(t *testing.T) {
	t.Parallel()
	r := newCachedRig(t, plenty(), func(b *streams.Builder) {
		b.Stream(text("a")).GroupByKey().Count(streams.As("first")).ToStream().
			GroupByKey().Count(streams.As("second")).ToStream().MapValues(decimal).To(text("z"))
	})
	for range 3 {
		r.feed("a", "k", "x", "k", "y")
		require.Empty(t, r.took())
		require.Len(t, r.commit(), 1)
	}
	r.feed("a", "k", "x")
	require.Equal(t, []string{"z k=4 @7"}, r.commit(), "one update of the first a commit")
}

// TestCachedTables: deletions of what nobody knows stay inside; a filter that needs
// old values gets those of the last commit.
func TestCachedTables(t *testing.T) {
	t.Parallel()
	r := newCachedRig(t, plenty(), func(b *streams.Builder) {
		rows := b.Table(text("a"), streams.As("rows"))
		rows.Filter(func(_, v string) bool { return v != "hide" }).MapValues(strings.ToUpper).ToStream().To(text("z"))
	})
	r.feed("a", "k", null, "l", "v", "l", null, "m", "hide")
	require.Empty(t, r.commit())
	r.feed("a", "k", "v", "m", "hide", "m", "w")
	require.Equal(t, []string{"z k=V @5", "z m=W @7"}, r.commit())
	r.feed("a", "k", "hide", "m", null)
	require.Equal(t, []string{"z k=<null> @8", "z m=<null> @9"}, r.commit())
}

// TestJoinsSeeWhatIsCached through a filter, which has no store of its own, too.
func TestJoinsSeeWhatIsCached(t *testing.T) {
	t.Parallel()
	r := newCachedRig(t, plenty(), func(b *streams.Builder) {
		rows := b.Table(text("b"), streams.As("rows"))
		b.Stream(text("a")).JoinTable(rows, join).To(text("y"))
		b.Stream(text("a")).JoinTable(rows.Filter(func(_, v string) bool { return v != "hide" }), join).To(text("z"))
	})
	r.feed("b", "k", "row", "l", "hide")
	r.feed("a", "k", "1", "l", "2")
	require.Equal(t, []string{"y k=1row @3", "z k=1row @3", "y l=2hide @4"}, r.took())
	r.commit()
	r.feed("b", "k", null)
	r.feed("a", "k", "3")
	require.Empty(t, r.took(), "the deletion is not flushed, but seen")
}

func TestCachedWindowsAndSessions(t *testing.T) {
	t.Parallel()
	name := func(w streams.Windowed[string]) string {
		return fmt.Sprintf("%s[%d,%d]", w.Key, w.Window.Start, w.Window.End)
	}
	add := func(acc, v string) string { return acc + v }
	r := newCachedRig(t, plenty(), func(b *streams.Builder) {
		g := b.Stream(text("a")).GroupByKey()
		g.WindowedBy(streams.Tumbling(10 * time.Millisecond).Grace(time.Second)).Reduce(add).ToStream(name).To(text("w"))
		g.WindowedBy(streams.Tumbling(20 * time.Millisecond)).Count().ToStream(name).MapValues(decimal).To(text("n"))
		g.SessionsBy(streams.SessionGap(5 * time.Millisecond).Grace(time.Second)).Reduce(add).ToStream(name).To(text("s"))
		g.SessionsBy(streams.SessionGap(5 * time.Millisecond)).Count().ToStream(name).MapValues(decimal).To(text("c"))
	})
	for i, ms := range []int64{12, 1, 3, 8, 14} {
		require.NoError(t, r.send("a", "k", string(rune('a'+i)), ms))
	}
	require.Equal(t, []string{
		"w k[0,10]=bcd @8", "w k[10,20]=ae @14",
		"n k[0,20]=5 @14",
		"s k[1,14]=bcade @14",
		"c k[8,14]=3 @14",
	}, r.commit())
	require.NoError(t, r.send("a", "k", "f", 16))
	require.Equal(t, []string{
		"w k[10,20]=aef @16", "n k[0,20]=6 @16",
		"s k[1,14]=<null> @14", "s k[1,16]=bcadef @16",
		"c k[8,14]=<null> @14", "c k[8,16]=4 @16",
	}, r.commit())
}

// basket is an aggregate that its aggregator changes in place.
type basket struct{ Items []string }

func fill(_, v string, b *basket) *basket {
	b.Items = append(b.Items, v)
	slices.Sort(b.Items)
	return b
}

// TestAggregatesChangedInPlace corrupt nothing: neither what children have kept, nor
// what a join has read, nor the old values that a filter sees.
func TestAggregatesChangedInPlace(t *testing.T) {
	t.Parallel()
	for name, budget := range map[string]*cached.Budget{"none": nil, "plenty": plenty(), "nothing": cached.NewBudget(0), "little": cached.NewBudget(500)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var kept, read []*basket
			var wanted, seen []string
			r := newCachedRig(t, budget, func(b *streams.Builder) {
				in := b.Stream(text("a"))
				baskets := in.GroupByKey().Aggregate(func() *basket { return &basket{} }, fill, serde.JSON[*basket](), streams.As("baskets"))
				baskets.ToStream().Peek(func(r record.Record[string, *basket]) {
					kept, wanted = append(kept, r.Value), append(wanted, strings.Join(r.Value.Items, ""))
				})
				// Full baskets are deleted once: the filter must know the old ones as they were.
				baskets.Filter(func(_ string, b *basket) bool { return len(b.Items) < 3 }).
					ToStream().MapValues(func(b *basket) string { return fmt.Sprint(b != nil) }).To(text("small"))
				in.JoinTable(baskets, func(_, v string, b *basket) string {
					read, seen = append(read, b), append(seen, strings.Join(b.Items, ""))
					return v + strings.Join(b.Items, "")
				}).To(text("z"))
			})
			for i, v := range []string{"d", "c", "b", "a"} {
				r.feed("a", "k", v, "other", v)
				if i%2 == 1 {
					r.commit()
				}
			}
			require.Len(t, read, 8)
			for i, b := range read {
				require.Equal(t, seen[i], strings.Join(b.Items, ""), "what join %d read", i)
			}
			require.NotEmpty(t, kept)
			for i, b := range kept {
				require.Equal(t, wanted[i], strings.Join(b.Items, ""), "what child %d kept", i)
			}
			require.Equal(t, "abcd", strings.Join(kept[len(kept)-1].Items, ""))
		})
	}
}

// TestReduceKeepsOthersValues: the first value of a reduce is the record's own,
// which siblings may have kept.
func TestReduceKeepsOthersValues(t *testing.T) {
	t.Parallel()
	var first *basket
	r := newCachedRig(t, plenty(), func(b *streams.Builder) {
		in := b.Stream(text("a")).MapValues(func(v string) *basket { return &basket{[]string{v}} }).WithValueSerde(serde.JSON[*basket]())
		in.Peek(func(r record.Record[string, *basket]) {
			if first == nil {
				first = r.Value
			}
		})
		in.GroupByKey().Reduce(func(acc, v *basket) *basket {
			acc.Items[0] += v.Items[0]
			return acc
		}).ToStream().MapValues(func(b *basket) string { return b.Items[0] }).To(text("z"))
	})
	r.feed("a", "k", "x", "k", "y", "k", "z")
	require.Equal(t, []string{"z k=xyz @3"}, r.commit())
	require.Equal(t, "x", first.Items[0])
}

// TestCachesInAnyBudget: however often caches are flushed, the last values are the
// same.
func TestCachesInAnyBudget(t *testing.T) {
	t.Parallel()
	var want map[string]string
	for _, budget := range []*cached.Budget{nil, cached.NewBudget(0), cached.NewBudget(1000), cached.NewBudget(20_000), plenty()} {
		r := newCachedRig(t, budget, func(b *streams.Builder) {
			g := b.Stream(text("a")).GroupByKey()
			g.Reduce(func(acc, v string) string { return acc + v }).ToStream().To(text("r"))
			g.SessionsBy(streams.SessionGap(3 * time.Millisecond).Grace(time.Minute)).Reduce(func(acc, v string) string { return acc + v }).
				ToStream(func(w streams.Windowed[string]) string { return fmt.Sprint(w.Key, w.Window) }).To(text("s"))
		})
		last := map[string]string{}
		note := func(lines []string) {
			for _, l := range lines {
				k, v, _ := strings.Cut(l, "=")
				v, _, _ = strings.Cut(v, " @")
				if last[k] = v; v == null {
					delete(last, k)
				}
			}
		}
		for i := range 500 {
			require.NoError(t, r.send("a", fmt.Sprint("k", i*i%17), string(rune('a'+i%26)), int64(i/3+i*7%5)))
			if i%100 == 99 {
				note(r.commit())
			}
		}
		note(r.commit())
		if want == nil {
			want = last
		}
		require.Equal(t, want, last)
	}
	require.Greater(t, len(want), 20)
}

// TestTablesGroupedAnewOverCaches: the old side of a change that a group takes out
// is what it was when it was put in, though the aggregator below changes its value in
// place and the group's aggregator does so too.
func TestTablesGroupedAnewOverCaches(t *testing.T) {
	t.Parallel()
	for name, budget := range map[string]*cached.Budget{"none": nil, "plenty": plenty(), "nothing": cached.NewBudget(0), "little": cached.NewBudget(600)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			put := func(_ string, b, all *basket) *basket {
				all.Items = append(all.Items, strings.Join(b.Items, "+"))
				slices.Sort(all.Items)
				return all
			}
			take := func(_ string, b, all *basket) *basket {
				if len(b.Items) == 0 {
					return all // without a cache the first old value is the initial one, as in Kafka Streams
				}
				at := slices.Index(all.Items, strings.Join(b.Items, "+"))
				if at < 0 {
					t.Errorf("%v is not in %v", b.Items, all.Items)
					return all
				}
				all.Items = slices.Delete(all.Items, at, at+1)
				return all
			}
			r := newCachedRig(t, budget, func(b *streams.Builder) {
				empty := func() *basket { return &basket{} }
				baskets := b.Stream(text("a")).GroupByKey().Aggregate(empty, fill, serde.JSON[*basket]())
				baskets.GroupBy(func(k string, b *basket) (string, *basket) { return k[:1], b }, serde.String, serde.JSON[*basket]()).
					Aggregate(empty, put, take, serde.JSON[*basket]()).
					ToStream().MapValues(func(b *basket) string { return strings.Join(b.Items, " ") }).To(text("z"))
			})
			var last []string
			for i, v := range []string{"d", "c", "b", "a", "e"} {
				r.feed("a", "k1", v, "k2", "x"+v, "k1", v+v)
				if i%2 == 0 {
					last = r.commit()
				}
			}
			require.NotEmpty(t, last)
			line, _, _ := strings.Cut(last[len(last)-1], " @")
			require.Equal(t, "z k=a+aa+b+bb+c+cc+d+dd+e+ee xa+xb+xc+xd+xe", line)
		})
	}
}
