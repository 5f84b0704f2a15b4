package streams

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/millrace/millrace/streams/internal/assign"
	"github.com/millrace/millrace/streams/internal/restore"
	"github.com/millrace/millrace/streams/internal/topo"
)

// assigning is how this process assigns tasks while it leads the group.
func (c Config) assigning() assign.Options {
	lag := c.AcceptableRecoveryLag
	if lag == AnyRecoveryLag {
		lag = assign.Any
	}
	return assign.Options{
		Standbys: c.NumStandbyReplicas, AcceptableLag: lag, MaxWarmups: c.MaxWarmupReplicas, RackTags: c.RackAwareTags,
	}
}

// standbys is how copies of tasks are kept. They are restored one after the other,
// beside the tasks that are to run, and share one consumer.
func (e *engine) standbys() *restore.StandbyOptions {
	c := e.app.cfg
	fetch := c.restoreFetch(1) / 4 // of what active tasks may take
	return &restore.StandbyOptions{
		Restorer: restore.New(restore.Options{
			Admin: e.admin, Client: c.kafka().New, Parallel: 1, FetchBytes: fetch, Log: c.Logger,
		}),
		Client: c.kafka().New, FetchBytes: fetch, Committed: e.committed, Enough: c.assigning().AcceptableLag,
	}
}

// committed are the offsets that the group has committed in the source topics of a
// task. What cannot be found out counts as none: then the copy knows less.
func (e *engine) committed(ctx context.Context, id topo.TaskID) map[string]int64 {
	out := make(map[string]int64)
	topics := fromSource(&e.app.plan.Subtopologies[id.Subtopology])
	if len(topics) == 0 {
		return out
	}
	found, err := kadm.NewClient(e.admin).FetchOffsetsForTopics(ctx, e.app.plan.ApplicationID, topics...)
	if err != nil {
		e.app.cfg.Logger.Warn("the committed offsets of source topics are unknown; their stores are not brought up to date", "task", id.String(), "err", err)
	}
	for _, topic := range topics {
		out[topic] = -1
		if o, ok := found.Lookup(topic, id.Partition); ok && o.Err == nil {
			out[topic] = o.At
		}
	}
	return out
}

// endAtCommitted moves the ends of tasks back where a store is restored from a source
// topic: a copy gets as far as the group has committed, and no further.
func (e *engine) endAtCommitted(ctx context.Context, sums map[topo.TaskID]int64, ends kadm.ListedOffsets) error {
	var topics []string
	for _, sub := range e.app.plan.Subtopologies {
		topics = append(topics, fromSource(&sub)...)
	}
	if len(topics) == 0 {
		return nil
	}
	committed, err := kadm.NewClient(e.admin).FetchOffsetsForTopics(ctx, e.app.plan.ApplicationID, topics...)
	if err != nil {
		return fmt.Errorf("committed offsets: %w", err)
	}
	for id := range sums {
		for _, topic := range fromSource(&e.app.plan.Subtopologies[id.Subtopology]) {
			end, _ := ends.Lookup(topic, id.Partition)
			at, _ := committed.Lookup(topic, id.Partition)
			sums[id] -= max(0, end.Offset-max(at.At, 0))
		}
	}
	return nil
}

// fromSource are the topics of tables that a sub-topology restores from them.
func fromSource(sub *topo.Subtopology) []string {
	out := make(map[string]bool)
	for _, s := range sub.Stores {
		if s.FromSource {
			out[s.Changelog] = true
		}
	}
	return slices.Sorted(maps.Keys(out))
}

// standbyStatus is a copy for the snapshot.
func standbyStatus(r restore.Replica) StandbyStatus {
	return StandbyStatus{ID: r.ID.String(), Restoring: r.Restoring, Lag: r.Lag}
}
