package oracle

import (
	"strings"

	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/record"
)

// joinForeign is a join of tables by a foreign key. The vectors always say how its
// result is written, so that it is materialized in any case.
func joinForeign[K any](in *interpreter, o op, t streams.Table[K, *val], key func(K) *val) (out streams.Table[K, *val], err error) {
	with, ok := in.nodes[o.With].(table)
	if !ok {
		return out, unsupported(o.Op + " by a foreign key with a " + in.v.Types[o.With].Kind)
	}
	fk := func(k K, v *val) (*val, bool) {
		to := o.FK.foreignKey(key(k), v)
		return to, to != nil
	}
	n := opts[streams.JoinOption](name(o))
	if o.Op == "join" {
		out = t.JoinFK(with, fk, func(_ K, l, r *val) *val { return o.Joiner.join(nil, l, r) }, n...)
	} else {
		out = t.LeftJoinFK(with, fk, func(_ K, l *val, r record.Opt[*val]) *val { return o.Joiner.join(nil, l, r.V) }, n...)
	}
	o.Name = "" // the operator has it already
	return out.Materialize(datum{in.v.Types[o.ID].Value}, in.stores(o)...), nil
}

// foreignKey is one of the registry's foreign-key extractors; null is no key.
func (f fn) foreignKey(k, v *val) *val {
	if f.F != "prefix_or_null" {
		return f.selectKey(k, v)
	}
	if v == nil || !strings.Contains(str(v), ":") {
		return nil
	}
	return fn{F: "prefix_before_colon"}.selectKey(k, v)
}
