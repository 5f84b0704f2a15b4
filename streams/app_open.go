package streams

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millrace/millrace/streams/internal/client"
	"github.com/millrace/millrace/streams/internal/global"
	"github.com/millrace/millrace/streams/internal/group"
	"github.com/millrace/millrace/streams/internal/poller"
	"github.com/millrace/millrace/streams/internal/restore"
	"github.com/millrace/millrace/streams/internal/topics"
	"github.com/millrace/millrace/streams/internal/topo"
	"github.com/millrace/millrace/streams/internal/worker"
)

// checkTimeout is how long an unreachable broker is tried at the start.
const checkTimeout = 10 * time.Second

// engine is everything that runs while an App runs, in the order of opening.
type engine struct {
	app     *App
	state   *state
	admin   *kgo.Client
	purger  *purger
	globals *global.Keeper // nil if the program has no global stores
	group   *lateGroup
	workers []*worker.Worker
	senders []*worker.Sender
	poller  *poller.Poller
	// producers makes what senders send with.
	producers *producers

	// hard ends waiting for brokers once the time to stop is over.
	hard   context.Context
	abort  context.CancelFunc
	cancel context.CancelFunc // ends restoring and purging
	soft   context.Context
	done   chan struct{} // closed when the purger has ended
}

// open makes everything that a running App needs, and nothing if one of it fails.
// What can be checked without a broker comes first.
func (a *App) open(ctx context.Context) (_ *engine, err error) {
	e := &engine{app: a, group: &lateGroup{}, done: make(chan struct{})}
	e.hard, e.abort = context.WithCancel(context.WithoutCancel(ctx))
	e.soft, e.cancel = context.WithCancel(context.WithoutCancel(ctx))
	close(e.done)
	defer func() {
		if err != nil {
			err = errors.Join(err, e.close(false))
		}
	}()
	if err := a.lookUp(ctx); err != nil {
		return nil, err
	}
	for _, step := range []func(context.Context) error{
		e.openState, e.openAdmin, e.ensureTopics, e.openGlobals, e.openProducers, e.openWorkers, e.openPoller,
	} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return e, nil
}

func (e *engine) openState(ctx context.Context) (err error) {
	e.state, err = openState(ctx, e.app.cfg, e.app.plan)
	return err
}

// openAdmin makes the client for requests and proves that the broker answers.
func (e *engine) openAdmin(ctx context.Context) (err error) {
	// New topics must show soon, and so must new partitions to a leader.
	if e.admin, err = e.app.cfg.kafka().New(kgo.MetadataMinAge(100 * time.Millisecond)); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	if err := client.Check(ctx, e.admin); err != nil {
		return err
	}
	// Offsets of another cluster would mean nothing.
	brokers, err := kadm.NewClient(e.admin).BrokerMetadata(ctx)
	if err != nil {
		return client.Explain(err, e.app.cfg.Brokers)
	}
	return e.state.dir.BindCluster(brokers.Cluster)
}

// ensureTopics checks the sources and makes the internal topics.
func (e *engine) ensureTopics(ctx context.Context) error {
	c := e.app.cfg
	var counts map[string]int32
	err := again(ctx, func(ctx context.Context) (err error) {
		counts, err = topics.Ensure(ctx, kadm.NewClient(e.admin), e.app.plan, topics.Options{
			ReplicationFactor: int16(c.ReplicationFactor), TopicConfig: c.TopicConfig,
			WaitForSources: c.WaitForSources, Logger: c.Logger,
		})
		return err
	})
	if err != nil {
		return client.Explain(err, c.Brokers)
	}
	e.state.expect(e.app.plan, counts)
	e.purger = newPurger(e.app.plan, c.Logger, func(ctx context.Context, below map[string]map[int32]int64) error {
		return topics.Purge(ctx, kadm.NewClient(e.admin), below)
	})
	return nil
}

