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

// aliases says whether a T may share memory with its copies. If it does, an
// aggregator that changes its argument in place would change the old value too,
// so that operators decode that one apart.
func aliases(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface, reflect.Func, reflect.Chan, reflect.UnsafePointer:
		return true
	case reflect.Array:
		return t.Len() > 0 && aliases(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if aliases(t.Field(i).Type) {
				return true
			}
		}
	}
	return false
}
