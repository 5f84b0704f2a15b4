package aggregate_test

import (
	"bytes"
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams/aggregate"
	"github.com/millrace/millrace/streams/serde"
)

func fold[V, A any](a aggregate.Aggregator[string, V, A], values ...V) A {
	acc := a.Init()
	for _, v := range values {
		acc = a.Add("k", v, acc)
	}
	return acc
}

// same checks that an aggregate comes back from its bytes.
func same[T any](t *testing.T, s serde.Serde[T], v T) []byte {
	t.Helper()
	b, err := s.Append([]byte("x"), v)
	require.NoError(t, err)
	require.Equal(t, "x", string(b[:1]))
	back, err := s.Decode(b[1:])
	require.NoError(t, err)
	require.Equal(t, v, back)
	return b[1:]
}

func falling(a, b int64) int { return cmp.Compare(b, a) }

func length(s string) int64 { return int64(len(s)) }

func TestCountAndSum(t *testing.T) {
	t.Parallel()
	count := aggregate.Count[string, string]()
	require.EqualValues(t, 3, fold(count, "a", "bb", "ccc"))
	sum := aggregate.Sum[string](length, serde.Int64)
	require.EqualValues(t, 6, fold(sum, "a", "bb", "ccc"))
	require.EqualValues(t, 8, sum.Merge("k", 6, 2))
	require.True(t, sum.Complete(true))
}

func TestTopN(t *testing.T) {
	t.Parallel()
	top := aggregate.TopN[string](3, falling, serde.Int64)
	require.Empty(t, fold(top))
	require.Equal(t, []int64{9, 5, 5}, fold(top, 5, 1, 9, 5, 3))
	require.Equal(t, []int64{9, 8, 5}, top.Merge("k", []int64{9, 5}, []int64{8, 1}))
	require.Equal(t, []int64{8, 1}, top.Merge("k", nil, []int64{8, 1}))
	same(t, top.Serde, []int64{9, 5, 5})
	require.False(t, aggregate.TopN[string](0, falling, serde.Int64).Complete(false))
	require.False(t, aggregate.TopN[string](1, nil, serde.Int64).Complete(false))

	byLength := aggregate.TopN[string](2, func(a, b string) int { return len(a) - len(b) }, serde.String)
	require.Equal(t, []string{"b", "a"}, fold(byLength, "ccc", "b", "a", "d"), "of equals the earlier ones")
	nulls := aggregate.TopN[string](2, func(a, b *string) int { return 0 }, serde.Nullable(serde.String))
	require.Empty(t, fold(nulls, nil, nil))
}

// TestTopNAgainstSorting, added one by one and in merged parts.
func TestTopNAgainstSorting(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	top := aggregate.TopN[string](7, falling, serde.Int64)
	for range 200 {
		all := make([]int64, random.IntN(30))
		for i := range all {
			all[i] = random.Int64N(20)
		}
		cut := random.IntN(len(all) + 1)
		whole, merged := fold(top, all...), top.Merge("k", fold(top, all[:cut]...), fold(top, all[cut:]...))
		slices.SortFunc(all, falling)
		all = all[:min(7, len(all))]
		require.Equal(t, append([]int64(nil), all...), append([]int64(nil), whole...))
		require.Equal(t, append([]int64(nil), all...), append([]int64(nil), merged...))
	}
}

// TestListBytesAreKafkas: those of its List serde for strings.
func TestListBytesAreKafkas(t *testing.T) {
	t.Parallel()
	want, err := serde.List(serde.String).Append(nil, []*string{ptr("a"), ptr("")})
	require.NoError(t, err)
	require.Equal(t, want, same(t, aggregate.ListOf(serde.String), []string{"a", ""}))
}

func ptr[T any](v T) *T { return &v }

// TestApproxDistinct: within three standard errors, also merged.
func TestApproxDistinct(t *testing.T) {
	t.Parallel()
	distinct := aggregate.ApproxDistinct[string](func(n int64) string { return fmt.Sprint(n) })
	for _, n := range []int64{0, 1, 10, 1000, 50_000} {
		a, b := distinct.Init(), distinct.Init()
		for i := range n {
			a = distinct.Add("k", i, a)
			b = distinct.Add("k", i+n/2, b)
			a = distinct.Add("k", i, a) // twice
		}
		require.InEpsilon(t, 1+n, 1+a.Estimate(), 0.025)
		back, err := distinct.Serde.Decode(appended(t, distinct.Serde, a))
		require.NoError(t, err)
		require.Equal(t, a.Estimate(), back.Estimate())
		merged := distinct.Merge("k", back, b)
		require.InEpsilon(t, 1+n+n/2, 1+merged.Estimate(), 0.025)
		require.LessOrEqual(t, len(appended(t, distinct.Serde, merged)), 16<<10+8)
	}
	var none *aggregate.Sketch
	require.Zero(t, none.Estimate())
	require.False(t, aggregate.ApproxDistinct[string, int](nil).Complete(false))
}

func appended[T any](t *testing.T, s serde.Serde[T], v T) []byte {
	t.Helper()
	b, err := s.Append(nil, v)
	require.NoError(t, err)
	return b
}

func TestBothInOnePass(t *testing.T) {
	t.Parallel()
	sum, top := aggregate.Sum[string](func(v int64) int64 { return v }, serde.Int64), aggregate.TopN[string](2, falling, serde.Int64)
	both := aggregate.Both(sum, top)
	got := fold(both, 1, 5, 3)
	require.Equal(t, aggregate.Pair[int64, []int64]{First: 9, Second: []int64{5, 3}}, got)
	same(t, both.Serde, got)
	merged := both.Merge("k", got, fold(both, 4))
	require.Equal(t, aggregate.Pair[int64, []int64]{First: 13, Second: []int64{5, 4}}, merged)

	three := aggregate.Three(aggregate.Count[string, int64](), sum, top)
	all := fold(three, 1, 5, 3)
	require.Equal(t, aggregate.Triple[int64, int64, []int64]{First: 3, Second: 9, Third: []int64{5, 3}}, all)
	same(t, three.Serde, all)
	require.EqualValues(t, 6, three.Merge("k", all, all).First)
}