// openWorkers makes the workers, each for its producer. They commit through the
// consumer, which does not exist yet.
func (e *engine) openWorkers(context.Context) error {
	c := e.app.cfg
	for i, sender := range e.senders {
		e.workers = append(e.workers, worker.New(worker.Options{
			Index: i, Hard: e.hard, Program: e.app.program, Sender: sender, Group: e.group, Purge: e.purger.committed,
			Global: e.globalEngine(),
			Hook:   e.app.hook, ExactlyOnce: c.ProcessingGuarantee == ExactlyOnce, Alive: e.group.alive, Restart: e.group.restart,
			MaxPollInterval: c.MaxPollInterval, Hung: e.group.abandon,
			TaskTimeout: c.TaskTimeout, CommitInterval: c.CommitInterval, MaxTaskIdle: c.MaxTaskIdle, SourceIdle: c.SourceIdle,
			MaxStaged: c.maxStaged() / int64(c.Workers),
			Handlers:  c.Handlers(), Replace: c.replaces, Fail: e.app.fail, Log: c.Logger,
		}))
	}
	return nil
}

func (e *engine) openPoller(context.Context) (err error) {
	c := e.app.cfg
	parallel := min(4, c.Workers+1)
	e.poller, err = poller.New(e.soft, poller.Options{
		Plan: e.app.plan, Client: c.kafka().New,
		Group: group.Options{
			Plan: e.app.plan, ProcessID: e.state.dir.ProcessID(), Offsets: e.state.offsets, Logger: c.Logger,
			Counts: e.counts, EndOffsets: e.endOffsets,
			Assign: c.assigning(), ProbingInterval: c.ProbingInterval, Tags: c.ClientTags,
			Remember: e.state.dir.SetMemo, Recall: e.state.dir.Memo,
		},
		InstanceID: c.InstanceID, SessionTimeout: c.SessionTimeout, HeartbeatInterval: c.HeartbeatInterval,
		RebalanceTimeout: c.RebalanceTimeout, MaxBuffered: c.MaxBufferedBytes,
		Workers: e.workers, Open: e.state.open, Standbys: e.standbys(),
		Restorer: restore.New(restore.Options{
			Admin: e.admin, Client: c.kafka().New, Parallel: parallel, Observer: e.app.progress, Log: c.Logger,
			FetchBytes: c.restoreFetch(parallel),
		}),
		Hook: e.app.hook, TaskTimeout: c.TaskTimeout, Fail: e.app.fail, Changed: e.app.changed, Log: c.Logger,
	})
	if err == nil {
		e.group.set(e.poller)
	}
	return err
}

// counts tells a leader how many partitions the sources have now.
func (e *engine) counts(ctx context.Context) (map[string]int32, error) {
	names := e.app.plan.SourceTopics()
	found, err := kadm.NewClient(e.admin).ListTopics(ctx, names...)
	if err != nil {
		return nil, fmt.Errorf("partition counts: %w", err)
	}
	out := make(map[string]int32, len(names))
	for _, t := range found {
		if t.Err == nil {
			out[t.Topic] = int32(len(t.Partitions))
		}
	}
	return out, nil
}

// endOffsets tells a leader how long the changelogs of tasks are.
func (e *engine) endOffsets(ctx context.Context, ids []topo.TaskID) (map[topo.TaskID]int64, error) {
	var changelogs []string
	for _, s := range e.app.plan.Subtopologies {
		changelogs = append(changelogs, changelogTopics(&s)...)
	}
	if len(changelogs) == 0 {
		return map[topo.TaskID]int64{}, nil
	}
	ends, err := kadm.NewClient(e.admin).ListEndOffsets(ctx, changelogs...)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("changelog ends: %w", err)
	}
	out := make(map[topo.TaskID]int64, len(ids))
	for _, id := range ids {
		for _, topic := range changelogTopics(&e.app.plan.Subtopologies[id.Subtopology]) {
			end, _ := ends.Lookup(topic, id.Partition)
			out[id] += end.Offset
		}
	}
	return out, e.endAtCommitted(ctx, out, ends)
}

func changelogTopics(sub *topo.Subtopology) (out []string) {
	for _, s := range sub.Stores {
		if s.Changelog != "" {
			out = append(out, s.Changelog)
		}
	}
	slices.Sort(out)
	return out
}
