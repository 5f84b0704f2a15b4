package poller

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams/internal/group"
	"github.com/millrace/millrace/streams/internal/restore"
	"github.com/millrace/millrace/streams/internal/topo"
	"github.com/millrace/millrace/streams/internal/txn"
	"github.com/millrace/millrace/streams/internal/worker"
)

// fetchWait is how long a broker holds a fetch that finds nothing. A partition
// that resumes is asked for in the next fetch only, so it bounds how late that is.
const fetchWait = 250 * time.Millisecond

// Options are what a Poller needs. All of it outlives the Poller.
type Options struct {
	Plan *topo.Plan
	// Client makes the consumer.
	Client func(...kgo.Opt) (*kgo.Client, error)
	// Group is what the balancer needs; the Poller adds what it knows itself.
	Group group.Options
	// InstanceID makes the member static; empty is dynamic.
	InstanceID        string
	SessionTimeout    time.Duration
	HeartbeatInterval time.Duration
	RebalanceTimeout  time.Duration
	// MaxBuffered bounds the bytes between the poller and the workers.
	MaxBuffered int64

	Workers  []*worker.Worker
	Restorer *restore.Restorer
	// Standbys say how copies of tasks are kept, but for what the Poller fills in:
	// stores, opening, and who is told. Nil keeps none.
	Standbys *restore.StandbyOptions
	// Open opens the local state of a task. It is called on restoring goroutines, and
	// waits for a former owner in this process until ctx ends.
	Open func(context.Context, topo.TaskID) (store.DB, error)

	// TaskTimeout is how long a task waits for brokers that are in trouble.
	TaskTimeout time.Duration
	// Hook fails between steps, for tests. It may be nil.
	Hook func(txn.Step) error
	// Fail ends the application. It does not block.
	Fail func(error)
	// Changed is called when tasks started or ended. It does not block.
	Changed func()
	Log     *slog.Logger
}

// Poller is the group member.
type Poller struct {
	opt      Options
	ctx      context.Context
	client   *kgo.Client
	registry *registry
	flow     *flow
	resets   map[string]topo.Reset // where topics start
	// committed belongs to the client's group callbacks, which never overlap.
	committed committedOffsets

	standbys *restore.Standbys // nil keeps none

	ready  chan struct{} // closed when client is set; callbacks may come before
	probe  probe
	joined atomic.Bool
	counts rebalances
	// standing is what workers wait on whose commits come with an old generation.
	standing *standing
	calls    calls
}

// rebalances counts assignment changes by cause.
type rebalances struct {
	assigned, revoked, lost atomic.Uint64
	last                    atomic.Int64 // ms since the epoch
}

// New makes the consumer, which joins the group as soon as it is polled. Cancel
// ctx to give up tasks that are restoring; Run has a context of its own.
func New(ctx context.Context, opt Options) (*Poller, error) {
	p := &Poller{opt: opt, ctx: ctx, registry: newRegistry(), resets: resets(opt.Plan), ready: make(chan struct{}), standing: newStanding()}
	p.flow = newFlow(opt.MaxBuffered, p.resume)
	p.standbys = p.newStandbys()
	client, err := opt.Client(p.clientOpts()...)
	if err != nil {
		return nil, fmt.Errorf("consumer: %w", err)
	}
	p.client = client
	close(p.ready)
	return p, nil
}

func resets(plan *topo.Plan) map[string]topo.Reset {
	out := make(map[string]topo.Reset)
	for _, sub := range plan.Subtopologies {
		for _, s := range sub.Sources {
			out[s.Topic] = s.Reset
		}
	}
	return out
}

func (p *Poller) clientOpts() []kgo.Opt {
	opts := []kgo.Opt{
		kgo.ConsumerGroup(p.opt.Plan.ApplicationID),
		kgo.ConsumeTopics(p.opt.Plan.SourceTopics()...),
		kgo.Balancers(p.balancer()),
		kgo.SessionTimeout(p.opt.SessionTimeout),
		kgo.HeartbeatInterval(p.opt.HeartbeatInterval),
		kgo.RebalanceTimeout(p.opt.RebalanceTimeout),
		kgo.DisableAutoCommit(),
		kgo.BlockRebalanceOnPoll(), // no batch is routed after its partition was revoked
		kgo.OnPartitionsAssigned(p.assigned),
		kgo.OnPartitionsRevoked(p.revoked),
		kgo.OnPartitionsLost(p.lost),
		kgo.OnOffsetsFetched(p.offsetsFetched),
		kgo.AdjustFetchOffsetsFn(p.adjustOffsets),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(), // a position can stand behind them
		kgo.FetchMaxWait(fetchWait),
		kgo.FetchMaxBytes(int32(min(32<<20, max(1<<20, p.opt.MaxBuffered/2)))),
	}
	if p.opt.InstanceID != "" {
		opts = append(opts, kgo.InstanceID(p.opt.InstanceID))
	}
	return opts
}

// Run polls until ctx ends. It returns nil then, or an error that ends the
// application.
func (p *Poller) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := p.round(ctx); err != nil {
			return err
		}
	}
	return nil
}

// round polls once. Whatever was posted meanwhile is done before the group may go on.
func (p *Poller) round(ctx context.Context) error {
	ctx, cancel := p.calls.context(ctx)
	defer cancel()
	fetches := p.client.PollRecords(ctx, 0)
	err := p.take(ctx, fetches)
	p.calls.run()
	p.client.AllowRebalance()
	if err == nil {
		p.flow.wait(ctx)
	}
	return err
}

// Close commits and closes all tasks within the budget, then ends the
// membership: a dynamic member leaves the group, a static one keeps its place.
func (p *Poller) Close(commit bool, budget time.Duration) {
	p.probe.stop()
	p.release(p.registry.ids(), commit, budget)
	if p.standbys != nil {
		p.standbys.Close()
	}
	p.client.CloseAllowingRebalance()
}

// Client is the consumer, for requests in the member's name.
func (p *Poller) Client() *kgo.Client { return p.client }

// Tasks lists the tasks of this process, sorted by id. Safe for concurrent use.
func (p *Poller) Tasks() []*worker.Task { return p.registry.tasks() }

// Joined reports whether the group has given an assignment, an empty one too.
// Safe for concurrent use.
func (p *Poller) Joined() bool { return p.joined.Load() }

// Rebalances counts changes of the assignment by cause and says when the last
// one was, ms since the epoch, 0 if there was none. Safe for concurrent use.
func (p *Poller) Rebalances() (counts map[string]uint64, last int64) {
	return map[string]uint64{
		"assigned": p.counts.assigned.Load(),
		"revoked":  p.counts.revoked.Load(),
		"lost":     p.counts.lost.Load(),
	}, p.counts.last.Load()
}

func (p *Poller) noteRebalance(counter *atomic.Uint64, changed bool) {
	if changed {
		counter.Add(1)
		p.counts.last.Store(time.Now().UnixMilli())
	}
}

// resume lets the client fetch partitions again.
func (p *Poller) resume(parts []*part) {
	m := make(map[string][]int32)
	for _, x := range parts {
		m[x.topic] = append(m[x.topic], x.partition)
	}
	p.client.ResumeFetchPartitions(m)
}

// quiet are the errors that end a poll without meaning anything.
func quiet(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, kgo.ErrClientClosed)
}
