package oracle

import (
	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/record"
)

// keepWindows materializes a step of a windowed table if the program does.
func (in *interpreter) keepWindows(o op, w winTable) winTable {
	if o.Materialized == nil {
		return w
	}
	o.Name = "" // the operator has it already
	return w.Materialize(datum{in.v.Types[o.ID].Value}, in.stores(o)...)
}

// joinWindows joins two windowed tables.
func joinWindows(o op, w, with winTable) winTable {
	n := opts[streams.JoinOption](name(o))
	join := func(_ streams.Windowed[*val], l, r *val) *val { return o.Joiner.join(nil, l, r) }
	switch o.Op {
	case "join":
		return w.Join(with, join, n...)
	case "leftJoin":
		return w.LeftJoin(with, func(k streams.Windowed[*val], l *val, r record.Opt[*val]) *val { return join(k, l, r.V) }, n...)
	}
	return w.OuterJoin(with, func(k streams.Windowed[*val], l, r record.Opt[*val]) *val { return join(k, l.V, r.V) }, n...)
}
