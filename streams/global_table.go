package streams

import (
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams/internal/node"
	"github.com/millrace/millrace/streams/internal/topo"
	"github.com/millrace/millrace/streams/serde"
)

// GlobalTable is a topic that each process reads whole: all its partitions, whichever
// tasks the process has. Streams are joined with it by any key, without a repartition
// topic. It is a small value that may be copied.
type GlobalTable[K, V any] struct{ g globalHandle[K, V] }

// globalHandle is the store of a global table; like handle it names no DSL type.
type globalHandle[K, V any] struct {
	b  *Builder
	st topo.StoreID
	ks serde.Serde[K]
	vs serde.Serde[V]
}

// GlobalTable reads a topic as a global table: the last value of each key, whatever
// its time, where null deletes; records without key are left out and counted.
//
// Before any task runs the topic is read to its end, and from then on one goroutine
// keeps up with it: a look-up sees what has come so far, whatever the time of the
// stream's record. Only committed records are read. The rows are on the disk with the
// position up to which they were read, so that a restart reads the rest only; the topic
// itself is the changelog and should be compacted. Each process reads all partitions
// that there are when it starts.
//
// A record that cannot be decoded is a matter for Config.OnUndecodable, also while the
// table is filled. Times are the records' own: TimedBy does not count here, as in Kafka
// Streams. As names the store, AsOperator the operator.
func (b *Builder) GlobalTable[K, V any](t Topic[K, V], opts ...TableOption) GlobalTable[K, V] {
	c := declare(b, "KTABLE-SOURCE-", false, opts)
	t.check(&c)
	switch {
	case c.versioned:
		c.fail("a global table has no history")
	case c.resetGiven && c.reset.By != topo.ResetEarliest:
		c.fail("a global table is read from the beginning")
	}
	decl := c.store(c.tableKind(), t.name+"-"+storePrefix)
	source, id, st := b.graph.Global(t.name, c.Call, decl)
	b.link(source, enter(t.ks, t.vs, true))
	b.link(id, func(l *linking, id topo.NodeID) {
		input(l, id, node.GlobalTable(l.env(id), timestamped(l, st, t.ks, t.vs)))
	})
	return GlobalTable[K, V]{globalHandle[K, V]{b: b, st: st, ks: t.ks, vs: t.vs}}
}

func (g globalHandle[K, V]) lookup() func(*linking) node.Lookup[K, V] {
	return func(l *linking) node.Lookup[K, V] { return timestamped(l, g.st, g.ks, g.vs).Get }
}

// Rows is the table for reading in processors, of any sub-topology. Uses may declare
// it, but need not.
func (t GlobalTable[K, V]) Rows() StoreRef[Rows[K, V]] {
	d := &storeDecl{where: caller(), shared: t.g.b}
	if t.g.b == nil {
		return StoreRef[Rows[K, V]]{d}
	}
	get := t.g.lookup()
	d.open = func(l *linking, _ topo.StoreID) any { return Rows[K, V]{get(l)} }
	t.g.b.globals[d] = t.g.st
	return StoreRef[Rows[K, V]]{d}
}

// JoinGlobal looks up each record in a global table, by the key that key makes of it,
// and sends what f makes of both, with the record's own key and time; a record without
// a row is left out. key sees records without key too. Where K2 is a pointer, nil is no
// key: the record is left out and counted, as is one whose value is null.
func (s Stream[K, V]) JoinGlobal[K2, V2, R any](t GlobalTable[K2, V2], key func(K, V) K2, f func(K, V, V2) R, opts ...NodeOption) Stream[K, R] {
	h := s.h.owned()
	c := declare(h.b, leftJoinPrefix, key == nil || f == nil, opts, h.id)
	inner := func(k K, v V, row Opt[V2]) R { return f(k, v, row.V) }
	return Stream[K, R]{joinGlobal(h, t.g, c, key, false, inner)}
}

// LeftJoinGlobal is JoinGlobal that sends records without a row, too, and those for
// which key returns nil. Only those with a null value are left out.
func (s Stream[K, V]) LeftJoinGlobal[K2, V2, R any](t GlobalTable[K2, V2], key func(K, V) K2, f func(K, V, Opt[V2]) R, opts ...NodeOption) Stream[K, R] {
	h := s.h.owned()
	c := declare(h.b, leftJoinPrefix, key == nil || f == nil, opts, h.id)
	return Stream[K, R]{joinGlobal(h, t.g, c, key, true, f)}
}

func joinGlobal[K, V, K2, V2, R any](h handle[K, V], t globalHandle[K2, V2], c call, key func(K, V) K2, left bool, f func(K, V, Opt[V2]) R) handle[K, R] {
	out := newValue[R](h, c)
	out.b, out.id = h.b, h.b.graph.GlobalJoin(c.Call, left)
	if t.b != h.b {
		c.fail("the global table belongs to another builder")
		return out
	}
	get := t.lookup()
	h.b.link(out.id, func(l *linking, id topo.NodeID) {
		input(l, id, node.JoinGlobal(l.env(id), get(l), key, left, f, fan[K, R](l, id)))
	})
	return out
}

// Query reads the table of a running App, each call a store of its own for one
// goroutine at a time. It sees what has come so far. An App that does not run yet, or
// no more, is an error, as is one of another builder.
func (t GlobalTable[K, V]) Query(a *App) (*store.ReadOnlyTimestampedKV[K, V], error) {
	r, err := a.globalReader(t.g.b, t.g.st)
	if err != nil {
		return nil, err
	}
	return store.NewReadOnlyTimestampedKV(r, t.g.ks, t.g.vs), nil
}
