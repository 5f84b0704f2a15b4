package streamstest

import (
	"time"

	"github.com/millrace/millrace/store/cached"
	"github.com/millrace/millrace/streams"
)

// Option changes what New makes.
type Option func(*Driver)

// WithPartitions gives each topic n partitions in place of one, so that the
// topology runs as n tasks a sub-topology. A repartition topic with a count of
// its own keeps that.
func WithPartitions(n int) Option {
	return func(d *Driver) { d.partitions = int32(max(1, n)) }
}

// WithApplicationID sets the id that precedes the names of internal topics; it is
// "test" otherwise.
func WithApplicationID(id string) Option { return func(d *Driver) { d.app = id } }

// WithClock sets the time at which the driver's clock stands first, cut to
// milliseconds; it is 2024-01-01 00:00 UTC otherwise.
func WithClock(start time.Time) Option { return func(d *Driver) { d.clock = start.UnixMilli() } }

// WithCache gives the tables and aggregates record caches of so many bytes together,
// as an application has by default. Because the driver commits after each record,
// they hold back only what one record changes several times. Without the option
// there are none.
func WithCache(bytes int64) Option {
	return func(d *Driver) { d.caches = cached.NewBudget(bytes) }
}

// WithTopics says which topics there are, for sources that read what matches a pattern
// of [streams.Builder.StreamMatching]. The others exist in any case.
func WithTopics(names ...string) Option {
	return func(d *Driver) { d.exist = append(d.exist, names...) }
}

// WithBuild says how the topology is built, for example [streams.Optimize].
func WithBuild(opts ...streams.BuildOption) Option {
	return func(d *Driver) { d.build = append(d.build, opts...) }
}

// WithHandlers has the fields of a Config decide about what fails, as in an application:
// its OnUndecodable, OnFailure, OnUndeliverable, OnDropped and DeadLetters. The others
// are ignored.
func WithHandlers(c streams.Config) Option {
	return func(d *Driver) { d.handlers = c.Handlers() }
}

// SkipUndecodable leaves records out that cannot be decoded, and counts them, as
// an application does that is so configured. Otherwise they are errors.
func SkipUndecodable() Option { return func(d *Driver) { d.skipUndecodable = true } }

// epoch is where the driver's clock stands first, in ms: 2024-01-01 00:00 UTC.
const epoch = 1_704_067_200_000
