package integration_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/serde"
)

// table is what was last written to a topic of rows, "" for a deletion.
type table map[string]string

// put writes rows and remembers them.
func (m table) put(t *testing.T, c *kgo.Client, topic string, rows ...string) {
	t.Helper()
	var all []*kgo.Record
	for _, row := range rows {
		k, v, _ := strings.Cut(row, "=")
		r := &kgo.Record{Topic: topic, Key: []byte(k)}
		if delete(m, k); v != "" {
			r.Value, m[k] = []byte(v), v
		}
		all = append(all, r)
	}
	require.NoError(t, c.ProduceSync(t.Context(), all...).FirstErr())
}

// texts reads a topic as a table.
func texts(t *testing.T, topic string) table {
	t.Helper()
	out := table{}
	for _, r := range readAll(t, topic) {
		if delete(out, string(r.Key)); r.Value != nil {
			out[string(r.Key)] = string(r.Value)
		}
	}
	return out
}

// becomes waits until a topic, read as a table, is what it should be.
func becomes(t *testing.T, topic string, want func() table) {
	t.Helper()
	eventually(t, topic+" is complete", func() bool { return maps.Equal(texts(t, topic), want()) })
}

// orders joins orders with their customers by a foreign key.
func orders(app string) *streams.Builder {
	b := streams.NewBuilder()
	rows := b.Table(streams.NewTopic(app+"-orders", serde.String, serde.String))
	customers := b.Table(streams.NewTopic(app+"-customers", serde.String, serde.String))
	customer := func(_, order string) (string, bool) {
		c, _, _ := strings.Cut(order, ":")
		return c, c != "-"
	}
	rows.LeftJoinFK(customers, customer, func(_, order string, c streams.Opt[string]) string { return order + "/" + c.V }, streams.As("orders")).
		Materialize(serde.String, streams.As("joined")).
		ToStream().
		To(streams.NewTopic(app+"-out", serde.String, serde.String))
	return b
}

// joined is the same join of two models.
func joined(orders, customers table) table {
	out := table{}
	for k, order := range orders {
		c, _, _ := strings.Cut(order, ":")
		out[k] = order + "/" + customers[c]
	}
	return out
}

// TestForeignKeyJoin: orders of four partitions refer to customers of three, in an
// application of two processes of which one loses its disk on the way. What comes out
// at rest is the join of what went in.
func TestForeignKeyJoin(t *testing.T) {
	t.Parallel()
	app := unique(t)
	createWith(t, 4, app+"-orders", app+"-out")
	createWith(t, 3, app+"-customers")
	c, rng := client(t), rand.New(rand.NewPCG(1, 2))
	ours, theirs := table{}, table{}
	shuffle := func(n int) {
		for range n {
			row := fmt.Sprintf("o%d=%s:%d", rng.IntN(30), []string{"c0", "c1", "c2", "c3", "c4", "-"}[rng.IntN(6)], rng.IntN(100))
			if rng.IntN(5) == 0 {
				row, _, _ = strings.Cut(row, "=")
			}
			ours.put(t, c, app+"-orders", row)
			if rng.IntN(4) == 0 {
				row = fmt.Sprintf("c%d=name-%d", rng.IntN(5), rng.IntN(100))
				if rng.IntN(4) == 0 {
					row = row[:2]
				}
				theirs.put(t, c, app+"-customers", row)
			}
		}
	}
	shuffle(60)
	one, two := start(t, orders(app), config(t, app)), start(t, orders(app), config(t, app))
	one.ready(t)
	two.ready(t)
	shuffle(60)
	becomes(t, app+"-out", func() table { return joined(ours, theirs) })
	one.stop()
	shuffle(30)
	start(t, orders(app), config(t, app)).ready(t)
	shuffle(30)
	becomes(t, app+"-out", func() table { return joined(ours, theirs) })
}

// countries is a stream of visits that are joined with a global table by a key in
// their values, and a global store of the user's own.
func countries(app string) (*streams.Builder, streams.GlobalTable[string, string]) {
	b := streams.NewBuilder()
	table := b.GlobalTable(streams.NewTopic(app+"-countries", serde.String, serde.String), streams.As("countries"))
	lengths := streams.KVStore("lengths", serde.String, serde.Int64)
	b.AddGlobalStore(lengths, streams.NewTopic(app+"-rivers", serde.String, serde.String), func(ctx *streams.GlobalContext) streams.Processor[string, string] {
		lengths := lengths.In(ctx)
		return streams.ProcessorFunc[string, string](func(r streams.Record[string, string]) error {
			return lengths.Put(r.Key, int64(len(r.Value)))
		})
	})
	b.Stream(streams.NewTopic(app+"-visits", serde.String, serde.String)).
		LeftJoinGlobal(table, func(_, country string) string { return country }, func(_, country string, name streams.Opt[string]) string {
			if !name.OK {
				return country + "?"
			}
			return name.V
		}).
		ProcessValues(func(ctx *streams.ValueContext[string]) streams.Processor[string, string] {
			rivers := lengths.In(ctx)
			return streams.ProcessorFunc[string, string](func(r streams.Record[string, string]) error {
				n, _, err := rivers.Get("rhine")
				if err != nil {
					return err
				}
				return ctx.Forward(fmt.Sprintf("%s %d", r.Value, n))
			})
		}).
		To(streams.NewTopic(app+"-out", serde.String, serde.String))
	return b, table
}

