package oracle

import (
	"strings"

	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/record"
)

// joinForeign is a join of tables by a foreign key. The vectors always say how its
// result is written, so that it is materialized in any case.
func (in *interpreter) joinForeign(o op, t table) (any, error) {
	with, ok := in.nodes[o.With].(table)
	if !ok {
		return nil, unsupported(o.Op + " by a foreign key with a " + in.v.Types[o.With].Kind)
	}
	fk := func(k, v *val) (*val, bool) {
		key := o.FK.foreignKey(k, v)
		return key, key != nil
	}
	n := opts[streams.JoinOption](name(o))
	var out table
	if o.Op == "join" {
		out = t.JoinFK(with, fk, func(_, l, r *val) *val { return o.Joiner.join(nil, l, r) }, n...)
	} else {
		out = t.LeftJoinFK(with, fk, func(_, l *val, r record.Opt[*val]) *val { return o.Joiner.join(nil, l, r.V) }, n...)
	}
	if o.Materialized == nil {
		o.Materialized = &materialized{}
	}
	return in.keep(o, out), nil
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
