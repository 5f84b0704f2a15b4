package streams

import (
	"reflect"

	"github.com/google/uuid"

	"github.com/millrace/millrace/streams/serde"
)

// registry holds serdes by the type they are for.
type registry map[reflect.Type]any

// builtin has the types that need no registration.
func builtin() registry {
	r := registry{}
	put[string](r, serde.String)
	put[int64](r, serde.Int64)
	put[[]byte](r, serde.Bytes)
	put[float64](r, serde.Float64)
	put[uuid.UUID](r, serde.UUID)
	return r
}

func put[T any](r registry, s serde.Serde[T]) { r[reflect.TypeFor[T]()] = s }

// Register makes a serde the one for its type, wherever an operator makes
// values of that type and the call names no serde. String, int64, []byte,
// float64 and UUID are built in. It works for the declarations that follow.
func Register[T any](b *Builder, s serde.Serde[T]) {
	if s == nil {
		b.fail(caller(), "the serde to register for %v is nil", reflect.TypeFor[T]())
		return
	}
	put(b.serdes, s)
}

// keySerde is the serde of the handle's keys, for the declaration c that must
// write them; nil, with a fault, if there is none.
func (h handle[K, V]) keySerde(c *call) serde.Serde[K] {
	if h.ks != nil {
		return h.ks
	}
	return lookup[K](h.b, c, "key", "WithKeySerde", h.keyFrom)
}

// valueSerde is the same for values.
func (h handle[K, V]) valueSerde(c *call) serde.Serde[V] {
	if h.vs != nil {
		return h.vs
	}
	return lookup[V](h.b, c, "value", "WithValueSerde", h.valueFrom)
}

func lookup[T any](b *Builder, c *call, part, remedy string, from origin) serde.Serde[T] {
	typ := reflect.TypeFor[T]()
	if s, ok := b.serdes[typ].(serde.Serde[T]); ok {
		return s
	}
	b.fail(c.Where, "no serde for the %s type %v, which %s at %s made; use %s, or register one with the builder",
		part, typ, from.what, from.where, remedy)
	return nil
}

// origin says which operator made a type, and where.
type origin struct{ what, where string }

func (c *call) origin() origin { return origin{operation(c.Prefix), c.Where} }
