package streams

import (
	"errors"
	"fmt"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/cached"
	"github.com/millrace/millrace/streams/internal/node"
	"github.com/millrace/millrace/streams/internal/task"
	"github.com/millrace/millrace/streams/internal/topo"
	"github.com/millrace/millrace/streams/record"
	"github.com/millrace/millrace/streams/serde"
)

// link makes one node live in a task. It has captured the node's types.
type link func(*linking, topo.NodeID)

// linking is the making of one task. Nodes are linked leaves first, so that each
// finds the inputs of its children. The only untyped values in it are those
// inputs and the store views, asserted once per edge and task.
type linking struct {
	graph  *topo.Topology
	appID  string
	rt     task.Runtime
	cur    *node.Current
	in     map[topo.NodeID]any
	stores map[topo.StoreID]any
	// globals are the declarations by which processors read global stores.
	globals map[*storeDecl]topo.StoreID
	budget  *cached.Budget // of record caches; nil for none
	// wantOlds has the nodes that need old values.
	wantOlds map[topo.NodeID]bool
	// shared has what nodes of one declaration share in the task; see streamJoin.
	shared map[any]any
	// ttls are the stores that expire; swept has those of processors that are swept.
	ttls  map[topo.StoreID]*store.TTL
	swept map[topo.StoreID]bool
	out   *task.Linked
	errs  []error
	// raw is the source record under way, nil in a schedule or flush; drop is what a
	// handler said about one that was dropped.
	raw  *task.Raw
	drop error
}

func (l *linking) fail(format string, args ...any) {
	l.errs = append(l.errs, fmt.Errorf(format, args...))
}

// env is what the node's operator knows about its surroundings.
func (l *linking) env(id topo.NodeID) *node.Env {
	name, rt := l.graph.Nodes[id].Name, l.rt
	env := &node.Env{Cur: l.cur, Skip: func(reason string) { rt.Skipped(name, reason) }}
	if judge, ok := rt.(task.Judge); ok && judge.Judges(task.Dropped) {
		env.Skip = (&guard{l: l, judge: judge, operator: name, where: l.graph.Nodes[id].Where}).skip
	}
	if t, ok := rt.(task.Timed); ok {
		env.At = t.At
	}
	return env
}

// input publishes the sink that takes what the node's parents send.
func input[K, V any](l *linking, id topo.NodeID, s node.Sink[K, V]) { l.in[id] = guarded(l, id, s) }

// fan is the sink of the node's children.
func fan[K, V any](l *linking, id topo.NodeID) node.Sink[K, V] {
	return node.Fan(sinksOf[K, V](l, id, false))
}

// sinksOf has the sinks of a node's children: of those that get its results, or of
// those that get what it leaves out.
func sinksOf[K, V any](l *linking, id topo.NodeID, aside bool) (sinks []node.Sink[K, V]) {
	for _, child := range l.graph.Nodes[id].Children {
		if l.graph.Nodes[child].Aside != aside {
			continue
		}
		s, ok := l.in[child].(node.Sink[K, V])
		if !ok {
			l.fail("%s sends %T, but %s takes %T; this is a fault of the library, please report it",
				l.graph.Nodes[id].Name, s, l.graph.Nodes[child].Name, l.in[child])
		}
		sinks = append(sinks, s)
	}
	return sinks
}

// open returns the task's view of a store, made by its first user and shared by
// the others. It is nil for a store that nobody needs.
func open[S any](l *linking, id topo.StoreID, view func(store.Engine, store.Spec) (S, error)) S {
	var none S
	decl := &l.graph.Stores[id]
	if decl.Lazy {
		return none
	}
	if have, ok := l.stores[id]; ok {
		s, ok := have.(S)
		if !ok {
			l.fail("the store %s is used as %T and as %T; this is a fault of the library, please report it", decl.Spec.Name, have, none)
		}
		return s
	}
	engine, err := l.rt.Engine(decl.Spec.Name)
	if err == nil && decl.Spec.Kind == store.KindLRU {
		engine, err = store.NewLRU(engine, decl.Spec)
	}
	if err == nil && decl.Spec.TTL > 0 {
		engine, err = l.ttlOf(id, engine, decl.Spec)
	}
	if err != nil {
		l.fail("%s: the store %s: %w", decl.Where, decl.Spec.Name, err)
		return none
	}
	s, err := view(engine, decl.Spec)
	if err != nil {
		l.fail("%s: the store %s: %w", decl.Where, decl.Spec.Name, err)
	}
	l.stores[id] = s
	return s
}

// timestamped opens the store of a table.
func timestamped[K, V any](l *linking, id topo.StoreID, ks serde.Serde[K], vs serde.Serde[V]) *store.TimestampedKV[K, V] {
	return open(l, id, func(e store.Engine, _ store.Spec) (*store.TimestampedKV[K, V], error) {
		return store.NewTimestampedKV(e, ks, vs), nil
	})
}

// enter is the link of a source: bytes become typed records.
func enter[K, V any](ks serde.Serde[K], vs serde.Serde[V], table bool) link {
	return func(l *linking, id topo.NodeID) {
		n := &l.graph.Nodes[id]
		decode := node.Source(l.env(id), ks, vs, table, fan[K, V](l, id))
		for _, topic := range n.TopicNames(l.appID) {
			l.out.Entries[topic] = l.entry(decode, n.Name, n.Where)
		}
	}
}

// entry sets the task's current record before the source looks at it.
func (l *linking) entry(decode func(key, value []byte) error, operator, where string) task.Entry {
	cur := l.cur
	return func(raw *task.Raw) error {
		l.raw, l.drop = raw, nil
		cur.Topic, cur.Partition, cur.Offset = raw.Topic, raw.Partition, raw.Offset
		cur.Time, cur.Headers = raw.Time, raw.Headers
		err := decode(raw.Key, raw.Value)
		if l.raw = nil; err == nil {
			return l.drop
		}
		if fault, ok := errors.AsType[*node.DecodeError](err); ok {
			return &task.DecodeError{Operator: operator, Where: where, Part: fault.Part, Err: fault.Err}
		}
		return err
	}
}

// leave is the link of a sink: typed records become bytes.
func leave[K, V any](ks serde.Serde[K], vs serde.Serde[V]) link {
	return func(l *linking, id topo.NodeID) {
		input(l, id, node.Out(l.env(id), ks, vs, emitter(l.rt, &task.Out{Topic: l.graph.Nodes[id].TopicName(l.appID)})))
	}
}

// leaveTo is leave for a sink that chooses the topic of each record.
func leaveTo[K, V any](topic func(Record[K, V]) string, ks serde.Serde[K], vs serde.Serde[V]) link {
	return func(l *linking, id topo.NodeID) {
		out := &task.Out{}
		write := node.Out(l.env(id), ks, vs, emitter(l.rt, out))
		where := l.graph.Nodes[id].Where
		input(l, id, func(r *Record[K, V]) error {
			if out.Topic = topic(*r); out.Topic == "" {
				return fmt.Errorf("%s: the function of ToFunc named no topic", where)
			}
			return write(r)
		})
	}
}

// emitter sends to the topic of out, a record that is lent each time.
func emitter(rt task.Runtime, out *task.Out) node.Emit {
	out.Partition = -1
	return func(key, value, hash []byte, time int64, h *record.Headers) error {
		out.Key, out.Value, out.HashKey, out.Time, out.Headers = key, value, hash, time, h
		return rt.Emit(out)
	}
}
