package node

import (
	"cmp"
	"slices"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/cached"
	"github.com/millrace/millrace/streams/record"
	"github.com/millrace/millrace/streams/serde"
)

// Rule is how records become an aggregate: by [AggregateRule], [ReduceRule] or
// [SessionRule].
type Rule[K, V, A any] = rule[K, V, A]

// AggregateRule begins with what init makes and folds each record in by add.
func AggregateRule[K, V, A any](init func() A, add func(K, V, A) A) Rule[K, V, A] {
	return aggregateRule(init, add)
}

// ReduceRule begins with the first value and combines it with those that follow.
func ReduceRule[K, V any](f func(acc, v V) V) Rule[K, V, V] { return reduceRule[K](f) }

// SessionRule is AggregateRule for sessions, which merge brings together.
func SessionRule[K, V, A any](init func() A, add func(K, V, A) A, merge func(K, A, A) A) Rule[K, V, A] {
	f := aggregateRule(init, add)
	f.merge = func(k K, a A, _ bool, b A) A { return merge(k, a, b) }
	return f
}

// Windows folds records by key and window; see [WindowAggregate].
func Windows[K, V, A any](env *Env, st *store.Window[K, A], w TimeWindows, f Rule[K, V, A], next Sink[serde.Windowed[K], Change[A]]) Sink[K, V] {
	return windowed(env, st, w, f, next)
}

// CachedWindows is [Windows] with a record cache.
func CachedWindows[K, V, A any](env *Env, c *cached.Cache[K, A], olds bool, w TimeWindows, f Rule[K, V, A], next Sink[serde.Windowed[K], Change[A]]) Sink[K, V] {
	return cachedWindows(env, c, olds, w, f, next)
}

// CachedSessions is [SessionsOf] with a record cache; see [CachedSessionAggregate].
func CachedSessions[K, V, A any](env *Env, c *cached.Cache[K, A], olds bool, s SessionWindows, f Rule[K, V, A], next Sink[serde.Windowed[K], Change[A]]) Sink[K, V] {
	return cachedSessions(env, c, olds, s, f, next)
}

// Fold folds records by key; see [Aggregate].
func Fold[K, V, A any](env *Env, st *store.TimestampedKV[K, A], f Rule[K, V, A], next Sink[K, Change[A]]) Sink[K, V] {
	return folded(env, st, f, next)
}

// CachedFold is [Fold] with a record cache; see [CachedAggregate].
func CachedFold[K, V, A any](env *Env, c *cached.Cache[K, A], olds bool, f Rule[K, V, A], next Sink[K, Change[A]]) Sink[K, V] {
	return cachedFold(env, c, olds, f, next)
}

// SessionsOf folds records by key and session; see [SessionAggregate].
func SessionsOf[K, V, A any](env *Env, st *store.Session[K, A], s SessionWindows, f Rule[K, V, A], next Sink[serde.Windowed[K], Change[A]]) Sink[K, V] {
	return sessions(env, st, s, f, next)
}

// Closed is what an aggregation that sends results only keeps beside its windows.
type Closed struct {
	// At is the time up to which windows were sent, ms, or -1; it must survive a restart.
	At *int64
	// Strict says that a record is put before what it closes is sent, and that the store
	// may have forgotten that by then: so do the stores that are in memory. Sessions are
	// then sent in the order of those.
	Strict bool
}

// silent swallows the updates of an aggregation that sends results only.
func silent[K, A any](*record.Record[serde.Windowed[K], Change[A]]) error { return nil }

// WindowsOnClose is [Windows] that sends each window once, when it closes: in order
// of their starts and then of keys, with the headers of the record that closed them.
func WindowsOnClose[K, V, A any](env *Env, st *store.Window[K, A], w TimeWindows, closed Closed, f Rule[K, V, A], next Sink[serde.Windowed[K], Change[A]]) Sink[K, V] {
	out := &closing[K, A]{Closed: closed, env: env, out: newSlot(next)}
	out.ended = func(upTo int64) error {
		from := int64(0)
		if *closed.At >= 0 {
			from = max(0, *closed.At-w.Size+1)
		}
		return out.collect(st, from, upTo-w.Size)
	}
	return onClose(windowed(env, st, w, f, silent[K, A]), out, w.Grace, nullable[V]())
}

