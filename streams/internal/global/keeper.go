package global

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams/internal/restore"
	"github.com/millrace/millrace/streams/internal/task"
	"github.com/millrace/millrace/streams/internal/topo"
)

// Options are what a Keeper needs.
type Options struct {
	// Globals are the stores, at least one.
	Globals []topo.Global
	// Program links the operators that fill them.
	Program task.Program
	// Task is how their operators treat faults.
	Task task.Options
	// DB has all the stores. The Keeper owns it from a successful Open on.
	DB store.Follower
	// Admin lists offsets. It is not closed.
	Admin *kgo.Client
	// Client makes the consumer.
	Client func(...kgo.Opt) (*kgo.Client, error)
	// Observer is told how filling goes, by partitions; nil is nobody.
	Observer restore.Observer
	// Log may be nil.
	Log *slog.Logger
}

// Keeper keeps global stores up to date. Engine, Status, Skipped and Reader are safe
// for concurrent use, everything else belongs to one goroutine.
type Keeper struct {
	opt     Options
	client  *kgo.Client
	inputs  map[string]*input              // by topic
	readers map[string]func() store.Reader // by store; fixed by Open

	mu      sync.Mutex // guards what other goroutines ask for
	skipped map[SkipKey]uint64
	status  []Status

	gate  sync.RWMutex // readers of [Keeper.Reader] hold it, so that Close waits for them
	ended bool
}

// SkipKey says which operator left records out, and why.
type SkipKey struct{ Operator, Reason string }

// Open fills the stores up to the ends that their topics have now, and returns when
// that is done, or ctx ends.
func Open(ctx context.Context, opt Options) (_ *Keeper, err error) {
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	k := &Keeper{opt: opt, inputs: map[string]*input{}, readers: map[string]func() store.Reader{}, skipped: map[SkipKey]uint64{}}
	defer func() {
		if err != nil {
			k.stop()
		}
	}()
	if err = k.prepare(ctx); err != nil {
		return nil, err
	}
	if k.client, err = opt.Client(k.consumer()...); err != nil {
		return nil, fmt.Errorf("the client of global stores: %w", err)
	}
	if err = k.fill(ctx); err != nil {
		return nil, err
	}
	return k, nil
}

// prepare opens the stores, links their operators and finds where each topic stands.
func (k *Keeper) prepare(ctx context.Context) error {
	for _, g := range k.opt.Globals {
		read, err := k.opt.DB.Follow(g.Store.Spec)
		if err != nil {
			return fmt.Errorf("%s: the global store %s: %w", g.Where, g.Store.Spec.Name, err)
		}
		k.readers[g.Store.Spec.Name] = read
		in := &input{Global: g, k: k}
		id := topo.TaskID{Subtopology: g.Subtopology}
		if in.task, err = task.New(id, []string{g.Topic}, k.opt.Program, in, k.opt.Task); err != nil {
			return fmt.Errorf("the global store %s: %w", g.Store.Spec.Name, err)
		}
		k.inputs[g.Topic] = in
	}
	return k.place(ctx)
}

// consumer makes a client that reads all partitions from where the stores stand. The
// ends of transactions are kept, because they can be the last thing in a log.
func (k *Keeper) consumer() []kgo.Opt {
	from := map[string]map[int32]kgo.Offset{}
	for topic, in := range k.inputs {
		from[topic] = map[int32]kgo.Offset{}
		for p, c := range in.cursors {
			from[topic][p] = kgo.NewOffset().At(c.next)
		}
	}
	return []kgo.Opt{
		kgo.ConsumePartitions(from),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(),
	}
}

// fill reads to the ends.
func (k *Keeper) fill(ctx context.Context) error {
	open := k.announce()
	defer func() { k.abandon(open) }()
	for len(open) > 0 {
		if err := k.round(ctx); err != nil {
			return err
		}
		open = k.progress(open)
	}
	return nil
}

// Run keeps the stores up to date until ctx ends, which is no error.
func (k *Keeper) Run(ctx context.Context) error {
	for {
		if err := k.round(ctx); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
	}
}

// round takes up what has come, and waits for it if there is nothing.
func (k *Keeper) round(ctx context.Context) error {
	fetches := k.client.PollFetches(ctx)
	if err := k.fetchError(ctx, fetches); err != nil {
		return err
	}
	var failed error
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		if failed == nil {
			failed = k.inputs[p.Topic].take(p.Partition, p.Records, p.HighWatermark)
		}
	})
	if failed != nil {
		return failed
	}
	return k.commit()
}

// fetchError finds what the client does not repair by itself.
func (k *Keeper) fetchError(ctx context.Context, fetches kgo.Fetches) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	failures := fetches.Errors()
	if len(failures) == 0 {
		return nil
	}
	e := failures[0]
	err := fmt.Errorf("reading the global topic %s/%d: %w", e.Topic, e.Partition, e.Err)
	if errors.Is(e.Err, kerr.OffsetOutOfRange) {
		err = fmt.Errorf("%w; records were deleted before they were read. A restart reads the topic from its beginning", err)
	}
	return err
}

// commit makes what a round changed visible, together with the offsets behind it.
func (k *Keeper) commit() error {
	pos := store.Position{}
	for topic, in := range k.inputs {
		for p, c := range in.cursors {
			if c.next != c.committed {
				pos[positionOf(topic, p)] = c.next
			}
		}
	}
	if err := k.opt.DB.Commit(pos); err != nil {
		return fmt.Errorf("committing global stores: %w", err)
	}
	for _, in := range k.inputs {
		for _, c := range in.cursors {
			c.committed = c.next
		}
	}
	k.publish()
	return nil
}

// Close ends reading. Run has returned, and no engine of Engine is in use any more.
func (k *Keeper) Close() error {
	k.stop()
	k.gate.Lock()
	defer k.gate.Unlock()
	k.ended = true
	return k.opt.DB.Close()
}

func (k *Keeper) stop() {
	if k.client != nil {
		k.client.Close()
	}
}
