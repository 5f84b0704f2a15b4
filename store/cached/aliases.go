package cached

import (
	"reflect"
	"strings"

	"github.com/millrace/millrace/streams/serde"
)

// Aliases says whether a T may share memory with its copies. If it does, whoever
// changes one copy in place changes the others. Strings cannot be changed, and so
// do not count. It reflects: ask once.
func Aliases[T any]() bool { return aliases(reflect.TypeFor[T]()) }

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

// traits is what a cache knows about its values' type, asked once.
type traits[V any] struct {
	// plain values can neither alias nor borrow: they are kept as they are.
	plain bool
	// borrows says that a value may be a part of a fetched batch, which it would
	// keep alive as long as it is cached.
	borrows bool
	// clone cuts a plain value off a fetched batch; nil if there is nothing to cut.
	clone func(V) V
	// length is what a plain value weighs beyond its own size; nil for nothing.
	length func(V) int
}

func traitsOf[V any](s serde.Serde[V]) traits[V] {
	_, borrows := s.(serde.Borrower[V])
	t := traits[V]{borrows: borrows}
	// Strings are the one type that borrows and that we know how to copy.
	t.clone, _ = any(strings.Clone).(func(V) V)
	t.length, _ = any(func(s string) int { return len(s) }).(func(V) int)
	t.plain = !Aliases[V]() && (!borrows || t.clone != nil)
	return t
}
