package streams

import "github.com/millrace/millrace/streams/internal/node"

// MapValues replaces each value by f of it. Keys stay, so that no repartition
// follows.
func (s Stream[K, V]) MapValues[V2 any](f func(V) V2, opts ...NodeOption) Stream[K, V2] {
	h := s.h.owned()
	c := declare(h.b, "KSTREAM-MAPVALUES-", f == nil, opts, h.id)
	return Stream[K, V2]{step(h, c, newValue[V2](h, c), func(e *node.Env, next node.Sink[K, V2]) node.Sink[K, V] {
		return node.MapValues(e, f, next)
	})}
}

// MapValuesKeyed is MapValues for a function that sees the key as well.
func (s Stream[K, V]) MapValuesKeyed[V2 any](f func(K, V) V2, opts ...NodeOption) Stream[K, V2] {
	h := s.h.owned()
	c := declare(h.b, "KSTREAM-MAPVALUES-", f == nil, opts, h.id)
	return Stream[K, V2]{step(h, c, newValue[V2](h, c), func(e *node.Env, next node.Sink[K, V2]) node.Sink[K, V] {
		return node.MapValuesKeyed(e, f, next)
	})}
}

// FlatMapValues sends a record with the same key for each value that f returns.
func (s Stream[K, V]) FlatMapValues[V2 any](f func(V) []V2, opts ...NodeOption) Stream[K, V2] {
	h := s.h.owned()
	c := declare(h.b, "KSTREAM-FLATMAPVALUES-", f == nil, opts, h.id)
	return Stream[K, V2]{step(h, c, newValue[V2](h, c), func(e *node.Env, next node.Sink[K, V2]) node.Sink[K, V] {
		return node.FlatMapValues(e, f, next)
	})}
}

// Map replaces each record's key and value by those that f returns.
func (s Stream[K, V]) Map[K2, V2 any](f func(K, V) (K2, V2), opts ...NodeOption) Stream[K2, V2] {
	h := s.h.owned()
	c := declare(h.b, "KSTREAM-MAP-", f == nil, opts, h.id)
	return Stream[K2, V2]{step(h, c, newBoth[K2, V2](c), func(e *node.Env, next node.Sink[K2, V2]) node.Sink[K, V] {
		return node.Map(e, f, next)
	})}
}

// FlatMap sends a record for each call that f makes of yield, in that order.
// yield must not be called after f has returned.
func (s Stream[K, V]) FlatMap[K2, V2 any](f func(k K, v V, yield func(K2, V2)), opts ...NodeOption) Stream[K2, V2] {
	h := s.h.owned()
	c := declare(h.b, "KSTREAM-FLATMAP-", f == nil, opts, h.id)
	return Stream[K2, V2]{step(h, c, newBoth[K2, V2](c), func(e *node.Env, next node.Sink[K2, V2]) node.Sink[K, V] {
		return node.FlatMap(e, f, next)
	})}
}

// SelectKey gives each record the key that f returns.
func (s Stream[K, V]) SelectKey[K2 any](f func(K, V) K2, opts ...NodeOption) Stream[K2, V] {
	h := s.h.owned()
	c := declare(h.b, "KSTREAM-KEY-SELECT-", f == nil, opts, h.id)
	return Stream[K2, V]{step(h, c, newKey[K2](h, c), func(e *node.Env, next node.Sink[K2, V]) node.Sink[K, V] {
		return node.SelectKey(e, f, next)
	})}
}
