// Package aggregate has ready-made aggregators, and brings several together into one,
// so that one pass over a window, with one store, makes several results:
//
//	both := aggregate.Both(aggregate.Count[string, Order](), aggregate.TopN[string](3, dearest, orders))
//	perMinute := s.GroupByKey().WindowedBy(streams.Tumbling(time.Minute)).AggregateBy(both, streams.As("minutes"))
//
// Kafka Streams has no such aggregators, only their parts.
package aggregate

import "github.com/millrace/millrace/streams/serde"

// Aggregator is how values of type V, under keys of type K, become an aggregate of
// type A. Its functions are called by several tasks at once.
type Aggregator[K, V, A any] struct {
	// Init makes the aggregate of nothing.
	Init func() A
	// Add folds a value in. It may change acc in place and return it. Where A is a
	// pointer, returning nil deletes the aggregate.
	Add func(k K, v V, acc A) A
	// Merge combines the aggregates of two sessions that a record has joined, the
	// earlier one first. It may change a in place and return it, and is not needed
	// elsewhere.
	Merge func(k K, a, b A) A
	// Serde writes the aggregate to its store and changelog.
	Serde serde.Serde[A]
}

// Complete says whether all functions are there; Merge only if sessions need it.
func (a Aggregator[K, V, A]) Complete(sessions bool) bool {
	return a.Init != nil && a.Add != nil && a.Serde != nil && (a.Merge != nil || !sessions)
}

// Number is what can be summed up.
type Number interface {
	~int | ~int16 | ~int32 | ~int64 | ~float32 | ~float64
}

// Count counts values.
func Count[K, V any]() Aggregator[K, V, int64] {
	return Sum[K](func(V) int64 { return 1 }, serde.Int64)
}

// Sum adds up what of makes of each value.
func Sum[K, V any, N Number](of func(V) N, s serde.Serde[N]) Aggregator[K, V, N] {
	return Aggregator[K, V, N]{
		Init:  func() N { return 0 },
		Add:   func(_ K, v V, acc N) N { return acc + of(v) },
		Merge: func(_ K, a, b N) N { return a + b },
		Serde: s,
	}
}