// TestGlobalTableAcrossARestart: all partitions are there before the first record is
// processed, updates come while it runs, and a restart reads what is new only, or
// everything if the disk is lost.
func TestGlobalTableAcrossARestart(t *testing.T) {
	t.Parallel()
	app := unique(t)
	create(t, app+"-countries", app+"-rivers", app+"-visits", app+"-out")
	c, rows, rivers, visits := client(t), table{}, table{}, table{}
	var many []string
	for i := range 500 {
		many = append(many, fmt.Sprintf("c%d=country %d", i, i))
	}
	rows.put(t, c, app+"-countries", many...)
	rivers.put(t, c, app+"-rivers", "rhine=1230km")
	visits.put(t, c, app+"-visits", "ann=c7", "bob=c499", "cid=c500")

	kept := config(t, app)
	b, countriesTable := countries(app)
	r := start(t, b, kept)
	becomes(t, app+"-out", func() table { return table{"ann": "country 7 6", "bob": "country 499 6", "cid": "c500? 6"} })
	rows.put(t, c, app+"-countries", "c500=Utopia", "c7")
	query, err := countriesTable.Query(r.app)
	require.NoError(t, err)
	eventually(t, "the update is there", func() bool {
		name, _, ok, err := query.Get("c500")
		require.NoError(t, err)
		return ok && name == "Utopia"
	})
	require.EqualValues(t, 502, globalRecords(r, "countries"))
	r.stop()
	_, err = countriesTable.Query(r.app)
	require.ErrorIs(t, err, store.ErrClosed)
	_, _, _, err = query.Get("c500")
	require.ErrorIs(t, err, store.ErrClosed)

	for i, life := range []struct {
		cfg  streams.Config
		read uint64
	}{{kept, 1}, {kept, 0}, {config(t, app), 503}} {
		if life.read == 1 {
			rows.put(t, c, app+"-countries", "c499=Atlantis")
		}
		last := fmt.Sprintf("dan%d", i)
		visits.put(t, c, app+"-visits", "ann=c7", "bob=c499", "cid=c500", last+"=c8")
		b, _ := countries(app)
		r := start(t, b, life.cfg)
		eventually(t, "the visits of this life", func() bool { return texts(t, app+"-out")[last] == "country 8 6" })
		got := texts(t, app+"-out")
		require.Equal(t, []string{"c7? 6", "Atlantis 6", "Utopia 6"}, []string{got["ann"], got["bob"], got["cid"]})
		require.Equal(t, life.read, globalRecords(r, "countries"))
		r.stop()
	}
}

// globalRecords is how many records of its topic a global store has read in this life.
func globalRecords(r *running, store string) uint64 {
	for _, g := range r.app.Status().Globals {
		if g.Store == store {
			return g.Records
		}
	}
	return 0
}

// TestGlobalTableWithABadRecord: it ends the application while the table is filled, with
// its place and without its content, or is left out and counted.
func TestGlobalTableWithABadRecord(t *testing.T) {
	t.Parallel()
	app := unique(t)
	create(t, app+"-numbers", app+"-in")
	require.NoError(t, client(t).ProduceSync(t.Context(), &kgo.Record{Topic: app + "-numbers", Key: []byte("k"), Value: []byte("no number")}).FirstErr())
	numbers := func() *streams.Builder {
		b := streams.NewBuilder()
		table := b.GlobalTable(streams.NewTopic(app+"-numbers", serde.String, serde.Int64))
		b.Stream(streams.NewTopic(app+"-in", serde.String, serde.String)).
			JoinGlobal(table, func(k, _ string) string { return k }, func(_, v string, _ int64) string { return v }).
			ForEach(func(_, _ string) {})
		return b
	}
	cfg := config(t, app)
	cfg.Brokers, cfg.NoSignals = kafka(t).Addrs, true
	bad, err := streams.New(numbers(), cfg)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	err = bad.Run(ctx)
	require.ErrorContains(t, err, app+"-numbers")
	require.ErrorContains(t, err, "offset 0")
	require.ErrorContains(t, err, "joins_test.go:")
	require.NotContains(t, err.Error(), "no number")

	cfg.OnUndecodable = streams.Always(streams.Continue)
	r := start(t, numbers(), cfg)
	r.ready(t)
	var skipped uint64
	for k, n := range r.app.Status().Skipped {
		require.Equal(t, "undecodable", k.Reason)
		skipped += n
	}
	require.EqualValues(t, 1, skipped)
}
