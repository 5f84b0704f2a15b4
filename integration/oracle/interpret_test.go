package oracle

import (
	"time"

	"github.com/millrace/millrace/streams"
)

// The handles of a program, by the kind of what an operation made.
type (
	stream    = streams.Stream[*val, *val]
	table     = streams.Table[*val, *val]
	grouped   = streams.Grouped[*val, *val]
	winGroup  = streams.WindowedGroup[*val, *val]
	sessGroup = streams.SessionGroup[*val, *val]
	winTable  = streams.WindowedTable[*val, *val]
	winStream = streams.Stream[streams.Windowed[*val], *val]
)

// interpreter turns a vector's program into a topology, as its README says.
type interpreter struct {
	b     *streams.Builder
	v     vector
	nodes map[string]any
	uses  map[string]use
}

// unsupported says which part of a program this version cannot express.
type unsupported string

func (u unsupported) Error() string { return "not in this version: " + string(u) }

func interpret(v vector) (b *streams.Builder, err error) {
	in := &interpreter{b: streams.NewBuilder(), v: v, nodes: map[string]any{}, uses: map[string]use{}}
	streams.Register[*val](in.b, datum{"string"}) // the default serde of all programs
	for _, o := range v.Program {
		made, err := in.apply(o)
		if err != nil {
			return nil, err
		}
		if o.ID != "" && made != nil {
			in.nodes[o.ID] = made
		}
	}
	return in.b, nil
}

// name is the option that a program's name gives, if it has one.
func name(o op) []streams.Name {
	if o.Name == "" {
		return nil
	}
	return []streams.Name{streams.As(o.Name)}
}

// opts turns names into the options of one operator family.
func opts[O any](names []streams.Name) []O {
	var out []O
	for _, n := range names {
		out = append(out, any(n).(O))
	}
	return out
}

func (in *interpreter) apply(o op) (any, error) {
	switch o.Op {
	case "addStateStore":
		in.addStateStore(o)
		return nil, nil
	case "stream":
		return in.source(o), nil
	case "globalTable":
		return in.globalTable(o), nil
	case "table":
		n := in.tableOptions(o)
		if rule, ok := in.timeRule(o); ok {
			n = append(n, rule)
		}
		return in.b.Table(in.timed(o, streams.NewTopic(o.Topic, datum{o.Key}, datum{o.Value})), n...), nil
	}
	if made, done, err := in.onCogroups(o); done {
		return made, err
	}
	switch from := in.nodes[o.In].(type) {
	case stream:
		return in.onStream(o, from)
	case winStream:
		return onAnyStream(in, o, from, windowed, windowedSerde{in.v.Types[o.In].Key})
	case table:
		return in.onTable(o, from)
	case groupedTable:
		return in.onGroupedTable(o, from)
	case winTable:
		return in.onWindowedTable(o, from)
	case winRows:
		return in.onWindowedRows(o, from)
	case grouped:
		return in.onGrouped(o, from)
	case winGroup:
		return in.onWindowed(o, from)
	case sessGroup:
		return in.onSessions(o, from)
	}
	return nil, unsupported(o.Op + " on " + in.v.Types[o.In].Kind)
}

// stores gives the options of a materialized operation.
func (in *interpreter) stores(o op) []streams.StoreOption {
	var out []streams.StoreOption
	if o.Name != "" {
		out = append(out, streams.AsOperator(o.Name))
	}
	m := o.Materialized
	if o.counts {
		out = append(out, streams.SpareName())
	}
	out = append(out, in.keeping(m)...)
	if m == nil {
		return out
	}
	if m.Store != "" {
		out = append(out, streams.As(m.Store))
	}
	if m.Logging != nil && !*m.Logging {
		out = append(out, streams.WithoutLogging())
	}
	if m.Caching != nil && !*m.Caching {
		out = append(out, streams.NoCache())
	}
	if m.HistoryMS != nil {
		out = append(out, streams.WithHistory(ms(*m.HistoryMS)))
	}
	if m.RetentionMS != 0 {
		out = append(out, streams.WithRetention(ms(m.RetentionMS)))
	}
	return out
}

// tableOptions are the same for a table's source.
func (in *interpreter) tableOptions(o op) []streams.TableOption {
	var out []streams.TableOption
	for _, s := range in.stores(o) {
		out = append(out, s)
	}
	return out
}

func ms(n int64) time.Duration { return time.Duration(n) * time.Millisecond }
