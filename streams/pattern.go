package streams

import (
	"fmt"

	"github.com/millrace/millrace/streams/internal/topo"
	"github.com/millrace/millrace/streams/serde"
)

// StreamMatching reads all topics as one stream whose names match a pattern, as a
// whole: a regular expression of package regexp. Topics that another call reads by
// name, and internal ones of Kafka and of the application, are left out. Which ones
// match is found out at the start and then every Config.PatternRefresh; a new one
// changes the assignment of the whole group. It is not an error if none matches.
//
// Reading one pattern twice gives the same stream, as with [Builder.Stream].
func (b *Builder) StreamMatching[K, V any](pattern string, ks serde.Serde[K], vs serde.Serde[V], opts ...SourceOption) Stream[K, V] {
	c := declare(b, "KSTREAM-SOURCE-", false, opts)
	if _, err := topo.CompilePattern(pattern); err != nil {
		c.fail("the pattern %q: %w", pattern, err)
	}
	if ks == nil || vs == nil {
		c.fail("a serde is nil")
	}
	what := fmt.Sprintf("the topics matching %q", pattern)
	if again, ok := b.sources[what]; ok {
		return Stream[K, V]{sourceAgain[K, V](&c, what, again)}
	}
	from := origin{what, c.Where}
	h := handle[K, V]{b: b, ks: ks, vs: vs, keyFrom: from, valueFrom: from}
	h.id = b.graph.SourcePattern(pattern, c.reset, c.Call)
	b.link(h.id, timed(Topic[K, V]{ks: ks, vs: vs}, c.timeRule, enter(ks, vs, false)))
	b.sources[what] = h
	return Stream[K, V]{h}
}

// Patterns says whether the topology reads topics by a pattern.
func (t *Topology) Patterns() bool { return t.graph.Patterns() }

// Matching is the topology in which the sources with patterns read those of the topics
// that match. Until it is called they read none.
func (t *Topology) Matching(topics []string) *Topology {
	out := *t
	out.graph = t.graph.Matching(topics)
	return &out
}
