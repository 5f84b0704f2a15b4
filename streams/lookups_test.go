package streams_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/serde"
	"github.com/millrace/millrace/streams/streamstest"
)

// faultsOf builds a program that must not build.
func faultsOf(t *testing.T, declare func(*streams.Builder)) string {
	t.Helper()
	b := streams.NewBuilder()
	declare(b)
	_, err := b.Build()
	require.Error(t, err)
	require.Contains(t, err.Error(), "lookups_test.go:")
	return err.Error()
}

func keyAndValue(k, _ string) string { return k }

// length is a value of a type that nobody has a serde for.
type length struct{ n int }

// TestFaultsOfForeignKeysAndGlobals are found by Build, each with its line.
func TestFaultsOfForeignKeysAndGlobals(t *testing.T) {
	t.Parallel()
	fill := func(*streams.GlobalContext) streams.Processor[string, string] {
		return streams.ProcessorFunc[string, string](func(streams.Record[string, string]) error { return nil })
	}
	letters := streams.KVStore("letters", serde.String, serde.String)
	for want, declare := range map[string]func(*streams.Builder){
		"the other table belongs to another builder": func(b *streams.Builder) {
			b.Table(orders).JoinFK(streams.NewBuilder().Table(customers), customerOf, pair)
		},
		"the function is nil": func(b *streams.Builder) { b.Table(orders).JoinFK(b.Table(customers), nil, pair) },
		"no serde for the value type streams_test.length": func(b *streams.Builder) {
			t := b.Table(orders).JoinFK(b.Table(customers), customerOf, func(_, l, r string) length { return length{len(l + r)} })
			t.GroupBy(func(k string, l length) (string, int64) { return k, int64(l.n) }, serde.String, serde.Int64).Count()
		},
		"the table has a store already": func(b *streams.Builder) {
			b.Table(orders).JoinFK(b.Table(customers), customerOf, pair).Materialize(serde.String).Materialize(serde.String)
		},
		"WithJoinStores, WithoutLogging and WithLogConfig are for joins of two streams": func(b *streams.Builder) {
			b.Table(orders).JoinFK(b.Table(customers), customerOf, pair, streams.WithoutLogging())
		},
		"a global table has no history":             func(b *streams.Builder) { b.GlobalTable(countries, streams.WithHistory(time.Hour)) },
		"a global table is read from the beginning": func(b *streams.Builder) { b.GlobalTable(countries, streams.LatestOffset()) },
		"the global table belongs to another builder": func(b *streams.Builder) {
			b.Stream(orders).JoinGlobal(streams.NewBuilder().GlobalTable(countries), keyAndValue, pair)
		},
		`the source topic "countries" is already used`: func(b *streams.Builder) {
			b.GlobalTable(countries)
			b.Stream(countries).ForEach(func(_, _ string) {})
		},
		"the store is none": func(b *streams.Builder) { b.AddGlobalStore(nil, countries, fill) },
		"declare a global store before its use, and once": func(b *streams.Builder) {
			b.AddGlobalStore(letters, countries, fill)
			b.AddGlobalStore(letters, customers, fill)
		},
		"the rows of a table are no store of its own": func(b *streams.Builder) {
			b.AddGlobalStore(b.GlobalTable(countries).Rows(), customers, fill)
		},
		"the table whose rows are used belongs to another builder": func(b *streams.Builder) {
			other := streams.NewBuilder().GlobalTable(countries).Rows()
			b.Stream(orders).Process(func(*streams.Context[string, string]) streams.Processor[string, string] {
				return streams.ProcessorFunc[string, string](func(streams.Record[string, string]) error { return nil })
			}, streams.Uses(other))
		},
	} {
		require.Contains(t, faultsOf(t, declare), want)
	}
}

