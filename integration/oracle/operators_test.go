package oracle

import (
	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/record"
	"github.com/millrace/millrace/streams/serde"
)

// onStream has the operations for which the key must be a plain one.
func (in *interpreter) onStream(o op, s stream) (any, error) {
	switch o.Op {
	case "toTable":
		return s.ToTable(in.stores(o)...), nil
	case "process", "processValues":
		return in.process(o, s), nil
	case "flatMap":
		out := in.v.Types[o.ID]
		return s.FlatMap(o.Fn.flatMap, opts[streams.NodeOption](name(o))...).WithKeySerde(datum{out.Key}).WithValueSerde(datum{out.Value}), nil
	case "groupByKey":
		return s.GroupByKey(opts[streams.RepartitionOption](name(o))...), nil
	case "join", "leftJoin", "outerJoin":
		return in.joinStream(o, s)
	}
	return onAnyStream(in, o, s, func(k *val) *val { return k }, datum{in.v.Types[o.In].Key})
}

// onAnyStream has the operations that plain and windowed keys share; key makes
// the registry's value of a key.
func onAnyStream[K any](in *interpreter, o op, s streams.Stream[K, *val], key func(K) *val, ks serde.Serde[K]) (any, error) {
	n := opts[streams.NodeOption](name(o))
	out := in.v.Types[o.ID]
	if made, done := onFlow(in, o, s, key, ks); done {
		return made, nil
	}
	test := func(k K, v *val) bool { return o.Pred.test(key(k), v) }
	switch o.Op {
	case "to":
		s.To(streams.NewTopic(o.Topic, ks, datum{in.v.Types[o.In].Value}), opts[streams.SinkOption](name(o))...)
		return nil, nil
	case "filter":
		return s.Filter(test, n...), nil
	case "filterNot":
		return s.FilterNot(test, n...), nil
	case "peek":
		return s.Peek(func(record.Record[K, *val]) {}, n...), nil
	case "foreach":
		s.ForEach(func(K, *val) {}, n...)
		return nil, nil
	case "mapValues":
		return s.MapValuesKeyed(func(k K, v *val) *val { return o.Fn.mapValue(key(k), v) }, n...).WithValueSerde(datum{out.Value}), nil
	case "map":
		mapped := s.Map(func(k K, v *val) (*val, *val) { return o.Fn.mapPair(key(k), v) }, n...)
		return mapped.WithKeySerde(datum{out.Key}).WithValueSerde(datum{out.Value}), nil
	case "selectKey":
		return s.SelectKey(func(k K, v *val) *val { return o.Fn.selectKey(key(k), v) }, n...).WithKeySerde(datum{out.Key}), nil
	case "groupBy":
		return s.GroupBy(func(k K, v *val) *val { return o.Fn.selectKey(key(k), v) }, datum{out.Key}, opts[streams.RepartitionOption](name(o))...), nil
	}
	return nil, unsupported(o.Op + " on a stream")
}

func (in *interpreter) onGrouped(o op, g grouped) (any, error) {
	o = countAsAggregate(o)
	out := in.v.Types[o.ID]
	switch o.Op {
	case "windowedBy":
		return in.windowedBy(o, g)
	case "cogroup":
		return g.Cogroup(o.Adder.add), nil
	case "reduce":
		return g.Reduce(o.Reducer.reduce, in.stores(o)...), nil
	case "aggregate":
		return g.Aggregate(o.Init.initial, o.Adder.add, datum{out.Value}, in.stores(o)...), nil
	}
	return nil, unsupported(o.Op + " on a group")
}

func (in *interpreter) onWindowed(o op, g winGroup) (any, error) {
	o = countAsAggregate(o)
	switch o.Op {
	case "reduce":
		return g.Reduce(o.Reducer.reduce, in.stores(o)...), nil
	case "aggregate":
		o.counts = o.counts && in.v.made(o.In).Window.Type != "sliding" // those spare none
		return g.Aggregate(o.Init.initial, o.Adder.add, datum{in.v.Types[o.ID].Value}, in.stores(o)...), nil
	}
	return nil, unsupported(o.Op + " on a windowed group")
}

func (in *interpreter) onSessions(o op, g sessGroup) (any, error) {
	o = countAsAggregate(o)
	switch o.Op {
	case "reduce":
		return g.Reduce(o.Reducer.reduce, in.stores(o)...), nil
	case "aggregate":
		return g.Aggregate(o.Init.initial, o.Adder.add, o.Merger.merge, datum{in.v.Types[o.ID].Value}, in.stores(o)...), nil
	}
	return nil, unsupported(o.Op + " on a session group")
}

// countAsAggregate keeps the interpreter to one value type: a count is the
// aggregate that it is in Kafka Streams too, under the same names; but where it is
// given a Materialized without a name, as the vectors always do, it takes a spare one.
func countAsAggregate(o op) op {
	if o.Op == "count" {
		o.Op, o.Init.F, o.Adder.F, o.Merger.F, o.counts = "aggregate", "zero", "count", "sum", true
	}
	return o
}
