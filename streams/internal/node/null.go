package node

import "reflect"

// nullTest returns the test whether a T is null: nil unless T is a pointer. It
// is asked once, at link time. The comparison is between two pointer-shaped
// interfaces: it neither reflects nor allocates.
func nullTest[T any]() func(T) bool {
	if !nullable[T]() {
		return nil
	}
	var null T
	return func(v T) bool { return any(v) == any(null) }
}

// nullable says whether T has a null of its own, that is whether user functions
// can be shown a null. All others never see one: see Record.Null.
func nullable[T any]() bool { return reflect.TypeFor[T]().Kind() == reflect.Pointer }