func TestWhatIsNotComplete(t *testing.T) {
	t.Parallel()
	count, broken := aggregate.Count[string, int64](), aggregate.Aggregator[string, int64, int64]{}
	require.False(t, aggregate.Both(count, broken).Complete(false))
	require.False(t, aggregate.Three(count, count, broken).Complete(false))
	unmerged := count
	unmerged.Merge = nil
	both := aggregate.Both(count, unmerged)
	require.True(t, both.Complete(false))
	require.False(t, both.Complete(true), "sessions need it")
	require.False(t, aggregate.Three(count, count, unmerged).Complete(true))
}

func TestPairsOfNulls(t *testing.T) {
	t.Parallel()
	s := aggregate.PairOf(serde.Nullable(serde.String), serde.Int64)
	require.Equal(t, []byte{255, 255, 255, 255, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 7}, same(t, s, aggregate.Pair[*string, int64]{Second: 7}))
	same(t, s, aggregate.Pair[*string, int64]{First: ptr(""), Second: 7})
}

// TestDamagedAggregatesAreErrors, whatever is cut off or added.
func TestDamagedAggregatesAreErrors(t *testing.T) {
	t.Parallel()
	three := aggregate.Three(aggregate.Count[string, int64](), aggregate.TopN[string](2, falling, serde.Int64),
		aggregate.ApproxDistinct[string](func(n int64) string { return fmt.Sprint(n) }))
	b := appended(t, three.Serde, fold(three, 1, 2, 3))
	for n := range b {
		_, err := three.Serde.Decode(b[:n])
		require.Error(t, err, n)
	}
	_, err := three.Serde.Decode(append(bytes.Clone(b), 0))
	require.ErrorContains(t, err, "lengths do not fit")
	_, err = aggregate.ListOf(serde.Int64).Decode([]byte{1, 255, 255, 255, 255})
	require.ErrorContains(t, err, "not a list")
	_, err = aggregate.PairOf(serde.Int64, serde.Int64).Decode([]byte{255, 255, 255, 255, 255, 255, 255, 255})
	require.Error(t, err, "an int64 has no null")
	_, err = aggregate.SketchSerde().Append(nil, nil)
	require.ErrorContains(t, err, "null")
	small, err := aggregate.SketchSerde().Decode([]byte{2, 10, 0, 0, 0, 0, 4, 0})
	require.ErrorContains(t, err, "not a sketch")
	require.Nil(t, small)
}

func FuzzAggregates(f *testing.F) {
	for _, seed := range [][]byte{nil, {1, 0, 0, 0, 0}, make([]byte, 16), {2, 14, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0}} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		again(t, aggregate.ListOf(serde.Bytes), b)
		again(t, aggregate.PairOf(serde.Nullable(serde.Bytes), serde.Int64), b)
		if s, err := aggregate.SketchSerde().Decode(b); err == nil {
			_ = s.Estimate()
		}
	})
}

func again[T any](t *testing.T, s serde.Serde[T], b []byte) {
	v, err := s.Decode(b)
	if err != nil {
		return
	}
	if got, err := s.Append(nil, v); err != nil || !bytes.Equal(got, b) {
		t.Fatalf("%x became %x: %v", b, got, err)
	}
}

func ExampleBoth() {
	both := aggregate.Both(aggregate.Count[string, int64](), aggregate.TopN[string](2, falling, serde.Int64))
	acc := both.Init()
	for _, price := range []int64{20, 50, 30} {
		acc = both.Add("u-123", price, acc)
	}
	fmt.Println(acc.First, acc.Second)
	// Output: 3 [50 30]
}

func ExampleThree() {
	three := aggregate.Three(aggregate.Count[string, string](), aggregate.Sum[string](length, serde.Int64),
		aggregate.TopN[string](1, func(a, b string) int { return len(b) - len(a) }, serde.String))
	acc := three.Init()
	for _, page := range []string{"cart", "checkout"} {
		acc = three.Add("u-123", page, acc)
	}
	fmt.Println(acc.First, acc.Second, acc.Third)
	// Output: 2 12 [checkout]
}

func ExampleApproxDistinct() {
	visitors := aggregate.ApproxDistinct[string](func(user string) string { return user })
	acc := visitors.Init()
	for _, user := range []string{"ann", "bob", "ann"} {
		acc = visitors.Add("home", user, acc)
	}
	fmt.Println(acc.Estimate())
	// Output: 2
}

func ExampleTopN() {
	longest := aggregate.TopN[string](2, func(a, b string) int { return len(b) - len(a) }, serde.String)
	fmt.Println(fold(longest, "a", "ccc", "bb"))
	// Output: [ccc bb]
}

func ExampleSketch() {
	monday, tuesday := aggregate.NewSketch(), aggregate.NewSketch()
	monday.Add("ann")
	tuesday.Add("ann")
	tuesday.Add("bob")
	monday.Merge(tuesday)
	fmt.Println(monday.Estimate())
	// Output: 2
}

func ExampleAggregator() {
	last := aggregate.Aggregator[string, string, string]{
		Init:  func() string { return "" },
		Add:   func(_, v, _ string) string { return v },
		Merge: func(_, _, b string) string { return b },
		Serde: serde.String,
	}
	fmt.Println(last.Complete(true), fold(last, "a", "b"))
	// Output: true b
}
