package streams

import (
	"fmt"
	"time"

	"github.com/millrace/millrace/streams/internal/async"
	"github.com/millrace/millrace/streams/internal/topo"
)

// settings is what the options of one call said.
type settings struct {
	name, operator string
	partitions     int32
	retention      time.Duration
	history        time.Duration
	versioned      bool
	storeName      string
	grace          time.Duration
	waits          bool
	lru            int
	inMemory       bool
	maxRecords     *int
	maxBytes       *int
	failFull       bool
	loggingOff     bool
	noCache        bool
	spare          bool
	logConfig      map[string]string
	reset          topo.Reset
	resetGiven     bool
	duplicates     bool
	timeRule       timeRule
	async          async.Options
	idleAfter      time.Duration
	ttl            time.Duration
	lateLeft       any // what OnLateLeft was given, for a stream of its types
	lateRight      any
	uses           []*storeDecl
	faults         []error
}

func (s *settings) fault(format string, args ...any) {
	s.faults = append(s.faults, fmt.Errorf(format, args...))
}

// once sets a name that may be given once.
func (s *settings) once(what string, field *string, name string) {
	if *field != "" {
		s.fault("%s is given twice, %q and %q", what, *field, name)
		return
	}
	if err := topo.CheckName(name); err != nil {
		s.fault("%s: %w", what, err)
		return
	}
	*field = name
}

// option is any option; the families below add one method each, so that the
// compiler refuses an option where it has no meaning.
type option interface{ apply(*settings) }

// SourceOption changes [Builder.Stream].
type SourceOption interface {
	option
	sourceOption()
}

// SinkOption changes [Stream.To].
type SinkOption interface {
	option
	sinkOption()
}

// NodeOption changes an operator without state.
type NodeOption interface {
	option
	nodeOption()
}

// RepartitionOption changes how a stream is grouped: the repartition topic, if
// one is needed.
type RepartitionOption interface {
	option
	repartitionOption()
}

// TableOption changes [Builder.Table]. Every StoreOption is one.
type TableOption interface {
	option
	tableOption()
}

// StoreOption changes an operator that keeps state: its store and its changelog
// topic.
type StoreOption interface {
	TableOption
	DedupOption
	storeOption()
}

// JoinOption changes a join.
type JoinOption interface {
	option
	joinOption()
}

// Name is the option that As makes. It fits every call.
type Name struct{ name string }

// As names what a call makes: the operator, and with it the repartition topic
// of a grouping or join; for a call with a store, the store and its changelog
// topic. Names keep topics in place when the topology is changed later, because
// generated ones are numbered. Letters, digits, '.', '_' and '-' are allowed.
func As(name string) Name { return Name{name} }

func (n Name) apply(s *settings)  { s.once("the name", &s.name, n.name) }
func (n Name) sourceOption()      {}
func (n Name) sinkOption()        {}
func (n Name) nodeOption()        {}
func (n Name) repartitionOption() {}
func (n Name) tableOption()       {}
func (n Name) storeOption()       {}
func (n Name) joinOption()        {}

// storeSetting is an option for stores only.
type storeSetting func(*settings)

func (f storeSetting) apply(s *settings) { f(s) }
func (storeSetting) tableOption()        {}
func (storeSetting) storeOption()        {}

// AsOperator names the operator of a call whose As names the store.
func AsOperator(name string) StoreOption {
	return storeSetting(func(s *settings) { s.once("the operator's name", &s.operator, name) })
}

// WithRetention keeps windows or sessions that long behind the newest record of
// the store, instead of just as long as late records can reach them: for
// queries. It must not be shorter than window plus grace.
func WithRetention(d time.Duration) StoreOption {
	return storeSetting(func(s *settings) {
		if d <= 0 {
			s.fault("the retention %v is not positive", d)
		}
		s.retention = d
	})
}

// Logging is the option that WithoutLogging and WithLogConfig make. It fits stores, and
// joins of streams, whose stores it is about.
type Logging func(*settings)

func (f Logging) apply(s *settings) { f(s) }
func (Logging) tableOption()        {}
func (Logging) storeOption()        {}
func (Logging) joinOption()         {}
func (Logging) dedupOption()        {}

// WithoutLogging leaves the store without a changelog topic: it is lost with
// its disk and begins empty on another machine.
func WithoutLogging() Logging { return func(s *settings) { s.loggingOff = true } }

// NoCache leaves the store without a record cache: each change is written, logged
// and sent on at once, instead of the last of each key at a commit.
func NoCache() StoreOption {
	return storeSetting(func(s *settings) { s.noCache = true })
}

// SpareName uses up a generated name before the store gets its own, if it has no name
// given. So does a count of Kafka Streams that is called with a Materialized without a
// name: say it where you take over from such an application, so that generated names,
// and with them topics, stay as they are.
func SpareName() StoreOption {
	return storeSetting(func(s *settings) { s.spare = true })
}

// WithLogConfig adds to the configuration of the changelog topic when it is
// created, such as "min.insync.replicas". The map is copied.
func WithLogConfig(config map[string]string) Logging {
	return func(s *settings) {
		if s.logConfig == nil {
			s.logConfig = map[string]string{}
		}
		for k, v := range config {
			s.logConfig[k] = v
		}
	}
}

// OffsetReset is the option that EarliestOffset, LatestOffset and OffsetAgo make.
type OffsetReset struct{ reset topo.Reset }

// OffsetAgo starts, where the application has no committed offset, with the first
// record that is not older than d by its timestamp, or at the end if there is none
// (auto.offset.reset=by_duration in Kafka).
func OffsetAgo(d time.Duration) OffsetReset {
	return OffsetReset{topo.Reset{Ago: d, By: topo.ResetAgo}}
}

// EarliestOffset starts at the beginning of a topic for which the application
// has no committed offset. It is the default.
func EarliestOffset() OffsetReset { return OffsetReset{topo.Reset{By: topo.ResetEarliest}} }

// LatestOffset starts at the end of a topic for which the application has no
// committed offset.
func LatestOffset() OffsetReset { return OffsetReset{topo.Reset{By: topo.ResetLatest}} }

func (o OffsetReset) apply(s *settings) {
	if s.resetGiven && s.reset != o.reset {
		s.fault("two offsets to start from are given, %v and %v", s.reset, o.reset)
	}
	if o.reset.Ago < 0 {
		s.fault("the time %v ago lies ahead", o.reset.Ago)
	}
	s.reset, s.resetGiven = o.reset, true
}
func (OffsetReset) sourceOption() {}
func (OffsetReset) tableOption()  {}

// Partitions is the option that WithPartitions makes.
type Partitions struct{ n int32 }

// WithPartitions gives the repartition topic of a grouping that many partitions.
// Without it, it gets as many as the largest topic that feeds it. Where keys did
// not change there is no such topic, and the option changes nothing.
func WithPartitions(n int32) Partitions { return Partitions{n} }

func (p Partitions) apply(s *settings) {
	if p.n <= 0 {
		s.fault("the partition count %d is not positive", p.n)
	}
	s.partitions = p.n
}
func (Partitions) repartitionOption() {}
