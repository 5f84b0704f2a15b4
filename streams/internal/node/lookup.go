package node

// Lookup reads a row of a table and its time in ms. It is how joins see a table,
// with or without a store of its own: the look-up of a table without one is made
// of that of the table above.
type Lookup[K, V any] func(K) (v V, time int64, ok bool, err error)

// Filtered is the look-up of a filtered table; see [TableFilter].
func Filtered[K, V any](get Lookup[K, V], pred func(K, V) bool, negate bool) Lookup[K, V] {
	return func(k K) (v V, time int64, ok bool, err error) {
		v, time, ok, err = get(k)
		if err != nil || ok && pred(k, v) != negate {
			return v, time, ok, err
		}
		var none V
		return none, 0, false, nil
	}
}

// Mapped is the look-up of a table whose values are mapped; see [TableMapValues].
// A nil that f returns is a row that is not there.
func Mapped[K, V, V2 any](get Lookup[K, V], f func(V) V2) Lookup[K, V2] {
	null := nullTest[V2]()
	return func(k K) (v2 V2, time int64, ok bool, err error) {
		v, time, ok, err := get(k)
		if err != nil || !ok {
			return v2, 0, false, err
		}
		v2 = f(v)
		return v2, time, null == nil || !null(v2), nil
	}
}
