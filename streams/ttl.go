package streams

import (
	"time"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams/internal/node"
	"github.com/millrace/millrace/streams/internal/task"
	"github.com/millrace/millrace/streams/internal/topo"
	"github.com/millrace/millrace/streams/serde"
)

// TTL lets the rows of a table, or the entries of a [TimestampedKVStore], expire: one
// goes when stream time, the highest record time of its task, has come d or up to a
// sixteenth of it more past the row's own time. A row that is written again lives on
// by its new time. Until then it is found as always; while no record comes, nothing
// expires.
//
// What expires leaves a tombstone in the changelog, and a table sends a deletion to
// what is below it, at the time at which the row expired and without headers. A sweep
// follows an index by time and never scans the store; it takes at most a thousand rows
// with a record, so that a jump of stream time is spread over the records that follow.
//
// A table that is read from a topic, or made from a stream, gets a store by this option
// even without a name. Windows, sessions and versioned tables have a retention of their
// own, and tables that are grouped from tables cannot lose rows, since they are summed
// up from changes. Kafka Streams has no such thing; the bytes in Kafka are its own.
func TTL(d time.Duration) StoreOption {
	return storeSetting(func(s *settings) {
		if d < time.Millisecond || d%time.Millisecond != 0 {
			s.fault("the TTL %v is not positive and in whole milliseconds", d)
			return
		}
		s.ttl = d
	})
}

// ttlOf is the engine of a store with a TTL, noted for its sweeps.
func (l *linking) ttlOf(id topo.StoreID, e store.Engine, spec store.Spec) (store.Engine, error) {
	t, err := store.NewTTL(e, spec)
	if err != nil {
		return nil, err
	}
	if l.ttls == nil {
		l.ttls = map[topo.StoreID]*store.TTL{}
	}
	l.ttls[id] = t
	return t, nil
}

// sweeps has the rows of the operator's store expire, if it has a TTL: with each step
// of stream time, as far as a sweep goes.
func sweeps[K, V any](l *linking, id topo.NodeID, st topo.StoreID, ks serde.Serde[K], vs serde.Serde[V]) {
	t, ok := l.ttls[st]
	if !ok {
		return
	}
	x := node.Expiry[K, V]{Store: t, TTL: l.graph.Stores[st].Spec.TTL.Milliseconds(), Keys: ks, Values: vs}
	if l.caches(st) {
		x.Cache = tableCache(l, st, ks, vs)
	}
	env := l.env(id)
	l.sweep(env, node.Sweep(env, x, fan[K, node.Change[V]](l, id)))
}

// sweepStore is sweeps for a store of processors, which send nothing. It is done once
// for all that use it.
func (l *linking) sweepStore(st topo.StoreID) {
	t, ok := l.ttls[st]
	if !ok || l.swept[st] {
		return
	}
	if l.swept == nil {
		l.swept = map[topo.StoreID]bool{}
	}
	l.swept[st] = true
	l.sweep(&node.Env{Cur: l.cur}, func(now int64) error {
		_, err := t.Sweep(now, node.MostExpired, nil)
		return err
	})
}

func (l *linking) sweep(env *node.Env, call func(now int64) error) {
	l.out.Punctuators = append(l.out.Punctuators, task.Punctuator{
		Clock: task.StreamTime, Interval: time.Millisecond, Call: node.Punctuation(env, call),
	})
}