// TestAForeignJoinNeedsNoSerdeUntilItsRowsAreNeeded: then a registered one is as good as
// that of Materialize.
func TestAForeignJoinNeedsNoSerdeUntilItsRowsAreNeeded(t *testing.T) {
	t.Parallel()
	declare := func(b *streams.Builder) streams.Table[string, length] {
		return b.Table(orders).JoinFK(b.Table(customers), customerOf, func(_, l, r string) length { return length{len(l + r)} })
	}
	b := streams.NewBuilder()
	declare(b).ToStream().ForEach(func(string, length) {})
	_, err := b.Build()
	require.NoError(t, err)

	b = streams.NewBuilder()
	counted := func(t streams.Table[string, length]) {
		t.GroupBy(func(k string, l length) (string, int64) { return k, int64(l.n) }, serde.String, serde.Int64).Count()
	}
	counted(declare(b).Materialize(serde.JSON[length]()))
	_, err = b.Build()
	require.NoError(t, err)
	_, err = b.Build()
	require.NoError(t, err, "it may be built again")

	b = streams.NewBuilder()
	streams.Register(b, serde.JSON[length]())
	counted(declare(b))
	built, err := b.Build()
	require.NoError(t, err)
	require.Contains(t, built.Describe(), "KTABLE-FK-JOIN-OUTPUT-STATE-STORE-")
}

// TestForeignKeysOverPartitions: the result is the same on one partition and on five,
// through restarts and lost disks.
func TestForeignKeysOverPartitions(t *testing.T) {
	t.Parallel()
	run := func(disturb func(*streamstest.Driver), opts ...streamstest.Option) map[string]string {
		b := streams.NewBuilder()
		b.Table(orders, streams.As("orders")).LeftJoinFK(b.Table(customers), customerOf, func(_, o string, c streams.Opt[string]) string { return o + "/" + c.V }).
			Materialize(serde.String, streams.As("joined")).ToStream().To(joined)
		d := streamstest.New(t, b, opts...)
		placed, known := streamstest.Input(d, orders), streamstest.Input(d, customers)
		for i, step := range strings.Fields("o1=a:1 o2=b:2 A=a1 o3=a:3 B=b1 o1=b:4 o4 o2 A=a2 o5=c B o6=a:6 o1=a:7 o3=b:8 A B=b2 o6") {
			k, v, sent := strings.Cut(step, "=")
			in, key := placed, k
			if k[0] != 'o' {
				in, key = known, strings.ToLower(k)
			}
			if sent {
				in.Send(key, v)
			} else {
				in.SendNull(key)
			}
			if i%3 == 0 {
				disturb(d)
			}
		}
		rows := map[string]string{}
		for e, err := range streamstest.KeyValue(d, "joined", serde.String, serde.String).All() {
			require.NoError(t, err)
			rows[e.Key] = e.Value
		}
		require.Equal(t, rows, streamstest.Latest(streamstest.Output(d, joined)))
		return rows
	}
	want := map[string]string{"o1": "a:7/", "o3": "b:8/b2", "o5": "c/"}
	require.Equal(t, want, run(func(*streamstest.Driver) {}))
	require.Equal(t, want, run((*streamstest.Driver).Restore, streamstest.WithPartitions(5)))
	require.Equal(t, want, run((*streamstest.Driver).Restart, streamstest.WithPartitions(3)))
	require.Equal(t, want, run((*streamstest.Driver).Restore, streamstest.WithPartitions(4), streamstest.WithCache(10_000)))
}

