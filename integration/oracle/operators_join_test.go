package oracle

import (
	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/record"
)

// joinStream has the joins of a stream, by what it is joined with.
func (in *interpreter) joinStream(o op, s stream) (any, error) {
	switch with := in.nodes[o.With].(type) {
	case globals:
		return in.joinGlobal(o, s, with), nil
	case table:
		return in.joinTable(o, s, with), nil
	case stream:
		return in.joinStreams(o, s, with), nil
	}
	return nil, unsupported(o.Op + " with a " + in.v.Types[o.With].Kind)
}

func (in *interpreter) joinTable(o op, s stream, t table) stream {
	n := opts[streams.JoinOption](name(o))
	if o.GraceMS != nil {
		n = append(n, streams.WithGrace(ms(*o.GraceMS)))
	}
	out := datum{in.v.Types[o.ID].Value}
	if o.Op == "join" {
		return s.JoinTable(t, o.Joiner.join, n...).WithValueSerde(out)
	}
	return s.LeftJoinTable(t, func(k, l *val, r record.Opt[*val]) *val { return o.Joiner.join(k, l, r.V) }, n...).WithValueSerde(out)
}

func (in *interpreter) joinStreams(o op, s, with stream) stream {
	n := opts[streams.JoinOption](name(o))
	if o.Store != "" {
		n = append(n, streams.WithJoinStores(o.Store))
	}
	if o.Logging != nil && !*o.Logging {
		n = append(n, streams.WithoutLogging())
	}
	w := streams.Within(0).Before(ms(o.Window.BeforeMS)).After(ms(o.Window.AfterMS)).Grace(ms(o.Window.GraceMS))
	out := datum{in.v.Types[o.ID].Value}
	switch o.Op {
	case "join":
		return s.Join(with, w, o.Joiner.join, n...).WithValueSerde(out)
	case "leftJoin":
		return s.LeftJoin(with, w, func(k, l *val, r record.Opt[*val]) *val { return o.Joiner.join(k, l, r.V) }, n...).WithValueSerde(out)
	}
	return s.OuterJoin(with, w, func(k *val, l, r record.Opt[*val]) *val { return o.Joiner.join(k, l.V, r.V) }, n...).WithValueSerde(out)
}
