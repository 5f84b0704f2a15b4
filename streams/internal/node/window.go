package node

import (
	"math"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams/record"
	"github.com/millrace/millrace/streams/serde"
)

// TimeWindows are tumbling windows (Advance = Size) or hopping ones, in ms. Size
// and Advance are positive, Advance <= Size, Grace >= 0.
type TimeWindows struct {
	Size, Advance, Grace int64
}

// first is the start of the first window that holds t: a multiple of Advance, and
// never negative, as in Kafka Streams.
func (w TimeWindows) first(t int64) int64 {
	return max(0, t-w.Size+w.Advance) / w.Advance * w.Advance
}

// end is where a window ends, at the end of time at the latest.
func (w TimeWindows) end(start int64) int64 {
	if end := start + w.Size; end > start {
		return end
	}
	return math.MaxInt64
}

// WindowAggregate is Aggregate by key and window. A record goes into each of its
// windows, the earliest first. A window is closed when its end plus the grace is
// not after the highest time that this operator has seen; records are skipped
// once for each window that is closed to them.
//
// Unlike Aggregate it shows null values to add if V has a null, as Kafka Streams.
func WindowAggregate[K, V, A any](env *Env, st *store.Window[K, A], w TimeWindows, init func() A, add func(K, V, A) A, next Sink[serde.Windowed[K], Change[A]]) Sink[K, V] {
	return windowed(env, st, w, aggregateRule(init, add), next)
}

// WindowReduce is Reduce by key and window; see [WindowAggregate].
func WindowReduce[K, V any](env *Env, st *store.Window[K, V], w TimeWindows, f func(acc, v V) V, next Sink[serde.Windowed[K], Change[V]]) Sink[K, V] {
	return windowed(env, st, w, reduceRule[K](f), next)
}

func windowed[K, V, A any](env *Env, st *store.Window[K, A], w TimeWindows, f rule[K, V, A], next Sink[serde.Windowed[K], Change[A]]) Sink[K, V] {
	out, all := newSlot(next), cells[K, A](st)
	return eachWindow(env, w, f.late, func(r *record.Record[K, V], start int64) error {
		c, time, err := f.update(all, r, start)
		if err != nil {
			return err
		}
		out.rec.Key = serde.Windowed[K]{Key: r.Key, Window: serde.Window{Start: start, End: w.end(start)}}
		out.rec.Value = c
		out.at(time, r.Headers)
		return out.sendAt(env)
	})
}

// eachWindow calls fold for each window of a record that is not closed, and counts
// those that are. Late, if there is one, gets a record that was too late for any.
func eachWindow[K, V any](env *Env, w TimeWindows, late Sink[K, V], fold func(r *record.Record[K, V], start int64) error) Sink[K, V] {
	nulls, observed := nullable[V](), int64(-1)
	return func(r *record.Record[K, V]) error {
		if reason := unfit(r, nulls); reason != "" {
			env.Skip(reason)
			return nil
		}
		observed = max(observed, r.Time)
		missed := false
		// A sum that overflows is negative, and ends the loop.
		for start := w.first(r.Time); start >= 0 && start <= r.Time; start += w.Advance {
			if w.end(start) <= observed-w.Grace {
				env.Skip(SkipLate)
				missed = true
				continue
			}
			if err := fold(r, start); err != nil {
				return err
			}
		}
		if missed && late != nil {
			return late(r)
		}
		return nil
	}
}
