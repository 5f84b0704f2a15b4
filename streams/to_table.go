package streams

import "github.com/millrace/millrace/streams/internal/topo"

// ToTable is the stream as a table: its records are the changes, the last one of each
// key its row, and null deletes. Records without key are left out and counted.
//
// If operators above may have changed keys, the records go through a repartition topic
// first, which is called after the operator: AsOperator names both. As names the store;
// without it there is one only if an operator below needs it.
func (s Stream[K, V]) ToTable(opts ...StoreOption) Table[K, V] {
	h := s.h.owned()
	c := declare(h.b, toTablePrefix, false, opts, h.id)
	return Table[K, V]{toTable(h, &c)}
}

const toTablePrefix = "KSTREAM-TOTABLE-"

func toTable[K, V any](h handle[K, V], c *call) tableHandle[K, V] {
	decl := c.store(c.tableKind(), toTablePrefix+storePrefix)
	decl.Lazy = c.settings.name == "" && !c.versioned && c.ttl == 0
	ks, vs := h.keySerde(c), h.valueSerde(c)
	var rekey *topo.Rekey
	if h.rekeyed {
		rekey = &topo.Rekey{}
	}
	id, st, nodes := h.b.graph.ToTable(c.Call, decl, rekey)
	if rekey != nil {
		repartition(h, nodes, ks, vs)
	}
	h.id, h.ks, h.vs, h.rekeyed = id, ks, vs, false
	h.b.link(id, func(l *linking, id topo.NodeID) { input(l, id, tableSource(l, id, st, ks, vs)) })
	return storedHandle(h, st, c.versioned)
}
