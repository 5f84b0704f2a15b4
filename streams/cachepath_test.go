package streams_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/cached"
	"github.com/millrace/millrace/store/memstore"
	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/internal/task"
	"github.com/millrace/millrace/streams/internal/topo"
	"github.com/millrace/millrace/streams/serde"
)

// counting is a runtime with one store in memory.
type counting struct {
	discard
	db *memstore.DB
}

func (c *counting) Engine(name string) (store.Engine, error) {
	return c.db.Engine(store.Spec{Name: name, Kind: store.KindKeyValue, Timestamped: true})
}

// countPath links groupByKey -> count, with a record cache.
func countPath(tb testing.TB, keys int) (task.Entry, []*task.Raw, *task.Linked, *counting) {
	tb.Helper()
	b := streams.NewBuilder()
	b.Stream(streams.NewTopic("in", serde.String, serde.Int64)).
		GroupByKey().Count().ToStream().To(streams.NewTopic("out", serde.String, serde.Int64))
	top, err := b.Build()
	require.NoError(tb, err)
	program, _ := top.ForApplication("app", cached.NewBudget(1<<30))
	rt := &counting{db: memstore.New()}
	linked, err := program.Link(topo.TaskID{}, rt)
	require.NoError(tb, err)
	entry := linked.Entries["in"]
	raws := make([]*task.Raw, keys)
	for i := range raws {
		raws[i] = oneRecord()
		raws[i].Key = fmt.Appendf(nil, "user-%06d", i)
		require.NoError(tb, entry(raws[i]))
	}
	rand.New(rand.NewPCG(1, 2)).Shuffle(keys, func(i, j int) { raws[i], raws[j] = raws[j], raws[i] })
	return entry, raws, linked, rt
}

// TestCountPathAllocatesNothing between two commits, from the bytes of a source to
// the cached count.
func TestCountPathAllocatesNothing(t *testing.T) {
	entry, raws, linked, rt := countPath(t, 100)
	i := 0
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		if err := entry(raws[i%100]); err != nil {
			t.Error(err)
		}
		i++
	}))
	require.Zero(t, rt.emitted)
	require.Len(t, linked.Flush, 1)
	require.NoError(t, linked.Flush[0]())
	require.Equal(t, 100, rt.emitted)
}

// BenchmarkCountPath is one record's way from a source into a cached count.
func BenchmarkCountPath(b *testing.B) {
	for _, keys := range []int{1_000, 100_000} {
		b.Run(fmt.Sprintf("keys=%d", keys), func(b *testing.B) {
			entry, raws, _, _ := countPath(b, keys)
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if err := entry(raws[i]); err != nil {
					b.Fatal(err)
				}
				if i++; i == keys {
					i = 0
				}
			}
		})
	}
}
