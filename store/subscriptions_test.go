package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/memstore"
)

func subscriptions(t testing.TB) (*store.Subscriptions, store.Engine) {
	t.Helper()
	spec := store.SubscriptionsSpec()
	spec.Name = "subscriptions"
	e, err := memstore.New().Engine(spec)
	require.NoError(t, err)
	return store.NewSubscriptions(e), e
}

// listed is what Each shows, one line a subscription.
func listed(t testing.TB, s *store.Subscriptions, foreign string) (out []string) {
	t.Helper()
	require.NoError(t, s.Each([]byte(foreign), func(primary, message []byte, ts int64) error {
		out = append(out, fmt.Sprintf("%s=%s@%d", primary, message, ts))
		return nil
	}))
	return out
}

// A foreign key has its own subscriptions only, also if another one begins with it,
// is empty, or ends in FF.
func TestSubscriptionsOfOneForeignKey(t *testing.T) {
	t.Parallel()
	s, _ := subscriptions(t)
	for _, foreign := range []string{"", "a", "ab", "a\xff", "\xff\xff"} {
		for _, primary := range []string{"2", "1", ""} {
			require.NoError(t, s.Put([]byte(foreign), []byte(primary), []byte("m"), 7))
		}
	}
	for _, foreign := range []string{"", "a", "ab", "a\xff", "\xff\xff"} {
		require.Equal(t, []string{"=m@7", "1=m@7", "2=m@7"}, listed(t, s, foreign), "%q", foreign)
	}
	require.Empty(t, listed(t, s, "b"))
	require.NoError(t, s.Delete([]byte("a"), []byte("1")))
	require.NoError(t, s.Delete([]byte("a"), []byte("nobody")))
	require.NoError(t, s.Put([]byte("a"), []byte("2"), []byte("n"), 9))
	require.Equal(t, []string{"=m@7", "2=n@9"}, listed(t, s, "a"))
	require.Len(t, listed(t, s, "ab"), 3)
}

// Rows are those of Kafka Streams: length, foreign key, primary key; then the time in
// front of the message, which the changelog leaves out.
func TestSubscriptionRows(t *testing.T) {
	t.Parallel()
	s, e := subscriptions(t)
	require.NoError(t, s.Put([]byte("c1"), []byte("o1"), []byte{1, 2}, 256))
	v, ok, err := e.Get([]byte("\x00\x00\x00\x02c1o1"))
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, []byte{0, 0, 0, 0, 0, 0, 1, 0, 1, 2}, v)
}

func TestSubscriptionsEndWithTheFirstError(t *testing.T) {
	t.Parallel()
	s, e := subscriptions(t)
	for _, primary := range []string{"1", "2", "3"} {
		require.NoError(t, s.Put([]byte("f"), []byte(primary), nil, 0))
	}
	calls, fault := 0, errors.New("stop")
	require.ErrorIs(t, s.Each([]byte("f"), func(_, _ []byte, _ int64) error { calls++; return fault }), fault)
	require.Equal(t, 1, calls)
	require.Len(t, listed(t, s, "f"), 3, "the error is not kept")

	require.NoError(t, e.Put([]byte("\x00\x00\x00\x01f9"), []byte("short")))
	err := s.Each([]byte("f"), func(_, _ []byte, _ int64) error { return nil })
	require.ErrorIs(t, err, store.ErrCorrupt)
}

// TestSubscriptionsAgainstAModel does random things to the store and to a map.
func TestSubscriptionsAgainstAModel(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 1))
	s, _ := subscriptions(t)
	model := map[[2]string]string{}
	word := func() string { return string(bytes.Repeat([]byte{byte(rng.IntN(2)) * 0xff}, rng.IntN(3))) }
	for range 500 {
		k := [2]string{word(), word()}
		if rng.IntN(3) == 0 {
			require.NoError(t, s.Delete([]byte(k[0]), []byte(k[1])))
			delete(model, k)
			continue
		}
		message := word()
		require.NoError(t, s.Put([]byte(k[0]), []byte(k[1]), []byte(message), 1))
		model[k] = message
		var want []string
		for have, m := range model {
			if have[0] == k[0] {
				want = append(want, fmt.Sprintf("%s=%s@1", have[1], m))
			}
		}
		got := listed(t, s, k[0])
		slices.Sort(want)
		slices.Sort(got)
		require.Equal(t, want, got, "seed %d", seed)
	}
}

func TestSubscriptionsAllocateNothing(t *testing.T) {
	s, _ := subscriptions(t)
	foreign, primary, message := []byte("f"), []byte("p"), []byte("m")
	visit := func(_, _ []byte, _ int64) error { return nil }
	require.NoError(t, s.Put(foreign, primary, message, 1))
	require.NoError(t, s.Each(foreign, visit))
	require.Zero(t, testing.AllocsPerRun(100, func() { _ = s.Each(foreign, visit) }))
}

func ExampleSubscriptions() {
	spec := store.SubscriptionsSpec()
	spec.Name = "subscriptions"
	engine, _ := memstore.New().Engine(spec)
	s := store.NewSubscriptions(engine)
	_ = s.Put([]byte("customer"), []byte("order-2"), []byte("?"), 10)
	_ = s.Put([]byte("customer"), []byte("order-1"), []byte("?"), 20)
	_ = s.Each([]byte("customer"), func(primary, _ []byte, ts int64) error {
		fmt.Printf("%s asked at %d\n", primary, ts)
		return nil
	})
	// Output:
	// order-1 asked at 20
	// order-2 asked at 10
}
