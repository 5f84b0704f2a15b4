package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store"
)

func eachSpec() store.Spec {
	return store.Spec{Name: "s", Kind: store.KindSession, Retention: 10 * time.Minute}
}

// Each visits what Find yields, also within another visit, and stops when it is told.
func TestEachIsFind(t *testing.T) {
	t.Parallel()
	v, err := store.NewSession(engineOf(t, eachSpec()), eachSpec(), text{}, long{})
	require.NoError(t, err)
	for i := range int64(12) { // over several segments, some of them expired
		require.NoError(t, v.Put("k", i*100_000, i*100_000+50_000, i))
		require.NoError(t, v.Put("k2", i*100_000, i*100_000+50_000, -i))
	}
	for earliest := int64(0); earliest < 1_300_000; earliest += 90_000 {
		latest := earliest + 250_000
		want := collect(t, v.Find("k", earliest, latest))
		got := []store.SessionEntry[string, int64]{}
		require.NoError(t, v.Each("k", earliest, latest, func(e store.SessionEntry[string, int64]) bool {
			got = append(got, e)
			return true
		}))
		require.ElementsMatch(t, want, got)
		n := 0
		require.NoError(t, v.Each("k", earliest, latest, func(e store.SessionEntry[string, int64]) bool {
			require.Equal(t, want[n], e)
			n++
			inner := 0
			require.NoError(t, v.Each("k2", 0, 1<<50, func(store.SessionEntry[string, int64]) bool { inner++; return inner < 3 }))
			require.Equal(t, 3, inner)
			return true
		}))
		require.Len(t, want, n)
	}
}

func TestEachReportsDamage(t *testing.T) {
	t.Parallel()
	e := engineOf(t, eachSpec())
	v, err := store.NewSession(e, eachSpec(), text{}, strict{})
	require.NoError(t, err)
	require.NoError(t, v.Put("k", 1, 2, 3))
	require.ErrorContains(t, v.Each("k", 0, 9, func(store.SessionEntry[string, int64]) bool { return true }), "another serde")
	require.ErrorContains(t, v.Each("k", 0, 9, nil), "another serde", "and again")
}

// strict writes what it does not read.
type strict struct{ long }

func (strict) Decode([]byte) (int64, error) { return 0, store.ErrCorrupt }
