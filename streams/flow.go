package streams

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/millrace/millrace/streams/internal/node"
	"github.com/millrace/millrace/streams/serde"
)

// MapNullable replaces each value by f of it, nulls included: ok says whether there
// is a value. It is for types that cannot show a null themselves.
func (s Stream[K, V]) MapNullable[V2 any](f func(v V, ok bool) V2, opts ...NodeOption) Stream[K, V2] {
	h := s.h.owned()
	c := declare(h.b, "KSTREAM-MAPVALUES-", f == nil, opts, h.id)
	return Stream[K, V2]{step(h, c, newValue[V2](h, c), func(e *node.Env, next node.Sink[K, V2]) node.Sink[K, V] {
		return node.MapNullable(e, f, next)
	})}
}

// FlatMapValuesKeyed is FlatMapValues for a function that sees the key as well.
func (s Stream[K, V]) FlatMapValuesKeyed[V2 any](f func(K, V) []V2, opts ...NodeOption) Stream[K, V2] {
	h := s.h.owned()
	c := declare(h.b, "KSTREAM-FLATMAPVALUES-", f == nil, opts, h.id)
	return Stream[K, V2]{step(h, c, newValue[V2](h, c), func(e *node.Env, next node.Sink[K, V2]) node.Sink[K, V] {
		return node.FlatMapValuesKeyed(e, f, next)
	})}
}

// MergeAs is [Stream.Merge] with options, such as a name.
func (s Stream[K, V]) MergeAs(other Stream[K, V], opts ...NodeOption) Stream[K, V] {
	return Stream[K, V]{merge(s.h.owned(), []handle[K, V]{other.h}, opts)}
}

// merge declares the node where streams come together.
func merge[K, V any](h handle[K, V], others []handle[K, V], opts []NodeOption) handle[K, V] {
	c := declare(h.b, "KSTREAM-MERGE-", false, opts, h.id)
	for _, o := range others {
		if o.b != h.b {
			c.fail("a stream of another builder cannot be merged in")
			continue
		}
		c.Parents = append(c.Parents, o.id)
		h.rekeyed = h.rekeyed || o.rekeyed
	}
	return step(h, c, h, func(_ *node.Env, next node.Sink[K, V]) node.Sink[K, V] { return next })
}

// Print writes a line for each record to w and ends the stream there: label, key
// and value as fmt prints them. It is for looking at a stream while a program is
// being written. Lines of several tasks do not mix; an error of w fails the record.
func (s Stream[K, V]) Print(w io.Writer, label string, opts ...NodeOption) {
	h := s.h.owned()
	c := declare(h.b, "KSTREAM-PRINTER-", w == nil, opts, h.id)
	var lines sync.Mutex
	end(h, c, func(*node.Env) node.Sink[K, V] {
		return func(r *Record[K, V]) error {
			lines.Lock()
			defer lines.Unlock()
			_, err := fmt.Fprintf(w, "[%s]: %s, %s\n", label, shown(r.Key, r.NoKey), shown(r.Value, r.Null))
			return err
		}
	})
}

func shown(v any, null bool) string {
	if null {
		return "null"
	}
	return fmt.Sprint(v)
}

// ToFunc writes each record to the topic that topic names for it, with the serdes
// given. An empty name is an error. The topics must exist.
func (s Stream[K, V]) ToFunc(topic func(Record[K, V]) string, ks serde.Serde[K], vs serde.Serde[V], opts ...SinkOption) {
	h := s.h.owned()
	c := declare(h.b, "KSTREAM-SINK-", topic == nil, opts, h.id)
	if ks == nil || vs == nil {
		c.fail("a serde is nil")
	}
	h.b.link(h.b.graph.DynamicSink(c.Call), leaveTo(topic, ks, vs))
}

// StreamAll reads several topics as one stream, with the serdes of the first; the
// types are the same. Reading the same ones twice gives the same stream; no topic of
// them may be read otherwise.
func (b *Builder) StreamAll[K, V any](topics []Topic[K, V], opts ...SourceOption) Stream[K, V] {
	c := declare(b, "KSTREAM-SOURCE-", false, opts)
	if len(topics) == 0 {
		c.fail("no topics are given")
		return Stream[K, V]{handle[K, V]{}.owned()}
	}
	var names []string
	for _, t := range topics {
		t.check(&c)
		if slices.Contains(names, t.name) {
			c.fail("the topic %s is given twice", t.name)
		}
		names = append(names, t.name)
	}
	what := "the topics " + strings.Join(slices.Sorted(slices.Values(names)), ", ")
	if again, ok := b.sources[what]; ok {
		return Stream[K, V]{sourceAgain[K, V](&c, what, again)}
	}
	from := origin{what, c.Where}
	t := topics[0]
	h := handle[K, V]{b: b, ks: t.ks, vs: t.vs, keyFrom: from, valueFrom: from}
	h.id = b.graph.SourceAll(names, c.reset, c.Call)
	b.graph.IdleAfter(h.id, c.idleAfter)
	b.link(h.id, timed(t, c.timeRule, enter(t.ks, t.vs, false)))
	b.sources[what] = h
	return Stream[K, V]{h}
}

// Repartition sends the records through a topic of the application's own, by the
// keys they have now; records without key are left out. As names the topic, and
// WithPartitions says how many partitions it has. What groups or joins behind it
// needs no other one.
func (s Stream[K, V]) Repartition(opts ...RepartitionOption) Stream[K, V] {
	return Stream[K, V]{through(s.h.owned(), false, chooser[K, V]{}, opts)}
}

func through[K, V any](h handle[K, V], missing bool, to chooser[K, V], opts []RepartitionOption) handle[K, V] {
	c := declare(h.b, "KSTREAM-REPARTITION-", missing, opts, h.id)
	out := h
	out.ks, out.vs, out.rekeyed = h.keySerde(&c), h.valueSerde(&c), false
	nodes := h.b.graph.Repartition(c.Call, c.partitions)
	repartition(h, nodes, out.ks, out.vs)
	h.b.link(nodes.Sink, to.leave(out.ks, out.vs))
	out.id = nodes.Source
	return out
}
