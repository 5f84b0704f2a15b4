package oracle

import (
	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/record"
)

type globals = streams.GlobalTable[*val, *val]

// globalTable reads a topic into a global store.
func (in *interpreter) globalTable(o op) any {
	topic := in.timed(o, streams.NewTopic(o.Topic, datum{o.Key}, datum{o.Value}))
	return in.b.GlobalTable(topic, in.tableOptions(o)...)
}

// joinGlobal looks a stream's records up in a global table.
func (in *interpreter) joinGlobal(o op, s stream, g globals) stream {
	n := opts[streams.NodeOption](name(o))
	out := datum{in.v.Types[o.ID].Value}
	if o.Op == "join" {
		return s.JoinGlobal(g, o.KeySelector.selectKey, o.Joiner.join, n...).WithValueSerde(out)
	}
	left := func(k, l *val, r record.Opt[*val]) *val { return o.Joiner.join(k, l, r.V) }
	return s.LeftJoinGlobal(g, o.KeySelector.selectKey, left, n...).WithValueSerde(out)
}

// rowsOf is the way of a processor to the rows of a table or a global table.
func rowsOf(made any) (ref streams.StoreRef[streams.Rows[*val, *val]], ok bool) {
	switch t := made.(type) {
	case table:
		return t.Rows(), true
	case globals:
		return t.Rows(), true
	}
	return ref, false
}
