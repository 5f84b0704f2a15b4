package topics

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/millrace/millrace/streams/internal/topo"
)

// spec is one internal topic as it should be.
type spec struct {
	name       string
	partitions int32
	config     map[string]string
}

// specs are all internal topics, repartition topics first.
func (e *ensurer) specs(counts Counts) (out []spec) {
	sources := repartitions(e.plan)
	for _, sub := range e.plan.Subtopologies {
		for _, r := range sub.Repartitions {
			out = append(out, spec{r.Topic, counts[r.Topic], e.config(r.Config, nil)})
		}
	}
	for _, sub := range e.plan.Subtopologies {
		for _, s := range sub.Stores {
			if _, shared := sources[s.Changelog]; !s.Logs() || shared || isSource(e.plan, s.Changelog) {
				continue // no changelog, or a source topic that serves as one
			}
			out = append(out, spec{s.Changelog, counts[s.Changelog], e.config(s.ChangelogConfig, s.Spec.LogConfig)})
		}
	}
	return out
}

// isSource reports whether the application reads the topic.
func isSource(plan *topo.Plan, topic string) bool {
	_, ok := plan.SubtopologyOf(topic)
	return ok
}

// config is the plan's, then the application's, then the store's own.
func (e *ensurer) config(planned, own map[string]string) map[string]string {
	out := make(map[string]string)
	for _, layer := range []map[string]string{planned, e.TopicConfig, own} {
		maps.Copy(out, layer)
	}
	return out
}

// internal checks the internal topics that exist and creates the others.
func (e *ensurer) internal(ctx context.Context, counts Counts) error {
	wanted := e.specs(counts)
	found, err := e.list(ctx, names(wanted)...)
	if err != nil {
		return err
	}
	var present, absent []spec
	for _, s := range wanted {
		if found.Has(s.name) {
			present = append(present, s)
		} else {
			absent = append(absent, s)
		}
	}
	if err := e.check(ctx, present, found); err != nil {
		return err
	}
	for _, s := range absent {
		if err := e.create(ctx, s); err != nil {
			return err
		}
	}
	return e.awaitVisible(ctx, absent)
}

// names lists topics for a request.
func names(specs []spec) (out []string) {
	for _, s := range specs {
		out = append(out, s.name)
	}
	return out
}

// create creates a topic unless somebody else just did.
func (e *ensurer) create(ctx context.Context, s spec) error {
	configs := make(map[string]*string, len(s.config))
	for k, v := range s.config {
		configs[k] = kadm.StringPtr(v)
	}
	resp, err := e.adm.CreateTopic(ctx, s.partitions, e.ReplicationFactor, configs, s.name)
	switch {
	case err == nil:
		e.Logger.Info("created internal topic", "topic", s.name, "partitions", s.partitions)
		return nil
	case errors.Is(err, kerr.TopicAlreadyExists):
		return nil // checked when it becomes visible
	case errors.Is(err, kerr.TopicAuthorizationFailed), errors.Is(err, kerr.ClusterAuthorizationFailed):
		return fmt.Errorf("creating internal topic %s: %w; grant this user Create on topics with the prefix %s-, or create it beforehand with %d partitions and %v",
			s.name, err, e.plan.ApplicationID, s.partitions, s.config)
	case errors.Is(err, kerr.InvalidReplicationFactor):
		return fmt.Errorf("creating internal topic %s: %w (%s); the cluster has fewer brokers than the replication factor %d: lower Config.ReplicationFactor",
			s.name, err, resp.ErrMessage, e.ReplicationFactor)
	}
	return fmt.Errorf("creating internal topic %s with %d partitions, replication factor %d, %v: %w %s",
		s.name, s.partitions, e.ReplicationFactor, s.config, err, resp.ErrMessage)
}

// awaitVisible waits until the brokers know new topics and each partition has a
// leader: assigning their partitions before that would fail.
func (e *ensurer) awaitVisible(ctx context.Context, created []spec) error {
	if len(created) == 0 {
		return nil
	}
	deadline, cancel := context.WithTimeout(ctx, visibleTimeout)
	defer cancel()
	for {
		found, err := e.list(ctx, names(created)...)
		if err != nil {
			return err
		}
		if late := firstInvisible(created, found); late != "" {
			if !pause(deadline) {
				return fmt.Errorf("topic %s was created but the brokers do not report leaders for its partitions: %w", late, deadline.Err())
			}
			continue
		}
		return e.check(ctx, created, found)
	}
}

// firstInvisible is a topic that cannot be used yet, or empty.
func firstInvisible(created []spec, found kadm.TopicDetails) string {
	for _, s := range created {
		if !found.Has(s.name) || !led(found[s.name]) {
			return s.name
		}
	}
	return ""
}

// led reports whether every partition has a leader.
func led(t kadm.TopicDetail) bool {
	for _, p := range t.Partitions {
		if p.Leader < 0 {
			return false
		}
	}
	return len(t.Partitions) > 0
}
