package oracle

import (
	"strings"

	"github.com/stretchr/testify/require"

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

// winRows is a table with windowed keys that is no windowed table any more.
type winRows = streams.Table[streams.Windowed[*val], *val]

// onWindowedRows has the operations of such tables.
func (in *interpreter) onWindowedRows(o op, t winRows) (any, error) {
	n, out := opts[streams.NodeOption](name(o)), in.v.Types[o.ID]
	switch {
	case o.Op == "toStream" && o.Fn.F == "":
		return t.ToStream(n...).WithKeySerde(windowedSerde{out.Key}).WithValueSerde(datum{out.Value}), nil
	case o.FK != nil:
		return joinForeign(in, o, t, windowed)
	case o.Op == "groupBy":
		f := func(k streams.Windowed[*val], v *val) (*val, *val) { return o.Fn.mapPair(windowed(k), v) }
		return t.GroupBy(f, datum{out.Key}, datum{out.Value}, opts[streams.RepartitionOption](name(o))...), nil
	}
	return nil, unsupported(o.Op + " on a table with windowed keys")
}

// unwindowed takes the keys of a materialized step of a windowed table apart, as the
// vectors show them.
func (r *replay) unwindowed(store string, got []entry) []entry {
	for _, o := range r.v.Program {
		key := datum{r.v.Types[o.ID].Key}
		if o.Materialized == nil || o.Materialized.Store != store || !strings.Contains(key.typ, ":") || !steps[o.Op] {
			continue
		}
		for i := range got {
			w, err := key.Decode(got[i].key)
			require.NoError(r.t, err)
			got[i].key, got[i].start, got[i].end = []byte(str(w.inner)), w.start, w.end
		}
	}
	return got
}

// steps are the operations of which a store has windowed keys, in place of windows.
var steps = map[string]bool{"filter": true, "filterNot": true, "mapValues": true, "join": true, "leftJoin": true, "outerJoin": true}
