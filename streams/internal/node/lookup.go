package node

// Lookup reads a row of a table and its time in ms. It is how joins see a table,
// with or without a store of its own: the look-up of a table without one is made
// of that of the table above.
type Lookup[K, V any] func(K) (v V, time int64, ok bool, err error)

// LookupAsOf reads the row that a key of a versioned table had at a time in ms, and
// the time from which it had it.
type LookupAsOf[K, V any] func(k K, time int64) (v V, from int64, ok bool, err error)

// Converted is the look-up of a table made by [TableStep].
func Converted[K, V, V2 any](get Lookup[K, V], f Convert[K, V, V2]) Lookup[K, V2] {
	return func(k K) (v2 V2, time int64, ok bool, err error) {
		v, time, ok, err := get(k)
		if err != nil || !ok {
			return v2, 0, false, err
		}
		if v2, ok = f(k, v); !ok {
			var none V2
			return none, 0, false, nil
		}
		return v2, time, true, nil
	}
}

// ConvertedAsOf is the same for a versioned table.
func ConvertedAsOf[K, V, V2 any](get LookupAsOf[K, V], f Convert[K, V, V2]) LookupAsOf[K, V2] {
	return func(k K, time int64) (V2, int64, bool, error) {
		return Converted(func(k K) (V, int64, bool, error) { return get(k, time) }, f)(k)
	}
}
