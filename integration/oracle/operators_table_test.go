package oracle

import (
	"strings"

	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/record"
)

type groupedTable = streams.GroupedTable[*val, *val]

// tableOp are the fields that only operations of tables and joins have.
type tableOp struct {
	Subtractor fn  `json:"subtractor"`
	FK         *fn `json:"fk"`
	// KeySelector makes the key to look up in a global table.
	KeySelector fn         `json:"key_selector"`
	GraceMS     *int64     `json:"grace_ms"`
	Until       string     `json:"until"`
	LimitMS     int64      `json:"limit_ms"`
	Buffer      *buffering `json:"buffer"`
}

// buffering is the buffer of a suppress.
type buffering struct {
	MaxRecords *int   `json:"max_records"`
	MaxBytes   *int   `json:"max_bytes"`
	Full       string `json:"full"`
	Logging    *bool  `json:"logging"`
}

// suppression gives the arguments of a suppress.
func suppression(o op) (e streams.Emission, out []streams.SuppressOption) {
	out = opts[streams.SuppressOption](name(o))
	e = streams.UntilTimeLimit(ms(o.LimitMS))
	if o.Until == "window_closes" {
		e = streams.UntilWindowCloses()
	}
	b := o.Buffer
	if b == nil {
		return e, out
	}
	if b.MaxRecords != nil {
		out = append(out, streams.MaxRecords(*b.MaxRecords))
	}
	if b.MaxBytes != nil {
		out = append(out, streams.MaxBytes(*b.MaxBytes))
	}
	if b.Full == "shut_down" {
		out = append(out, streams.FailWhenFull())
	}
	if b.Logging != nil && !*b.Logging {
		out = append(out, streams.WithoutBufferLogging())
	}
	return e, out
}

// onTable has the operations of tables with plain keys.
func (in *interpreter) onTable(o op, t table) (any, error) {
	n := opts[streams.NodeOption](name(o))
	switch o.Op {
	case "transformValues":
		return in.transformValues(o, t), nil
	case "filter":
		return in.keep(o, t.Filter(o.Pred.test, n...)), nil
	case "filterNot":
		return in.keep(o, t.FilterNot(o.Pred.test, n...)), nil
	case "mapValues":
		if strings.HasPrefix(o.Fn.F, "key_") {
			return in.keep(o, t.MapValuesKeyed(o.Fn.mapValue, n...)), nil
		}
		return in.keep(o, t.MapValues(func(v *val) *val { return o.Fn.mapValue(nil, v) }, n...)), nil
	case "toStream":
		s := t.ToStream(n...).WithValueSerde(datum{in.v.Types[o.ID].Value})
		if o.Fn.F != "" {
			return s.SelectKey(o.Fn.selectKey).WithKeySerde(datum{in.v.Types[o.ID].Key}), nil
		}
		return s, nil
	case "groupBy":
		out := in.v.Types[o.ID]
		return t.GroupBy(o.Fn.mapPair, datum{out.Key}, datum{out.Value}, opts[streams.RepartitionOption](name(o))...), nil
	case "suppress":
		e, more := suppression(o)
		return t.Suppress(e, more...), nil
	case "join", "leftJoin", "outerJoin":
		if o.FK != nil {
			return joinForeign(in, o, t, func(k *val) *val { return k })
		}
		if with, ok := in.nodes[o.With].(table); ok {
			return in.keep(o, joinTables(o, t, with)), nil
		}
	}
	return nil, unsupported(o.Op + " on a table")
}

// keep materializes a step if the program does.
func (in *interpreter) keep(o op, t table) table {
	if o.Materialized == nil {
		return t
	}
	o.Name = "" // the operator has it already
	return t.Materialize(datum{in.v.Types[o.ID].Value}, in.stores(o)...)
}

func joinTables(o op, t, with table) table {
	n := opts[streams.JoinOption](name(o))
	switch o.Op {
	case "join":
		return t.Join(with, o.Joiner.join, n...)
	case "leftJoin":
		return t.LeftJoin(with, func(k, l *val, r record.Opt[*val]) *val { return o.Joiner.join(k, l, r.V) }, n...)
	}
	return t.OuterJoin(with, func(k *val, l, r record.Opt[*val]) *val { return o.Joiner.join(k, l.V, r.V) }, n...)
}

// onGroupedTable has the aggregations of regrouped tables.
func (in *interpreter) onGroupedTable(o op, g groupedTable) (any, error) {
	if o.Op == "count" {
		o.Op, o.Init.F, o.Adder.F, o.Subtractor.F = "aggregate", "zero", "count", "count_down"
	}
	switch o.Op {
	case "reduce":
		return g.Reduce(o.Reducer.reduce, o.Subtractor.reduce, in.stores(o)...), nil
	case "aggregate":
		return g.Aggregate(o.Init.initial, o.Adder.add, o.Subtractor.add, datum{in.v.Types[o.ID].Value}, in.stores(o)...), nil
	}
	return nil, unsupported(o.Op + " on a grouped table")
}

func (in *interpreter) onWindowedTable(o op, w winTable) (any, error) {
	n := opts[streams.NodeOption](name(o))
	out := in.v.Types[o.ID]
	test := func(k streams.Windowed[*val], v *val) bool { return o.Pred.test(windowed(k), v) }
	switch o.Op {
	case "filter":
		return in.keepWindows(o, w.Filter(test, n...)), nil
	case "filterNot":
		return in.keepWindows(o, w.FilterNot(test, n...)), nil
	case "mapValues":
		return in.keepWindows(o, w.MapValuesKeyed(func(k streams.Windowed[*val], v *val) *val { return o.Fn.mapValue(windowed(k), v) }, n...)), nil
	case "join", "leftJoin", "outerJoin":
		if o.FK != nil {
			return joinForeign(in, o, streams.TableOf(w), windowed)
		}
		if with, ok := in.nodes[o.With].(winTable); ok {
			return in.keepWindows(o, joinWindows(o, w, with)), nil
		}
	case "groupBy":
		f := func(k streams.Windowed[*val], v *val) (*val, *val) { return o.Fn.mapPair(windowed(k), v) }
		return w.GroupBy(f, datum{out.Key}, datum{out.Value}, opts[streams.RepartitionOption](name(o))...), nil
	case "suppress":
		e, more := suppression(o)
		return w.Suppress(e, more...), nil
	case "toStream":
		if o.Fn.F == "" {
			return w.ToStream(streams.WindowedKey[*val], n...).WithKeySerde(windowedSerde{out.Key}).WithValueSerde(datum{out.Value}), nil
		}
		s := w.ToStream(func(k streams.Windowed[*val]) *val { return o.Fn.selectKey(windowed(k), nil) }, n...)
		return s.WithKeySerde(datum{out.Key}).WithValueSerde(datum{out.Value}), nil
	}
	return nil, unsupported(o.Op + " on a windowed table")
}
