package streams

import (
	"github.com/millrace/millrace/streams/serde"
)

// table is the windowed table as one with grown keys. Its aggregation always has
// old values.
func (t windowedHandle[K, V]) table() tableHandle[Windowed[K], V] {
	h := t.h.owned()
	return tableHandle[Windowed[K], V]{
		h:    handle[Windowed[K], V]{b: h.b, id: h.id, ks: t.ks, vs: h.vs, keyFrom: h.keyFrom, valueFrom: h.valueFrom},
		olds: true, sts: t.sts, get: t.get, own: t.own,
	}.owned()
}

// windowed is the way back: what an operator made of t's table.
func windowed[K, V, V2 any](t windowedHandle[K, V], made tableHandle[Windowed[K], V2]) windowedHandle[K, V2] {
	m := made.h
	out := windowedHandle[K, V2]{ks: t.ks, closes: t.closes, sts: made.sts, get: made.get, own: made.own}
	out.h = handle[K, V2]{b: m.b, id: m.id, ks: t.h.ks, vs: m.vs, keyFrom: m.keyFrom, valueFrom: m.valueFrom}
	return out
}

// Filter keeps the results for which pred is true. One that fails is a deletion for
// what comes after, unless it failed before.
func (t WindowedTable[K, V]) Filter(pred func(Windowed[K], V) bool, opts ...NodeOption) WindowedTable[K, V] {
	return WindowedTable[K, V]{windowed(t.h, tableFilter(t.h.table(), pred, false, opts))}
}

// FilterNot keeps the results for which pred is false; see [WindowedTable.Filter].
func (t WindowedTable[K, V]) FilterNot(pred func(Windowed[K], V) bool, opts ...NodeOption) WindowedTable[K, V] {
	return WindowedTable[K, V]{windowed(t.h, tableFilter(t.h.table(), pred, true, opts))}
}

// MapValues replaces the value of each result by f of it. Where V2 is a pointer,
// returning nil deletes the result.
func (t WindowedTable[K, V]) MapValues[V2 any](f func(V) V2, opts ...NodeOption) WindowedTable[K, V2] {
	rows := t.h.table()
	c := declare(rows.h.b, mapRowsPrefix, f == nil, opts)
	return WindowedTable[K, V2]{windowed(t.h, tableMap(rows, c, func(_ Windowed[K], v V) V2 { return f(v) }))}
}

// MapValuesKeyed is MapValues for a function that sees key and window as well.
func (t WindowedTable[K, V]) MapValuesKeyed[V2 any](f func(Windowed[K], V) V2, opts ...NodeOption) WindowedTable[K, V2] {
	rows := t.h.table()
	c := declare(rows.h.b, mapRowsPrefix, f == nil, opts)
	return WindowedTable[K, V2]{windowed(t.h, tableMap(rows, c, f))}
}

// GroupBy groups the results by a new key, with a new value; see [Table.GroupBy].
func (t WindowedTable[K, V]) GroupBy[K2, V2 any](f func(Windowed[K], V) (K2, V2), ks serde.Serde[K2], vs serde.Serde[V2], opts ...RepartitionOption) GroupedTable[K2, V2] {
	rows := t.h.table()
	c := declare(rows.h.b, "KTABLE-SELECT-", f == nil, opts)
	return GroupedTable[K2, V2]{regroup(rows, c, f, ks, vs)}
}

// Suppress holds results back until e lets them go; with UntilWindowCloses each
// window has one, final result. See [Table.Suppress].
func (t WindowedTable[K, V]) Suppress(e Emission, opts ...SuppressOption) WindowedTable[K, V] {
	rows := t.h.table()
	c := declare(rows.h.b, "KTABLE-SUPPRESS-", false, opts, rows.h.id)
	wait, timeOf := e.limit, func(_ Windowed[K], ms int64) int64 { return ms }
	if e.closes {
		wait, timeOf = t.h.closes, func(k Windowed[K], _ int64) int64 { return k.Window.End }
	}
	return WindowedTable[K, V]{windowed(t.h, suppress(rows, &c, e, wait, timeOf))}
}
