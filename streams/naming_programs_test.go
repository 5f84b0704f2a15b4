package streams_test

import (
	"io"
	"time"

	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/serde"
)

// programs are those of the JVM's list that the DSL can express, in Go.
var programs = map[string]func(b builder){
	"stream filter map to": func(b builder) {
		b.Stream(text("a")).Filter(always).Map(func(k, v string) (string, string) { return k, v }).To(text("z"))
	},
	"stream every stateless op": func(b builder) {
		x := b.Stream(text("a")).FilterNot(always).MapValues(same).
			FlatMapValues(func(v string) []string { return []string{v} }).
			FlatMap(func(k, v string, yield func(string, string)) { yield(k, v) }).
			SelectKey(value).
			Peek(func(streams.Record[string, string]) {})
		x.Merge(b.Stream(text("b"))).Print(io.Discard, "")
		x.ForEach(func(_, _ string) {})
	},
	"table unmaterialised":     func(b builder) { b.Table(text("a")).ToStream().To(text("z")) },
	"table materialised named": func(b builder) { b.Table(text("a"), streams.As("st")).ToStream().To(text("z")) },
	"table Consumed.as":        func(b builder) { b.Table(text("a"), streams.AsOperator("src")).ToStream().To(text("z")) },
	"table filter mapValues": func(b builder) {
		b.Table(text("a")).Filter(always).MapValues(same).ToStream().To(text("z"))
	},
	"groupByKey count":              func(b builder) { b.Stream(text("a")).GroupByKey().Count() },
	"groupByKey count Named":        func(b builder) { b.Stream(text("a")).GroupByKey().Count(streams.AsOperator("cnt")) },
	"groupByKey count Materialized": func(b builder) { b.Stream(text("a")).GroupByKey().Count(streams.As("st")) },
	"groupBy count":                 func(b builder) { byValue(b).Count() },
	"groupBy Grouped.as count":      func(b builder) { byValue(b, streams.As("grp")).Count() },
	"groupBy Grouped.as count Materialized": func(b builder) {
		byValue(b, streams.As("grp")).Count(streams.As("st"))
	},
	"groupBy reduce":    func(b builder) { byValue(b).Reduce(last) },
	"groupBy aggregate": func(b builder) { byValue(b).Aggregate(empty, keep, serde.String) },
	"groupBy twice on one grouped stream": func(b builder) {
		g := byValue(b)
		g.Count()
		g.Reduce(last)
	},
	"window count": func(b builder) { b.Stream(text("a")).GroupByKey().WindowedBy(windows).Count() },
	"window count named": func(b builder) {
		b.Stream(text("a")).GroupByKey().WindowedBy(windows).Count(streams.AsOperator("wc"), streams.As("ws"))
	},
	"window count retention": func(b builder) {
		b.Stream(text("a")).GroupByKey().WindowedBy(windows).Count(streams.As("ws"), streams.WithRetention(2*time.Hour))
	},
	"session count": func(b builder) {
		b.Stream(text("a")).GroupByKey().SessionsBy(streams.SessionGap(10 * time.Second).Grace(5 * time.Second)).Count()
	},
	"session aggregate groupBy": func(b builder) {
		byValue(b).SessionsBy(streams.SessionGap(10*time.Second)).Aggregate(empty, keep, keep, serde.String)
	},
	"stream table join": func(b builder) {
		b.Stream(text("a")).JoinTable(b.Table(text("b")), join).To(text("z"))
	},
	"stream table join repartitioned": func(b builder) {
		b.Stream(text("a")).SelectKey(value).LeftJoinTable(b.Table(text("b")), leftJoin).To(text("z"))
	},
	"stream table join Joined.as repartitioned": func(b builder) {
		b.Stream(text("a")).SelectKey(value).JoinTable(b.Table(text("b")), join, streams.As("jn")).To(text("z"))
	},
	"two independent sub-topologies": func(b builder) {
		b.Stream(text("a")).To(text("y"))
		b.Stream(text("b")).GroupBy(value, serde.String).Count().ToStream().To(streams.NewTopic("z", serde.String, serde.Int64))
	},
	"selectKey then count twice": func(b builder) {
		x := b.Stream(text("a")).SelectKey(value)
		x.GroupByKey().Count()
		x.GroupByKey().Reduce(last)
	},
	"split branches": func(b builder) {
		s := b.Stream(text("a")).Split()
		s.Branch(always)
		s.Branch(always)
		s.Rest()
	},
	"split named branches": func(b builder) {
		s := b.Stream(text("a")).Split(streams.As("sp-"))
		s.Branch(always, streams.As("x"))
		s.Branch(always)
		s.Rest(streams.As("d"))
	},
	"table filter materialised": func(b builder) {
		b.Table(text("a")).Filter(always).Materialize(serde.String, streams.As("f")).ToStream().To(text("z"))
	},
	"table mapValues Materialized.with": func(b builder) {
		b.Table(text("a")).MapValues(same).Materialize(serde.String).ToStream().To(text("z"))
	},
	"stream toTable":           func(b builder) { b.Stream(text("a")).ToTable().ToStream().To(text("z")) },
	"stream selectKey toTable": func(b builder) { rekeyed(b, "a").ToTable().ToStream().To(text("z")) },
	"stream toTable named": func(b builder) {
		rekeyed(b, "a").ToTable(streams.AsOperator("tt"), streams.As("ts")).ToStream().To(text("z"))
	},
	"window aggregate emit final": func(b builder) {
		b.Stream(text("a")).GroupByKey().WindowedBy(streams.Tumbling(10*time.Second)).EmitOnClose().Aggregate(empty, keep, serde.String)
	},
	"sliding reduce": func(b builder) {
		b.Stream(text("a")).GroupByKey().WindowedBy(streams.Sliding(10 * time.Second).Grace(5 * time.Second)).Reduce(last)
	},
	"cogroup": func(b builder) {
		b.Stream(text("a")).GroupByKey().Cogroup(keep).With(b.Stream(text("b")).GroupByKey(), keep).Aggregate(empty, serde.String)
	},
	"cogroup repartitioned": func(b builder) {
		byValue(b).Cogroup(keep).With(b.Stream(text("b")).GroupByKey(), keep).
			Aggregate(empty, serde.String, streams.AsOperator("cg"), streams.As("cgs"))
	},
	"stream join":      func(b builder) { b.Stream(text("a")).Join(b.Stream(text("b")), near, join).To(text("z")) },
	"stream leftJoin":  func(b builder) { b.Stream(text("a")).LeftJoin(b.Stream(text("b")), near, leftJoin).To(text("z")) },
	"stream outerJoin": func(b builder) { b.Stream(text("a")).OuterJoin(b.Stream(text("b")), near, outerJoin).To(text("z")) },
	"stream join withName": func(b builder) {
		b.Stream(text("a")).Join(b.Stream(text("b")), near, join, streams.As("jn"), streams.WithJoinStores("st")).To(text("z"))
	},
	"stream join both repartitioned": func(b builder) {
		rekeyed(b, "a").Join(rekeyed(b, "b"), near, join).To(text("z"))
	},
	"stream join both repartitioned withName": func(b builder) {
		rekeyed(b, "a").Join(rekeyed(b, "b"), near, join, streams.As("jn")).To(text("z"))
	},
	"stream self join": func(b builder) {
		x := b.Stream(text("a"))
		x.Join(x, near, join).To(text("z"))
	},
	"stream table join grace unnamed": func(b builder) {
		a := b.Stream(text("a"))
		v := b.Table(text("b"), streams.As("v"), streams.WithHistory(5*time.Minute))
		a.JoinTable(v, join, streams.WithGrace(3*time.Second)).To(text("z"))
	},
	"stream globaltable join": func(b builder) {
		b.Stream(text("a")).JoinGlobal(b.GlobalTable(text("b")), func(k, _ string) string { return k }, join).To(text("z"))
	},
	"table join": func(b builder) { b.Table(text("a")).Join(b.Table(text("b")), join).ToStream().To(text("z")) },
	"table outerJoin named": func(b builder) {
		b.Table(text("a")).OuterJoin(b.Table(text("b")), outerJoin, streams.As("tj")).
			Materialize(serde.String, streams.As("tjs")).ToStream().To(text("z"))
	},
	"table fk join": func(b builder) {
		b.Table(text("a")).JoinFK(b.Table(text("b")), foreign, join).ToStream().To(text("z"))
	},
	"table fk join named": func(b builder) {
		b.Table(text("a")).LeftJoinFK(b.Table(text("b")), foreign, leftJoin, streams.As("fk")).
			Materialize(serde.String, streams.As("fks")).ToStream().To(text("z"))
	},
	"table groupBy count": func(b builder) { regrouped(b).Count() },
	"table groupBy Grouped.as reduce named": func(b builder) {
		regrouped(b, streams.As("g")).Reduce(last, last, streams.AsOperator("r"), streams.As("rs"))
	},
	"suppress": func(b builder) {
		b.Table(text("a")).Suppress(streams.UntilTimeLimit(time.Second), streams.MaxRecords(5)).ToStream().To(text("z"))
	},
	"suppress named": func(b builder) {
		b.Table(text("a")).Suppress(streams.UntilTimeLimit(time.Second), streams.MaxRecords(5), streams.As("sup")).ToStream().To(text("z"))
	},
	"repartition": func(b builder) { b.Stream(text("a")).Repartition().To(text("z")) },
	"repartition named 5 partitions": func(b builder) {
		b.Stream(text("a")).Repartition(streams.As("rp"), streams.WithPartitions(5)).To(text("z"))
	},
	"table transformValues": func(b builder) {
		b.Table(text("a")).TransformValues(func(*streams.TransformContext) func(string, streams.Opt[string]) (streams.Opt[string], error) {
			return func(_ string, v streams.Opt[string]) (streams.Opt[string], error) { return v, nil }
		}).ToStream().To(text("z"))
	},
	"process and processValues": func(b builder) {
		b.Stream(text("a")).
			ProcessValues(func(*streams.ValueContext[string]) streams.Processor[string, string] { return ignore }).
			Process(func(*streams.Context[string, string]) streams.Processor[string, string] { return ignore }).
			To(text("z"))
	},
	"pattern source": func(b builder) { b.StreamMatching("a.*", serde.String, serde.String).To(text("z")) },
}

var (
	outerJoin = func(_ string, l, r streams.Opt[string]) string { return l.V + r.V }
	foreign   = func(_, v string) (string, bool) { return v, true }
	ignore    = streams.ProcessorFunc[string, string](func(streams.Record[string, string]) error { return nil })
)

func rekeyed(b builder, topic string) streams.Stream[string, string] {
	return b.Stream(text(topic)).SelectKey(value)
}

func regrouped(b builder, opts ...streams.RepartitionOption) streams.GroupedTable[string, string] {
	return b.Table(text("a")).GroupBy(func(_, v string) (string, string) { return v, v }, serde.String, serde.String, opts...)
}
