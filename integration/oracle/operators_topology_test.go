package oracle

import (
	"strings"

	"github.com/millrace/millrace/streams"
)

// building is how a vector's configuration has the topology built.
func (v *vector) building() []streams.BuildOption {
	which := streams.Optimization(0)
	names, _ := v.Config["topology.optimization"].(string)
	for _, name := range strings.Split(names, ",") {
		which |= map[string]streams.Optimization{
			"all":                        streams.OptimizeAll,
			"reuse.ktable.source.topics": streams.ReuseSourceTopics,
			"merge.repartition.topics":   streams.MergeRepartitionTopics,
			"single.store.self.join":     streams.SingleStoreSelfJoin,
		}[strings.TrimSpace(name)]
	}
	out := []streams.BuildOption{streams.Optimize(which)}
	if v.Config["ensure.explicit.internal.resource.naming"] == "true" {
		out = append(out, streams.RequireNames())
	}
	if more, ok := v.Config["windowstore.changelog.additional.retention.ms"].(float64); ok {
		out = append(out, streams.LogRetention(ms(int64(more))))
	}
	if v.Config["dsl.store.format"] == "headers" {
		out = append(out, streams.HeaderStores())
	}
	return out
}

// keeping are the options of a materialized that say where and how large a store is.
func (in *interpreter) keeping(m *materialized) (out []streams.StoreOption) {
	standard, _ := in.v.Config["dsl.store"].(string)
	if m == nil {
		m = &materialized{}
	}
	if m.Type == "in_memory" || m.Type == "" && standard == "in_memory" {
		out = append(out, streams.InMemory())
	}
	if m.LRU != 0 {
		out = append(out, streams.LRU(int(m.LRU)))
	}
	return out
}

// transformValues attaches a transformer of the registry to a table.
func (in *interpreter) transformValues(o op, t table) any {
	u, out := in.use(o.Proc.Store), in.v.Types[o.ID]
	made := t.TransformValues(func(c *streams.TransformContext) func(*val, streams.Opt[*val]) (streams.Opt[*val], error) {
		r := &transforming{p: o.Proc}
		if o.Proc.Store != "" {
			r.st = u.open(c)
		}
		return r.transform
	}, in.processOptions(o)...)
	if o.Materialized == nil {
		return made
	}
	m := o
	m.Name = ""
	return made.Materialize(datum{out.Value}, in.stores(m)...)
}

// transforming is a transformer in one task.
type transforming struct {
	p  processor
	st attached
}

func (r *transforming) transform(k *val, in streams.Opt[*val]) (streams.Opt[*val], error) {
	v, made := in.V, ""
	if !in.OK {
		v = nil
	}
	switch {
	case r.p.P == "key_value":
		made = str(k) + ":" + str(v)
	case r.p.P == "calls":
		had, _, err := r.st.kv.Get(k)
		if err != nil {
			return streams.Opt[*val]{}, err
		}
		n := &val{kind: 'n', n: 1}
		if had != nil {
			n.n = had.n + 1
		}
		if err := r.st.kv.Put(k, n); err != nil {
			return streams.Opt[*val]{}, err
		}
		made = str(v) + "#" + str(n)
	case v == nil || r.p.P == "null_if_contains" && strings.Contains(str(v), r.p.Value):
		return streams.Opt[*val]{}, nil
	case r.p.P == "append":
		made = str(v) + r.p.Value
	default:
		made = str(v)
	}
	return streams.Opt[*val]{V: text(made), OK: true}, nil
}
