package node

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams/record"
	"github.com/millrace/millrace/streams/serde"
)

// bag is an aggregate that aliases: whoever has one can change everybody's.
type bag struct{ Words []string }

// changing adds a word in place, and keeps the words in order, which moves those that
// are there; pure makes a new bag.
func changing(_, word string, b *bag) *bag {
	b.Words = append(b.Words, word)
	slices.Sort(b.Words)
	return b
}

func pure(_, word string, b *bag) *bag {
	return changing("", word, &bag{slices.Clone(b.Words)})
}

// suppressed runs a script of an aggregation under a Suppress, and returns what comes
// out of it and what is in the changes, old and new. Downstream spoils what it gets.
func suppressed(t *testing.T, add func(_, word string, b *bag) *bag, cache bool) []string {
	t.Helper()
	b := newBench(t)
	values := serde.JSON[*bag]()
	spec := store.Spec{Name: "suppress", Kind: store.KindBuffer}
	buffer, err := store.NewBuffer(engineOf(t, spec), spec, serde.String, values)
	require.NoError(t, err)
	words := func(v *bag, ok bool) string {
		if !ok {
			return "-"
		}
		return fmt.Sprint(v.Words)
	}
	out := Suppress(&b.env, buffer, Bounds{Wait: 100, Records: -1, Bytes: -1}, func(_ string, ms int64) int64 { return ms }, false,
		func(r *record.Record[string, Change[*bag]]) error {
			c := r.Value
			b.out = append(b.out, fmt.Sprintf("%s %s<-%s @%d", r.Key, words(c.New, c.Has), words(c.Old, c.Had), r.Time))
			for _, v := range []*bag{c.New, c.Old} {
				if v != nil {
					clear(v.Words)
				}
			}
			return nil
		})
	seed := func() *bag { return new(bag) }
	in, flush := Aggregate(&b.env, tableStore(t, values), seed, add, out), func() error { return nil }
	if cache {
		c := tableCache(t, values, 1<<20)
		in, flush = CachedAggregate(&b.env, c, true, seed, add, out), c.Flush
	}
	for i, word := range []string{"m", "z", "a", "q", "b", "x", "c", "k"} {
		require.NoError(t, in(rec("k", word, int64(i)*40)))
		if i%2 == 1 {
			require.NoError(t, flush())
			require.NoError(t, in(rec("other", word, int64(i)*40+5)))
		}
	}
	require.NoError(t, flush())
	require.NoError(t, in(rec("end", "e", 10_000)))
	require.NoError(t, flush())
	return b.take()
}

// TestSuppressUnderAnAggregatorThatChangesInPlace: what waits in the buffer is what
// was sent to it, whatever becomes of the aggregate afterwards, and downstream may
// spoil what it gets.
func TestSuppressUnderAnAggregatorThatChangesInPlace(t *testing.T) {
	t.Parallel()
	for _, cache := range []bool{false, true} {
		want := suppressed(t, pure, cache)
		require.Greater(t, len(want), 3)
		require.Equal(t, want, suppressed(t, changing, cache), "cache: %t", cache)
		require.Contains(t, fmt.Sprint(want), "[a b c k m q x z]")
	}
}

// TestCachedSessionsHaveTheHeadersOfTheLastRecord: a result, and the deletion of a
// session that was absorbed, come with the headers of the record that made them, and
// with their own end as time.
func TestCachedSessionsHaveTheHeadersOfTheLastRecord(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := SessionWindows{Gap: 10, Grace: 1000}
	c := sessionCache(t, w, serde.Int64)
	sum := func(acc, v int64) int64 { return acc + v }
	in := CachedSessionReduce(&b.env, c, true, w, sum, func(r *record.Record[serde.Windowed[string], Change[int64]]) error {
		from := "none"
		if r.Headers.Len() > 0 {
			from = string(r.Headers.All()[0].Value)
		}
		b.out = append(b.out, fmt.Sprintf("%s=%d,%t~%d by %s", show(r.Key, false), r.Value.New, r.Value.Has, r.Time, from))
		return nil
	})
	send := func(v, ms int64, from string) {
		r := rec("k", v, ms)
		if from != "" {
			r.Headers.Add("from", []byte(from))
		}
		require.NoError(t, in(r))
	}
	send(1, 100, "first")
	send(2, 105, "second")
	require.NoError(t, c.Flush())
	require.Equal(t, []string{"k@100/105=3,true~105 by second"}, b.take())
	send(4, 104, "third") // within its bounds
	require.NoError(t, c.Flush())
	require.Equal(t, []string{"k@100/105=7,true~105 by third"}, b.take())
	send(8, 112, "fourth")
	send(16, 115, "")
	require.NoError(t, c.Flush())
	require.Equal(t, []string{"k@100/105=0,false~105 by fourth", "k@100/115=31,true~115 by none"}, b.take())
	require.Empty(t, b.skipped)
}
