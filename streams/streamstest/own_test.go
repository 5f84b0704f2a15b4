package streamstest_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/serde"
	"github.com/millrace/millrace/streams/streamstest"
)

// TestDedupAcrossTasksAndRestores: keys that were changed go through a repartition
// topic, so that equal ids meet, and the changelog alone remembers what passed.
func TestDedupAcrossTasksAndRestores(t *testing.T) {
	t.Parallel()
	b := streams.NewBuilder()
	b.Stream(lines).
		SelectKey(func(_, v string) string { return v }).
		Dedup(func(k, _ string) string { return k }, serde.String, time.Minute, streams.As("seen")).
		To(enriched)
	d := streamstest.New(t, b, streamstest.WithPartitions(4))
	in, out := streamstest.Input(d, lines), streamstest.Output(d, enriched)
	for _, k := range []string{"a", "b", "c", "d", "e"} {
		in.Send(k, "same", streamstest.AtMs(1000))
	}
	require.Equal(t, []string{"same=same"}, texts(out.ReadAll()))
	d.Restore()
	in.Send("x", "same", streamstest.AtMs(2000))
	require.True(t, out.Empty())
	in.Send("x", "same", streamstest.AtMs(61_000))
	require.Equal(t, []string{"same=same"}, texts(out.ReadAll()))
	require.NotEmpty(t, d.Messages("test-seen-changelog"))
}

// TestLateTopologiesAreNamed: what Millrace has of its own takes numbers as all the
// rest does, and a topology without it keeps Kafka Streams' names.
func TestLateTopologiesAreNamed(t *testing.T) {
	t.Parallel()
	build := func(change func(streams.WindowedGroup[string, string]) streams.WindowedGroup[string, string]) string {
		b := streams.NewBuilder()
		change(b.Stream(lines).SelectKey(func(_, v string) string { return v }).GroupByKey().
			WindowedBy(streams.Tumbling(time.Minute))).Count().ToStream(streams.WindowedKey).To(minutes)
		topology, err := b.Build()
		require.NoError(t, err)
		return topology.Describe()
	}
	plain := build(func(g streams.WindowedGroup[string, string]) streams.WindowedGroup[string, string] { return g })
	require.NotContains(t, plain, "LATE")
	late := build(func(g streams.WindowedGroup[string, string]) streams.WindowedGroup[string, string] {
		return g.OnLate(func(late streams.Stream[string, string]) { late.To(enriched) })
	})
	require.Contains(t, late, "Processor: KSTREAM-LATE-0000000007 (stores: [])\n      --> KSTREAM-SINK-0000000008\n      <-- KSTREAM-AGGREGATE-0000000003")
	require.Contains(t, late, "KSTREAM-AGGREGATE-STATE-STORE-0000000002", "what comes before keeps its names")
}

// TestLateRecordsLeaveThroughTheirOwnStream, behind a repartition topic, with their
// key.
func TestLateRecordsLeaveThroughTheirOwnStream(t *testing.T) {
	t.Parallel()
	b := streams.NewBuilder()
	b.Stream(lines).GroupBy(func(_, v string) string { return v }, serde.String).
		WindowedBy(streams.Tumbling(time.Minute)).
		OnLate(func(late streams.Stream[string, string]) {
			late.MapValues(func(v string) string { return "late " + v }).WithValueSerde(serde.String).To(enriched)
		}).
		Count().ToStream(streams.WindowedKey).To(minutes)
	d := streamstest.New(t, b)
	in := streamstest.Input(d, lines)
	in.Send("1", "a", streamstest.AtMs(120_000))
	in.Send("1", "a", streamstest.AtMs(5))
	require.Equal(t, []string{"a=late a"}, texts(streamstest.Output(d, enriched).ReadAll()))
	require.Len(t, streamstest.Output(d, minutes).ReadAll(), 1)
}

// TestOptionsForLateRecordsNeedTheRightTypes: they are faults of the builder, with
// their line.
func TestOptionsForLateRecordsNeedTheRightTypes(t *testing.T) {
	t.Parallel()
	b := streams.NewBuilder()
	wrong := streams.OnLateLeft(func(late streams.Stream[string, int64]) {})
	b.Stream(lines).Join(b.Stream(clicks), streams.Within(time.Second), func(_, l, r string) string { return l + r }, wrong)
	b.Stream(lines).Dedup(func(_, v string) string { return v }, nil, -time.Second,
		streams.OnLate[string, int64](nil), streams.WithRetention(time.Millisecond))
	_, err := b.Build()
	for _, want := range []string{
		"own_test.go", "OnLateLeft takes late records of other types than this side has; give it a func(streams.Stream[string, string])",
		"the span within -1s is shorter", "the serde of the ids is nil", "OnLate takes late records of other types",
	} {
		require.ErrorContains(t, err, want)
	}
}

