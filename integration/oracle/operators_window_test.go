package oracle

import "github.com/millrace/millrace/streams"

type (
	cogrouped   = streams.Cogrouped[*val, *val]
	winCogroup  = streams.WindowedCogroup[*val, *val]
	sessCogroup = streams.SessionCogroup[*val, *val]
)

// windows are the windows of time of a program; ok is false for sessions.
func (w *window) windows() (out streams.TimeWindows, ok bool) {
	switch w.Type {
	case "tumbling":
		out = streams.Tumbling(ms(w.SizeMS))
	case "hopping":
		out = streams.Hopping(ms(w.SizeMS), ms(w.AdvanceMS))
	case "sliding":
		out = streams.Sliding(ms(w.DifferenceMS))
	default:
		return out, false
	}
	return out.Grace(ms(w.GraceMS)), true
}

func (w *window) sessions() streams.Sessions {
	return streams.SessionGap(ms(w.GapMS)).Grace(ms(w.GraceMS))
}

func (in *interpreter) windowedBy(o op, g grouped) (any, error) {
	onClose := o.Emit == "on_window_close"
	if w, ok := o.Window.windows(); ok {
		out := g.WindowedBy(w)
		if onClose {
			out = out.EmitOnClose()
		}
		return out, nil
	}
	out := g.SessionsBy(o.Window.sessions())
	if onClose {
		out = out.EmitOnClose()
	}
	return out, nil
}

func (in *interpreter) onCogrouped(o op, c cogrouped) (any, error) {
	switch o.Op {
	case "cogroup":
		if g, ok := in.nodes[o.With].(grouped); ok {
			return c.With(g, o.Adder.add), nil
		}
	case "windowedBy":
		if w, ok := o.Window.windows(); ok {
			return c.WindowedBy(w), nil
		}
		return c.SessionsBy(o.Window.sessions()), nil
	case "aggregate":
		return c.Aggregate(o.Init.initial, datum{in.v.Types[o.ID].Value}, in.stores(o)...), nil
	}
	return nil, unsupported(o.Op + " on a cogroup")
}

// onCogroups has the operations of cogroups; done is false for anything else.
func (in *interpreter) onCogroups(o op) (made any, done bool, err error) {
	vs := datum{in.v.Types[o.ID].Value}
	switch from := in.nodes[o.In].(type) {
	case cogrouped:
		made, err = in.onCogrouped(o, from)
		return made, true, err
	case winCogroup:
		return from.Aggregate(o.Init.initial, vs, in.stores(o)...), true, nil
	case sessCogroup:
		return from.Aggregate(o.Init.initial, o.Merger.merge, vs, in.stores(o)...), true, nil
	}
	return nil, false, nil
}
