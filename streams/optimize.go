package streams

import (
	"time"

	"github.com/millrace/millrace/streams/internal/topo"
)

// Optimization is a set of rewritings that save topics and stores; see
// [Config].Optimize. They are those of Kafka Streams' topology.optimization, and give
// the same names. To turn one on or off for an application that has run before means
// that the topics it renames begin empty.
type Optimization = topo.Optimization

// The optimizations, which may be combined by |.
const (
	// ReuseSourceTopics lets a table that is read from a topic restore its store from
	// that topic, so that it has no changelog topic. The topic must be compacted and
	// never lose the last record of a key.
	ReuseSourceTopics = topo.ReuseSourceTopics
	// MergeRepartitionTopics puts one repartition topic behind an operator that changes
	// keys, where each aggregation and join below would have its own. What lies
	// between moves behind it, except below operators that change values. As in Kafka
	// Streams, a processor counts as one that changes nothing, unless its types show it.
	MergeRepartitionTopics = topo.MergeRepartitionTopics
	// SingleStoreSelfJoin keeps one store instead of two for a join of a stream with
	// itself.
	SingleStoreSelfJoin = topo.SingleStoreSelfJoin
	// OptimizeAll is all of them.
	OptimizeAll = topo.OptimizeAll
)

// BuildOption changes how [Builder.Build] finishes a topology. An App takes them from
// its Config.
type BuildOption func(*topo.Options)

// building is what the configuration says about the topology.
func (c Config) building() []BuildOption {
	out := []BuildOption{Optimize(c.Optimize), LogRetention(c.LogRetention)}
	if c.RequireNames {
		out = append(out, RequireNames())
	}
	if c.HeaderStores {
		out = append(out, HeaderStores())
	}
	return out
}

// Optimize rewrites the topology; see [Optimization].
func Optimize(which Optimization) BuildOption {
	return func(o *topo.Options) { o.Optimize |= which }
}

// LogRetention is how much longer than a store of windows or versions its changelog
// topic keeps them; see [Config].LogRetention.
func LogRetention(d time.Duration) BuildOption {
	return func(o *topo.Options) { o.LogRetention = d }
}

// RequireNames refuses stores and internal topics whose names are generated; see
// [Config].RequireNames.
func RequireNames() BuildOption {
	return func(o *topo.Options) { o.RequireNames = true }
}

// HeaderStores writes changelogs as Kafka Streams' stores that keep headers do; see
// [Config].HeaderStores.
func HeaderStores() BuildOption {
	return func(o *topo.Options) { o.HeaderStores = true }
}