// TestMapAsyncKeepsTheOrderOfItsInput, whatever ends first, with a store behind it.
func TestMapAsyncKeepsTheOrderOfItsInput(t *testing.T) {
	t.Parallel()
	b := streams.NewBuilder()
	var calls atomic.Int64
	b.Stream(lines).
		FlatMapValues(strings.Fields).
		MapAsync(func(_ context.Context, r streams.Record[string, string]) (string, error) {
			if calls.Add(1)%2 == 1 { // let others pass
				for range 100 {
					runtime.Gosched()
				}
			}
			return r.Value + "!", nil
		}, streams.Concurrency(4), streams.As("calls")).
		WithValueSerde(serde.String).
		GroupByKey().
		Reduce(func(acc, v string) string { return acc + v }, streams.As("all")).
		ToStream().
		To(enriched)
	d := streamstest.New(t, b)
	in, out := streamstest.Input(d, lines), streamstest.Output(d, enriched)
	in.Send("k", "a b c d e f g h")
	require.Equal(t, []string{"k=a!", "k=a!b!", "k=a!b!c!", "k=a!b!c!d!", "k=a!b!c!d!e!", "k=a!b!c!d!e!f!", "k=a!b!c!d!e!f!g!", "k=a!b!c!d!e!f!g!h!"}, texts(out.ReadAll()))
	d.Restore()
	in.Send("k", "i")
	require.Equal(t, []string{"k=a!b!c!d!e!f!g!h!i!"}, texts(out.ReadAll()))
}

// TestMapAsyncInARow: what the first releases, the second calls for.
func TestMapAsyncInARow(t *testing.T) {
	t.Parallel()
	mark := func(m string) func(context.Context, streams.Record[string, string]) (string, error) {
		return func(_ context.Context, r streams.Record[string, string]) (string, error) { return r.Value + m, nil }
	}
	b := streams.NewBuilder()
	b.Stream(lines).MapAsync(mark("1")).MapAsync(mark("2")).WithValueSerde(serde.String).To(enriched)
	d := streamstest.New(t, b)
	streamstest.Input(d, lines).Send("k", "v")
	require.Equal(t, []string{"k=v12"}, texts(streamstest.Output(d, enriched).ReadAll()))
	topology, err := b.Build()
	require.NoError(t, err)
	require.Contains(t, topology.Describe(), "Processor: KSTREAM-MAPASYNC-0000000001 (stores: [])\n      --> KSTREAM-MAPASYNC-0000000002")
}

func TestOptionsOfMapAsyncAreChecked(t *testing.T) {
	t.Parallel()
	b := streams.NewBuilder()
	b.Stream(lines, streams.IdleAfter(0)).MapAsync[string](nil, streams.Concurrency(0), streams.Timeout(-1), streams.Retry(-1, 0))
	_, err := b.Build()
	for _, want := range []string{"the function is nil", "the concurrency 0", "the timeout -1ns", "-1 retries", "the time 0s after which"} {
		require.ErrorContains(t, err, want)
	}
}

// TestIncompleteAggregatorsAreFaults of the builder, in each kind of group.
func TestIncompleteAggregatorsAreFaults(t *testing.T) {
	t.Parallel()
	b := streams.NewBuilder()
	g := b.Stream(lines).GroupByKey()
	broken := streams.Aggregator[string, string, int64]{}
	unmerged := streams.Aggregator[string, string, int64]{Init: func() int64 { return 0 }, Add: func(_, _ string, n int64) int64 { return n }, Serde: serde.Int64}
	g.AggregateBy(broken)
	g.WindowedBy(streams.Tumbling(time.Minute)).AggregateBy(broken)
	g.SessionsBy(streams.SessionGap(time.Minute)).AggregateBy(unmerged)
	_, err := b.Build()
	require.Equal(t, 3, strings.Count(fmt.Sprint(err), "the aggregator is not complete"), "%v", err)
}

// TestRowsExpireWithStreamTime: a tombstone in the changelog, a deletion below, and
// nothing is found any more; also after a restore, with caches and without.
func TestRowsExpireWithStreamTime(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]streamstest.Option{"plain": nil, "cached": {streamstest.WithCache(1 << 20)}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := streams.NewBuilder()
			b.Table(users, streams.As("names"), streams.TTL(16*time.Second)).ToStream().To(enriched)
			d := streamstest.New(t, b, opts...)
			in, out := streamstest.Input(d, users), streamstest.Output(d, enriched)
			in.Send("u-1", "Ann", streamstest.AtMs(1000))
			in.Send("u-2", "Bob", streamstest.AtMs(10_000))
			d.Restore()
			require.Equal(t, []string{"u-1=Ann", "u-2=Bob"}, texts(out.ReadAll()))
			in.Send("u-3", "Cid", streamstest.AtMs(20_000))
			require.Equal(t, []string{"u-3=Cid", "u-1=-"}, texts(out.ReadAll()))
			names := streamstest.KeyValue(d, "names", serde.String, serde.String)
			_, _, ok, err := names.Get("u-1")
			require.NoError(t, err)
			require.False(t, ok)
			_, _, ok, err = names.Get("u-2")
			require.NoError(t, err)
			require.True(t, ok)
			log := d.Messages("test-names-changelog")
			require.Nil(t, log[len(log)-1].Value)
			require.Equal(t, "u-1", string(log[len(log)-1].Key))
			d.Restore()
			in.Send("u-4", "Dan", streamstest.AtMs(40_000))
			require.Equal(t, []string{"u-4=Dan", "u-2=-", "u-3=-"}, texts(out.ReadAll()))
		})
	}
}

