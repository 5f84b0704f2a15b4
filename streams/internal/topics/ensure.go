package topics

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/millrace/millrace/streams/internal/topo"
)

// Options of Ensure.
type Options struct {
	// ReplicationFactor of new topics; 0 or -1 is the broker's default.
	ReplicationFactor int16
	// TopicConfig is added to the configuration of new topics; a store's own
	// settings win over it.
	TopicConfig map[string]string
	// WaitForSources is how long to wait for missing source topics.
	WaitForSources time.Duration
	// Logger may be nil.
	Logger *slog.Logger
}

const (
	// pollInterval is how often the metadata is asked again while waiting.
	pollInterval = 200 * time.Millisecond
	// visibleTimeout bounds the wait for a new topic to be known to the brokers.
	visibleTimeout = time.Minute
)

// ensurer is one call of Ensure.
type ensurer struct {
	Options
	adm  *kadm.Client
	plan *topo.Plan
}

// Ensure checks that all topics of the plan exist and fit, creates the internal
// ones that are missing, and waits until the brokers know them. Several processes
// may do so at once. It returns the partition counts of all source topics and
// changelogs. The errors name topics and remedies; *MissingError,
// *CopartitionError, *PartitionsError and *ConfigError are among them, joined.
func Ensure(ctx context.Context, adm *kadm.Client, plan *topo.Plan, o Options) (Counts, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.ReplicationFactor == 0 {
		o.ReplicationFactor = -1
	}
	e := &ensurer{Options: o, adm: adm, plan: plan}
	external, err := e.awaitSources(ctx)
	if err != nil {
		return nil, err
	}
	counts, err := Partitions(plan, external)
	if err != nil {
		return nil, err
	}
	changelogs(plan, counts)
	if err := e.internal(ctx, counts); err != nil {
		return nil, err
	}
	return counts, nil
}

// awaitSources returns the counts of the external source topics.
func (e *ensurer) awaitSources(ctx context.Context) (Counts, error) {
	want := e.external()
	deadline, cancel := context.WithTimeout(ctx, e.WaitForSources)
	defer cancel()
	for told := false; ; told = true {
		found, err := e.list(ctx, want...)
		if err != nil {
			return nil, err
		}
		missing := e.missing(want, found)
		if len(missing) == 0 {
			return partitions(found), nil
		}
		lacking := &MissingError{Topics: missing}
		if !told && e.WaitForSources > 0 {
			e.Logger.Warn("waiting for source topics", "err", lacking)
		}
		if !pause(deadline) {
			return nil, errors.Join(lacking, ctx.Err())
		}
	}
}

// external lists the source topics that are not internal, those of global stores
// included.
func (e *ensurer) external() []string {
	internal := repartitions(e.plan)
	out := slices.DeleteFunc(e.plan.SourceTopics(), func(t string) bool {
		_, ours := internal[t]
		return ours
	})
	for _, g := range e.plan.Globals {
		out = append(out, g.Topic)
	}
	return out
}

// missing are the sources that were not found, with the lines that read them.
func (e *ensurer) missing(want []string, found kadm.TopicDetails) (out []topo.Source) {
	for _, t := range want {
		if !found.Has(t) {
			out = append(out, source(e.plan, t))
		}
	}
	return out
}

// list describes topics; those that do not exist, or are just being made, are left
// out.
func (e *ensurer) list(ctx context.Context, names ...string) (kadm.TopicDetails, error) {
	if len(names) == 0 {
		return nil, nil // the request would mean all topics
	}
	// Asking for the operations allowed has the side effect that the client's cache,
	// which may be seconds old, does not answer.
	found, err := e.adm.ListTopics(kadm.WithAuthorizedOps(ctx), names...)
	if errors.Is(err, kerr.TopicAuthorizationFailed) {
		return nil, fmt.Errorf("topics %s: %w; grant this user Describe and Read on them, and Write on those with the prefix %s-",
			strings.Join(names, ", "), err, e.plan.ApplicationID)
	}
	if err != nil {
		return nil, fmt.Errorf("looking for the topics of %s: %w", e.plan.ApplicationID, err)
	}
	for _, t := range found.Sorted() {
		switch {
		case errors.Is(t.Err, kerr.UnknownTopicOrPartition), errors.Is(t.Err, kerr.LeaderNotAvailable):
			delete(found, t.Topic)
		case t.Err != nil:
			return nil, fmt.Errorf("topic %s: %w", t.Topic, t.Err)
		}
	}
	return found, nil
}

// partitions are the counts of topics that exist.
func partitions(found kadm.TopicDetails) Counts {
	out := make(Counts)
	for name, t := range found {
		out[name] = int32(len(t.Partitions))
	}
	return out
}

// pause waits a little and reports whether there is time for another attempt.
func pause(ctx context.Context) bool {
	t := time.NewTimer(pollInterval)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