// TestGlobalTablesInTheDriver: every task sees all partitions, restarts keep them, tasks
// cannot write, and records that cannot be read are errors with their place.
func TestGlobalTablesInTheDriver(t *testing.T) {
	t.Parallel()
	numbers := streams.NewTopic("numbers", serde.String, serde.Int64)
	letters := streams.KVStore("letters", serde.String, serde.String)
	build := func() *streams.Builder {
		b := streams.NewBuilder()
		table := b.GlobalTable(numbers, streams.As("numbers"))
		b.AddGlobalStore(letters, countries, func(ctx *streams.GlobalContext) streams.Processor[string, string] {
			st := letters.In(ctx)
			return streams.ProcessorFunc[string, string](func(r streams.Record[string, string]) error { return st.Put(r.Key, r.Value) })
		}, streams.As("letters-of-countries"))
		b.Stream(orders).JoinGlobal(table, keyAndValue, func(_, v string, n int64) string { return v + string(rune('0'+n)) }).
			ProcessValues(func(ctx *streams.ValueContext[string]) streams.Processor[string, string] {
				st := letters.In(ctx)
				return streams.ProcessorFunc[string, string](func(r streams.Record[string, string]) error {
					if r.Value == "write1" {
						return st.Put("x", "y")
					}
					return ctx.Forward(r.Value)
				})
			}).To(joined)
		return b
	}
	keys := strings.Fields("a b c d e f")
	var d *streamstest.Driver
	for _, disturb := range []func(*streamstest.Driver){func(*streamstest.Driver) {}, (*streamstest.Driver).Restart, (*streamstest.Driver).Restore} {
		d = streamstest.New(t, build(), streamstest.WithPartitions(4))
		for _, k := range keys {
			streamstest.Input(d, numbers).Send(k, 1)
		}
		streamstest.Input(d, countries).Send("fr", "France")
		disturb(d)
		for _, k := range keys {
			streamstest.Input(d, orders).Send(k, "v")
		}
		require.Len(t, streamstest.Output(d, joined).ReadAll(), len(keys))
		name, ok, err := store.NewKV(readOnly(d.Store("letters")), serde.String, serde.String).Get("fr")
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, "France", name)
	}
	require.ErrorIs(t, streamstest.Input(d, orders).Try("a", "write"), store.ErrReadOnly)
	d.Restart()
	err := d.SendRaw("numbers", []byte("k"), []byte("x"))
	require.ErrorContains(t, err, "numbers/")
	require.ErrorContains(t, err, "lookups_test.go:")
	require.ErrorContains(t, d.SendRaw("nowhere", nil, nil), "numbers")
}

func readOnly(r store.Reader, _ store.Spec) store.Engine { return store.ReadOnly(r) }

// TestQueryNeedsARunningApp of the same builder.
func TestQueryNeedsARunningApp(t *testing.T) {
	t.Parallel()
	b := streams.NewBuilder()
	table := b.GlobalTable(countries)
	b.Stream(orders).JoinGlobal(table, keyAndValue, pair).ForEach(func(_, _ string) {})
	app, err := streams.New(b, streams.Config{ApplicationID: "a", Brokers: []string{"localhost:1"}, StateDir: t.TempDir()})
	require.NoError(t, err)
	_, err = table.Query(app)
	require.ErrorContains(t, err, "does not run yet")
	_, err = streams.NewBuilder().GlobalTable(countries).Query(app)
	require.ErrorContains(t, err, "does not belong to the App's builder")
	_, err = streams.GlobalTable[string, string]{}.Query(app)
	require.Error(t, err)
}

// TestWindowedTablesLookUpWindows with a record cache and without; sessions by both
// bounds.
func TestWindowedTablesLookUpWindows(t *testing.T) {
	t.Parallel()
	sum := func(_ streams.Windowed[string], l, r streams.Opt[int64]) int64 { return l.V*10 + r.V }
	key := func(w streams.Windowed[string]) string { return w.Key }
	for _, opts := range [][]streamstest.Option{nil, {streamstest.WithCache(10_000)}} {
		b := streams.NewBuilder()
		l, r := b.Stream(orders).GroupByKey(), b.Stream(payments).GroupByKey()
		w := streams.Tumbling(10 * time.Millisecond)
		l.WindowedBy(w).Count().OuterJoin(r.WindowedBy(w).Count(), sum).Materialize(serde.Int64, streams.As("j")).ToStream(key).To(totals)
		s := streams.SessionGap(5 * time.Millisecond).Grace(time.Second)
		l.SessionsBy(s).Count().Join(r.SessionsBy(s).Count(), func(_ streams.Windowed[string], l, r int64) int64 { return l*10 + r }).
			ToStream(key).To(streams.NewTopic("sessions", serde.String, serde.Int64))
		d := streamstest.New(t, b, opts...)
		placed, paid := streamstest.Input(d, orders), streamstest.Input(d, payments)
		placed.Send("k", "v", streamstest.AtMs(1))
		paid.Send("k", "v", streamstest.AtMs(1))
		placed.Send("k", "v", streamstest.AtMs(3))
		paid.Send("k", "v", streamstest.AtMs(12))
		require.Equal(t, []int64{10, 11, 21, 1}, streamstest.Output(d, totals).Values())
		sessions := streamstest.Output(d, streams.NewTopic("sessions", serde.String, serde.Int64))
		require.Equal(t, []int64{11, 0}, sessions.Values(), "a session that grows is another one")
	}
}