// TestWhereAggregatesExpire, a count begins anew.
func TestWhereAggregatesExpire(t *testing.T) {
	t.Parallel()
	b := streams.NewBuilder()
	b.Stream(lines).GroupByKey().Count(streams.TTL(time.Minute)).ToStream().To(counts)
	d := streamstest.New(t, b)
	in, out := streamstest.Input(d, lines), streamstest.Output(d, counts)
	for _, at := range []int64{0, 50_000, 200_000, 210_000} {
		in.Send("k", "v", streamstest.AtMs(at))
	}
	require.Equal(t, []string{"k=1", "k=2", "k=3", "k=4"}, texts(out.ReadAll()), "the record that moves time comes first")
	in.Send("other", "v", streamstest.AtMs(400_000))
	in.Send("k", "v", streamstest.AtMs(400_001))
	require.Equal(t, []string{"other=1", "k=-", "k=1"}, texts(out.ReadAll()))
}

// TestStoresOfProcessorsExpire, too.
func TestStoresOfProcessorsExpire(t *testing.T) {
	t.Parallel()
	seen := streams.TimestampedKVStore("seen", serde.String, serde.String, streams.TTL(time.Second))
	b := streams.NewBuilder()
	b.Stream(lines).ProcessValues(func(ctx *streams.ValueContext[string]) streams.Processor[string, string] {
		st := seen.In(ctx)
		return streams.ProcessorFunc[string, string](func(r streams.Record[string, string]) error {
			v, _, _, err := st.Get("a")
			if err == nil {
				err = ctx.Forward("a was " + v)
			}
			if err != nil {
				return err
			}
			return st.Put(r.Key, r.Value, r.Time)
		})
	}, streams.Uses(seen)).WithValueSerde(serde.String).To(enriched)
	d := streamstest.New(t, b)
	in := streamstest.Input(d, lines)
	in.Send("a", "1", streamstest.AtMs(0))
	in.Send("b", "2", streamstest.AtMs(900))
	in.Send("b", "3", streamstest.AtMs(2000))
	in.Send("b", "4", streamstest.AtMs(2001))
	require.Equal(t, []string{"a=a was ", "b=a was 1", "b=a was 1", "b=a was "}, texts(streamstest.Output(d, enriched).ReadAll()))
}

func TestWhereATTLMakesNoSense(t *testing.T) {
	t.Parallel()
	b := streams.NewBuilder()
	b.Stream(lines).GroupByKey().WindowedBy(streams.Tumbling(time.Minute)).Count(streams.TTL(time.Hour))
	b.Table(users, streams.As("t"), streams.TTL(-1))
	b.Table(clicks).GroupBy(func(k, v string) (string, string) { return v, k }, serde.String, serde.String).Count(streams.TTL(time.Hour))
	_, err := b.Build()
	for _, want := range []string{"only tables and timestamped key-value stores have a TTL", "the TTL -1ns is not positive", "cannot have a TTL"} {
		require.ErrorContains(t, err, want)
	}
}

// TestHandlersDecideAboutCalls that failed for good, with the record they were made for.
func TestHandlersDecideAboutCalls(t *testing.T) {
	t.Parallel()
	b := streams.NewBuilder()
	b.Stream(lines).MapAsync(func(_ context.Context, r streams.Record[string, string]) (string, error) {
		if r.Value == "bad" {
			return "", errors.New("no answer")
		}
		return r.Value, nil
	}).WithValueSerde(serde.String).To(enriched)
	var failures []streams.Failure
	config := streams.Config{OnFailure: func(f streams.Failure) streams.Decision {
		failures = append(failures, f)
		if f.Attempt < 3 {
			return streams.TryAgain
		}
		return streams.Continue
	}}
	d := streamstest.New(t, b, streamstest.WithHandlers(config))
	in := streamstest.Input(d, lines)
	for _, v := range []string{"a", "bad", "c"} {
		in.Send("k", v)
	}
	require.Equal(t, []string{"k=a", "k=c"}, texts(streamstest.Output(d, enriched).ReadAll()))
	require.Len(t, failures, 3)
	f := failures[2]
	require.Equal(t, "k=bad", string(f.Key)+"="+string(f.Value))
	require.EqualValues(t, 1, f.Offset)
	require.Equal(t, "KSTREAM-MAPASYNC-0000000001", f.Operator)
	require.ErrorContains(t, f, "no answer")
	require.Equal(t, map[streamstest.Skip]int{{Operator: f.Operator, Reason: "failed"}: 1}, d.Skipped())
}