// SlidingOnClose is [Sliding] that sends each window once; see [WindowsOnClose].
func SlidingOnClose[K, V, A any](env *Env, st *store.Window[K, A], w SlidingWindows, closed Closed, f Rule[K, V, A], next Sink[serde.Windowed[K], Change[A]]) Sink[K, V] {
	out := &closing[K, A]{Closed: closed, env: env, out: newSlot(next)}
	out.ended = func(upTo int64) error {
		return out.collect(st, max(0, *closed.At-w.Difference), upTo-w.Difference-1)
	}
	return onClose(Sliding(env, st, w, f, silent[K, A]), out, w.Grace, false)
}

// SessionsOnClose is [SessionsOf] that sends each session once, when it closes, with
// its end as the time: in order of their ends, their starts, and then of keys. See
// [WindowsOnClose].
func SessionsOnClose[K, V, A any](env *Env, st *store.Session[K, A], s SessionWindows, closed Closed, f Rule[K, V, A], next Sink[serde.Windowed[K], Change[A]]) Sink[K, V] {
	out := &closing[K, A]{Closed: closed, env: env, out: newSlot(next)}
	out.ended = func(upTo int64) error { return out.collectSessions(st, max(0, *closed.At), upTo-1) }
	return onClose(sessions(env, st, s, f, silent[K, A]), out, s.Grace+s.Gap, nullable[V]())
}

// onClose sends what the time of a record has closed and folds it in. A record never
// belongs to what it closes, and the store still has that: when the record is put, the
// store's own time moves on and takes what is older than the retention. Kafka Streams
// puts first, and loses by it what its store forgets; see [Closed].
func onClose[K, V, A any](fold Sink[K, V], out *closing[K, A], grace int64, nulls bool) Sink[K, V] {
	observed := int64(-1)
	closes := func(r *record.Record[K, V]) error {
		if unfit(r, nulls) != "" {
			return nil
		}
		observed = max(observed, r.Time)
		return out.upTo(observed-grace, r.Headers)
	}
	if out.Strict {
		fold, closes = closes, fold
	}
	return func(r *record.Record[K, V]) error {
		if err := closes(r); err != nil {
			return err
		}
		return fold(r)
	}
}

// closing sends the windows that have closed.
type closing[K, A any] struct {
	Closed
	env   *Env
	ended func(upTo int64) error
	out   *slot[serde.Windowed[K], Change[A]]
	found []store.WindowEntry[K, A]
}

// upTo sends the windows that close by time, in ms.
func (c *closing[K, A]) upTo(time int64, h *record.Headers) error {
	if time <= *c.At {
		return nil
	}
	c.found = c.found[:0]
	if err := c.ended(time); err != nil {
		return err
	}
	*c.At = time
	for i := range c.found {
		e := &c.found[i]
		c.out.rec.Key, c.out.rec.Value = e.Key, Change[A]{New: e.Value, Has: true}
		c.out.at(e.Time, h)
		if err := c.out.sendAt(c.env); err != nil {
			return err
		}
	}
	return nil
}

// collect finds the windows that start in [from, to]. The store has them by segment,
// key and start, so that a stable sort gives the order of starts and keys.
func (c *closing[K, A]) collect(st *store.Window[K, A], from, to int64) error {
	if to < from {
		return nil
	}
	for e, err := range st.FetchAll(from, to) {
		if err != nil {
			return err
		}
		c.found = append(c.found, e)
	}
	slices.SortStableFunc(c.found, func(a, b store.WindowEntry[K, A]) int {
		return cmp.Compare(a.Key.Window.Start, b.Key.Window.Start)
	})
	return nil
}

// collectSessions finds the sessions that end in [from, to].
func (c *closing[K, A]) collectSessions(st *store.Session[K, A], from, to int64) error {
	for e, err := range st.FindRange(store.Span[K]{}, from, to) {
		if err != nil {
			return err
		}
		if w := e.Key.Window; w.End <= to {
			c.found = append(c.found, store.WindowEntry[K, A]{Key: e.Key, Value: e.Value, Time: w.End})
		}
	}
	slices.SortStableFunc(c.found, c.sessionOrder)
	return nil
}

// sessionOrder compares by end and start, or by end alone if Strict. The store has
// them by key, end and start, and a stable sort leaves the rest in that order: of one
// end, Kafka Streams' store in memory goes by keys first, its RocksDB by starts.
func (c *closing[K, A]) sessionOrder(a, b store.WindowEntry[K, A]) int {
	x, y := a.Key.Window, b.Key.Window
	if c.Strict {
		return cmp.Compare(x.End, y.End)
	}
	return cmp.Or(cmp.Compare(x.End, y.End), cmp.Compare(x.Start, y.Start))
}
