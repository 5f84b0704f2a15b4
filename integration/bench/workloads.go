package main

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/serde"
)

// Where the fields of a small value are.
const (
	groupFrom, groupTo = 23, 33
	okAt               = 56
)

// meter sees every input record at the place where it is used up, and knows when the
// first of them came. It is shared by all workers.
type meter struct {
	// tick is called for each record; it must cost next to nothing.
	counts []paddedCount
	first  atomic.Int64
	begun  func()
}

// paddedCount has a cache line of its own, so that workers do not share one.
type paddedCount struct {
	n atomic.Int64
	_ [56]byte
}

func newMeter(begun func()) *meter { return &meter{counts: make([]paddedCount, 16), begun: begun} }

// tick counts one record; spread is anything that differs between tasks.
func (m *meter) tick(spread byte) {
	c := &m.counts[spread&15]
	if c.n.Add(1) == 1 && m.first.CompareAndSwap(0, 1) {
		m.begun()
	}
}

func (m *meter) total() (n int64) {
	for i := range m.counts {
		n += m.counts[i].n.Load()
	}
	return n
}

// job is one workload, ready to be run.
type job struct {
	builder *streams.Builder
	// inputs are what it reads, the first one ticks.
	inputs []dataset
	// records is how many ticks end it.
	records int64
	// output is the topic it writes, changelog the store's, if it has one.
	output, changelog string
	check             func(outputs) error
}

// options of a workload.
type options struct {
	codec string
	// cached leaves record caches on.
	cached bool
	// sets replaces the data, for runs of reduced size.
	sets map[string]dataset
	// input, output replace the topics, for latency.
	input, output string
}

func (o options) topic(set string) streams.Topic[string, []byte] {
	name := o.sets[set].in(o.codec)
	if o.input != "" {
		name = o.input
	}
	return streams.NewTopic(name, serde.String, serde.Bytes)
}

func (o options) store() []streams.StoreOption {
	if o.cached {
		return []streams.StoreOption{streams.As("store")}
	}
	return []streams.StoreOption{streams.As("store"), streams.NoCache()}
}

// workload declares the topology of a name and says what must come out of it.
type workload func(o options, m *meter, out string) job

// workloads by name: the peer's.
func workloads() map[string]workload {
	return map[string]workload{
		"stateless":   stateless,
		"map":         mapping,
		"count":       counting("small"),
		"count-large": counting("large"),
		"count-eos":   counting("small"),
		"window":      windowing,
		"repartition": repartitioning,
		"join-table":  joiningTable,
		"join-stream": joiningStreams,
	}
}

func stateless(o options, m *meter, out string) job {
	b, set := streams.NewBuilder(), o.sets["small"]
	b.Stream(o.topic("small")).
		Filter(func(k string, v []byte) bool { m.tick(k[len(k)-1]); return v[okAt] == '1' }).
		MapValues(upper).
		To(streams.NewTopic(out, serde.String, serde.Bytes))
	return job{builder: b, inputs: []dataset{set}, records: set.records, check: checkUpper(set, true)}
}

func mapping(o options, m *meter, out string) job {
	b, set := streams.NewBuilder(), o.sets["small"]
	b.Stream(o.topic("small")).
		MapValues(func(v []byte) []byte { m.tick(v[14]); return upper(v) }).
		To(streams.NewTopic(out, serde.String, serde.Bytes))
	return job{builder: b, inputs: []dataset{set}, records: set.records, check: checkUpper(set, false)}
}

func counting(name string) workload {
	return func(o options, m *meter, out string) job {
		b, set := streams.NewBuilder(), o.sets[name]
		b.Stream(o.topic(name)).
			GroupByKey().
			Aggregate(zero, func(k string, _ []byte, n int64) int64 { m.tick(k[len(k)-1]); return n + 1 }, serde.Int64, o.store()...).
			ToStream().
			To(streams.NewTopic(out, serde.String, serde.Int64))
		return job{builder: b, inputs: []dataset{set}, records: set.records, changelog: "store", check: checkCounts(set, set.keyNo, o.cached)}
	}
}

func windowing(o options, m *meter, out string) job {
	b, set := streams.NewBuilder(), o.sets["small"]
	b.Stream(o.topic("small")).
		GroupByKey().
		WindowedBy(streams.Tumbling(time.Minute).Grace(30*time.Second)).
		Aggregate(zero, func(k string, _ []byte, n int64) int64 { m.tick(k[len(k)-1]); return n + 1 }, serde.Int64, o.store()...).
		ToStream(func(w streams.Windowed[string]) string { return w.Key }).
		To(streams.NewTopic(out, serde.String, serde.Int64))
	return job{builder: b, inputs: []dataset{set}, records: set.records, changelog: "store", check: checkWindows(set, o.cached)}
}

func repartitioning(o options, m *meter, out string) job {
	b, set := streams.NewBuilder(), o.sets["small"]
	b.Stream(o.topic("small")).
		GroupBy(func(_ string, v []byte) string { return string(v[groupFrom:groupTo]) }, serde.String).
		Aggregate(zero, func(k string, _ []byte, n int64) int64 { m.tick(k[len(k)-1]); return n + 1 }, serde.Int64, o.store()...).
		ToStream().
		To(streams.NewTopic(out, serde.String, serde.Int64))
	return job{builder: b, inputs: []dataset{set}, records: set.records, changelog: "store", check: checkCounts(set, set.group, o.cached)}
}

func joiningTable(o options, m *meter, out string) job {
	b, set := streams.NewBuilder(), o.sets["small"]
	table := b.Table(streams.NewTopic(o.sets["table"].in(o.codec), serde.String, serde.Bytes), streams.As("store"))
	b.Stream(o.topic("small")).
		Peek(func(r streams.Record[string, []byte]) { m.tick(r.Key[len(r.Key)-1]) }).
		JoinTable(table, func(_ string, l, r []byte) []byte { return concat(l, r) }).
		To(streams.NewTopic(out, serde.String, serde.Bytes))
	return job{builder: b, inputs: []dataset{set, o.sets["table"]}, records: set.records, changelog: "store", check: checkTableJoin(set, o.sets["table"])}
}

func joiningStreams(o options, m *meter, out string) job {
	b, l, r := streams.NewBuilder(), o.sets["left"], o.sets["right"]
	tick := func(r streams.Record[string, []byte]) { m.tick(r.Key[len(r.Key)-1]) }
	left := b.Stream(o.topic("left")).Peek(tick)
	right := b.Stream(o.topic("right")).Peek(tick)
	left.Join(right, streams.Within(time.Minute).Grace(10*time.Minute), func(_ string, a, b []byte) []byte { return concat(a, b) }).
		To(streams.NewTopic(out, serde.String, serde.Bytes))
	return job{builder: b, inputs: []dataset{l, r}, records: l.records + r.records, check: checkStreamJoin(l, r)}
}

func zero() int64 { return 0 }

func upper(v []byte) []byte {
	o := make([]byte, len(v))
	for i, c := range v {
		if c >= 'a' && c <= 'z' {
			c -= 'a' - 'A'
		}
		o[i] = c
	}
	return o
}

func concat(l, r []byte) []byte {
	o := make([]byte, 0, len(l)+len(r))
	return append(append(o, l...), r...)
}

// named finds a workload.
func named(name string) (workload, error) {
	if w, ok := workloads()[name]; ok {
		return w, nil
	}
	return nil, fmt.Errorf("no workload %q; there are: %s", name, workloadNames)
}

// workloadNames is in the order in which they are shown.
const workloadNames = "stateless map count count-cache count-large window repartition join-table join-stream count-eos"
