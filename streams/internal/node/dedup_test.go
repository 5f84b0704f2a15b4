package node

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams/serde"
)

func dedupStore(t testing.TB, e store.Engine, s DedupSpan) *store.Window[string, bool] {
	st, err := store.NewWindow(e, dedupSpec(s), serde.String, serde.Bool)
	require.NoError(t, err)
	return st
}

func dedupSpec(s DedupSpan) store.Spec {
	return store.Spec{
		Name: "d", Kind: store.KindWindow, Timestamped: true,
		WindowSize: time.Duration(s.Within) * time.Millisecond, Retention: time.Duration(s.Keeps()) * time.Millisecond,
	}
}

// dedupOf is a Dedup by value, over a store of its own.
func dedupOf(b *bench, s DedupSpan) Sink[string, string] {
	late := MapValues(&b.env, func(v string) string { return "late " + v }, collect[string, string](b))
	return Dedup(&b.env, dedupStore(b.t, engineOf(b.t, dedupSpec(s)), s), s, byValue, late, collect[string, string](b))
}

func byValue(_, v string) string { return v }

func TestDedupTranscript(t *testing.T) {
	t.Parallel()
	for _, step := range []struct {
		name string
		feed func(Sink[string, string]) []error
		want []string
		skip []string
	}{
		{"the first passes, and another id", send("a@5", "a@5", "b@6", "a@14"), []string{"k=a~5", "k=b~6"}, []string{"duplicate", "duplicate"}},
		{"the span ends, and was not prolonged", send("a@5", "a@14", "a@15"), []string{"k=a~5", "k=a~15"}, []string{"duplicate"}},
		{"the next window remembers the one before", send("a@9", "a@18", "a@19"), []string{"k=a~9", "k=a~19"}, []string{"duplicate"}},
		{"the earlier of two that come late is the duplicate", send("a@25", "a@16", "a@15"), []string{"k=a~25", "k=a~15"}, []string{"duplicate"}},
		{"too late to be judged", send("b@30", "a@20", "a@19"), []string{"k=b~30", "k=a~20", "k=late a~19"}, []string{"late"}},
		{"near the beginning of time", send("a@0", "a@9", "a@10"), []string{"k=a~0", "k=a~10"}, []string{"duplicate"}},
	} {
		t.Run(step.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			for _, err := range step.feed(dedupOf(b, DedupSpan{Within: 10, Grace: 10})) {
				require.NoError(t, err)
			}
			require.Equal(t, step.want, b.take())
			require.Equal(t, step.skip, b.skipped)
		})
	}
}

// send feeds records "value@time", all of one key.
func send(records ...string) func(Sink[string, string]) []error {
	return func(s Sink[string, string]) (out []error) {
		for _, r := range records {
			v, at := r[:1], int64(0)
			for _, digit := range r[2:] {
				at = at*10 + int64(digit-'0')
			}
			out = append(out, s(rec("k", v, at)))
		}
		return out
	}
}

// TestDedupAgainstAModel: of records with ids and times by chance, those pass that
// are at least the span apart from all of their id that passed.
func TestDedupAgainstAModel(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	span := DedupSpan{Within: 7, Grace: 20}
	b := newBench(t)
	s := dedupOf(b, span)
	passed, now, highest := map[string][]int64{}, int64(100), int64(0)
	for range 5000 {
		now += random.Int64N(4)
		at, id := now-random.Int64N(25), string(rune('a'+random.IntN(3)))
		highest = max(highest, at)
		duplicate := false
		for _, other := range passed[id] {
			duplicate = duplicate || at-other < span.Within && other-at < span.Within
		}
		b.skipped = nil
		require.NoError(t, s(rec("k", id, at)))
		switch {
		case at < highest-span.Grace:
			require.Equal(t, []string{SkipLate}, b.skipped)
		case duplicate:
			require.Equal(t, []string{SkipDuplicate}, b.skipped, "%s at %d", id, at)
		default:
			require.Empty(t, b.skipped, "%s at %d", id, at)
			passed[id] = append(passed[id], at)
		}
		b.out = nil
	}
}

// TestDedupRemembersAfterARestart: a new operator over the same bytes goes on.
func TestDedupRemembersAfterARestart(t *testing.T) {
	t.Parallel()
	b, span := newBench(t), DedupSpan{Within: 10, Grace: 10}
	engine := engineOf(t, dedupSpec(span))
	start := func() Sink[string, string] {
		return Dedup(&b.env, dedupStore(t, engine, span), span, byValue, nil, collect[string, string](b))
	}
	require.NoError(t, start()(rec("k", "a", 25)))
	again := start()
	require.NoError(t, again(rec("k", "a", 30)))
	require.NoError(t, again(rec("k", "b", 9)))
	require.Equal(t, []string{"k=a~25"}, b.take())
	require.Equal(t, []string{SkipDuplicate, SkipLate}, b.skipped, "the highest time is known, too, to a window")
}

func TestDedupNulls(t *testing.T) {
	t.Parallel()
	b, span := newBench(t), DedupSpan{Within: 10, Grace: 10}
	st := dedupStore(t, engineOf(t, dedupSpec(span)), span)
	s := Dedup(&b.env, st, span, byValue, nil, collect[string, string](b))
	gone := rec("k", "", 1)
	gone.Null = true
	require.NoError(t, s(gone))
	require.NoError(t, s(gone))
	require.Equal(t, []string{"k=-~1", "k=-~1"}, b.take(), "a deletion is never a duplicate")
	keyless := rec("", "x", 1)
	keyless.NoKey = true
	require.NoError(t, s(keyless))
	require.Equal(t, []string{SkipNullKey}, b.skipped)

	ids := store.Spec{Name: "p", Kind: store.KindWindow, Timestamped: true, WindowSize: 10 * time.Millisecond, Retention: time.Second}
	pointers, err := store.NewWindow(engineOf(t, ids), ids, texts, serde.Bool)
	require.NoError(t, err)
	none := Dedup(&b.env, pointers, span, func(string, string) *string { return nil }, nil, collect[string, string](b))
	require.NoError(t, none(rec("k", "x", 1)))
	require.NoError(t, none(rec("k", "x", 1)))
	require.Equal(t, []string{"k=x~1", "k=x~1"}, b.take(), "no id, no duplicate")
}

// TestDedupAllocatesNothing, neither for what passes nor for duplicates.
func TestDedupAllocatesNothing(t *testing.T) {
	b, span := newBench(t), DedupSpan{Within: 10, Grace: 10}
	b.env.Skip = func(string) {}
	st := dedupStore(t, engineOf(t, dedupSpec(span)), span)
	s := Dedup(&b.env, st, span, func(k string, _ int64) string { return k }, nil, drop[string, int64])
	r := rec[int64]("key", 7, 120)
	require.NoError(t, s(r))
	require.Zero(t, testing.AllocsPerRun(100, func() { _ = s(r) }), "a duplicate")
}

func BenchmarkDedup(b *testing.B) {
	for _, kind := range []struct {
		name string
		step int64
	}{{"passes", 10}, {"duplicate", 0}} {
		b.Run(kind.name, func(b *testing.B) {
			bench, span := newBench(b), DedupSpan{Within: 10, Grace: 10}
			bench.env.Skip = func(string) {}
			st := dedupStore(b, engineOf(b, dedupSpec(span)), span)
			s := Dedup(&bench.env, st, span, func(k string, _ int64) string { return k }, nil, drop[string, int64])
			r := rec[int64]("key", 7, 120)
			b.ReportAllocs()
			for b.Loop() {
				r.Time += kind.step
				if err := s(r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
