package restore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams/internal/topo"
)

// Options are what a Restorer needs.
type Options struct {
	// Admin lists offsets. It is not closed.
	Admin *kgo.Client
	// Client makes a consumer; each task has its own while it restores.
	Client func(...kgo.Opt) (*kgo.Client, error)
	// Parallel is how many tasks restore at once; at least 1.
	Parallel int
	// FetchBytes bounds one fetch of a task, of which up to two are in memory, beside
	// what the DB takes for a bulk load. 0 is 16 MiB.
	FetchBytes int32
	// Observer may be nil.
	Observer Observer
	Log      *slog.Logger
}

// Job is one task to restore.
type Job struct {
	Task   topo.TaskID
	Stores []topo.Store
	// Open opens the task's DB. It is called on the restoring goroutine.
	Open func() (store.DB, error)
	// Progress, if set, is kept up to date.
	Progress *Progress
	// After, if set, is closed when the ends of the changelogs may be listed: what is
	// committed to them by anybody before that must be in the stores.
	After <-chan struct{}
	// Committed, if set, has the offsets that the group has committed in the task's
	// source topics; negative for none. It is called once After is closed, and bounds
	// the stores that are restored from the topics of their tables.
	Committed func() map[string]int64
	// Hook, if set, is called after each step and can fail it, for tests: "opened",
	// "listed", "applied".
	Hook func(step string) error
}

func (j *Job) hook(step string) error {
	if j.Hook == nil {
		return nil
	}
	return j.Hook(step)
}

// await waits until the job may begin.
func (j *Job) await(ctx context.Context) error {
	if j.After == nil {
		return ctx.Err()
	}
	select {
	case <-j.After:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Restorer restores tasks, a few at a time.
type Restorer struct {
	opt   Options
	slots chan struct{}
}

// New returns a Restorer. It starts nothing.
func New(opt Options) *Restorer {
	if opt.Observer == nil {
		opt.Observer = silent{}
	}
	if opt.FetchBytes <= 0 {
		opt.FetchBytes = defaultFetch
	}
	return &Restorer{opt: opt, slots: make(chan struct{}, max(1, opt.Parallel))}
}

// Start restores a job on a goroutine of its own, when a slot is free, and calls
// done with the complete DB, or with an error and no DB. Cancel ctx to give up;
// what was applied until then stays and is not read again.
func (r *Restorer) Start(ctx context.Context, job Job, done func(store.DB, error)) {
	go func() {
		done(r.run(ctx, job))
	}()
}

func (r *Restorer) run(ctx context.Context, job Job) (store.DB, error) {
	if err := job.await(ctx); err != nil {
		return nil, err
	}
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	db, err := job.Open()
	if err != nil {
		return nil, fmt.Errorf("task %s: opening its state: %w", job.Task, err)
	}
	if err = job.hook("opened"); err == nil {
		err = r.restore(ctx, job, db)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// restore repeats while a changelog was truncated under the reader, which can
// happen to a reader that is slower than the retention.
func (r *Restorer) restore(ctx context.Context, job Job, db store.DB) error {
	const attempts = 3
	var err error
	for range attempts {
		var cursors []*cursor
		if cursors, err = r.prepare(ctx, job, db); err != nil {
			return err
		}
		if err = r.consume(ctx, job, db, cursors); !errors.Is(err, kerr.OffsetOutOfRange) {
			break
		}
		r.opt.Log.Warn("a changelog was truncated while it was being restored; starting over", "task", job.Task.String(), "err", err)
	}
	return err
}

// prepare finds where each logged store stands and wipes those whose position
// lies outside of the log.
func (r *Restorer) prepare(ctx context.Context, job Job, db store.DB) ([]*cursor, error) {
	var cursors []*cursor
	for _, s := range job.Stores {
		e, err := db.Engine(s.Spec)
		if err != nil {
			return nil, fmt.Errorf("task %s: store %s: %w", job.Task, s.Spec.Name, err)
		}
		if s.Changelog != "" {
			cursors = append(cursors, newCursor(job.Task, s, e))
		}
	}
	if len(cursors) == 0 {
		return nil, nil
	}
	if err := bound(ctx, r.opt.Admin, cursors, job.Task.Partition); err != nil {
		return nil, fmt.Errorf("task %s: %w", job.Task, err)
	}
	if job.Committed != nil {
		boundSources(cursors, job.Committed())
	}
	pos := db.Position()
	for _, c := range cursors {
		if err := r.place(c, db, pos); err != nil {
			return nil, err
		}
	}
	job.Progress.begin(cursors)
	return cursors, nil
}

// bound lists where the logs begin and end. The end is listed uncommitted: what a
// transaction of a former owner left open counts as there, so that the reader
// waits for its outcome.
func bound(ctx context.Context, admin *kgo.Client, cursors []*cursor, partition int32) error {
	var topics []string
	for _, c := range cursors {
		topics = append(topics, c.store.Changelog)
	}
	bounds, err := List(ctx, admin, topics, partition, Uncommitted)
	for _, c := range cursors {
		b := bounds[c.store.Changelog]
		c.start, c.end = b.Start, b.End
	}
	return err
}

// boundSources ends those that read the topic of a table where the task will go on:
// what is behind that, its operators have yet to see.
func boundSources(cursors []*cursor, committed map[string]int64) {
	for _, c := range cursors {
		if c.store.FromSource {
			c.end = max(c.start, min(c.end, committed[c.store.Changelog]))
		}
	}
}

// place sets the cursor to the store's position. A position that the log does
// not contain is worth nothing: the topic was made anew or has lost records that
// the store has not seen. Then the store is rebuilt from the start.
func (r *Restorer) place(c *cursor, db store.DB, pos store.Position) error {
	next, known := pos[c.store.Changelog]
	c.next = next
	if known && next >= c.start && next <= c.end {
		return nil
	}
	if known {
		r.opt.Log.Warn("local state does not fit its changelog and is rebuilt",
			"task", c.task.String(), "store", c.store.Spec.Name, "changelog", c.store.Changelog,
			"position", next, "log_start", c.start, "log_end", c.end)
	}
	if err := c.engine.DeleteRange(nil, nil); err != nil {
		return fmt.Errorf("task %s: wiping store %s: %w", c.task, c.store.Spec.Name, err)
	}
	c.next = c.start
	return db.Commit(store.Position{c.store.Changelog: c.start})
}

// consume reads until every cursor has passed its end. On error the DB holds what is
// written, and an open load ends with the DB.
func (r *Restorer) consume(ctx context.Context, job Job, db store.DB, cursors []*cursor) error {
	open := r.announce(cursors)
	if len(open) == 0 {
		return nil
	}
	defer r.abandon(open) // those that are left when an error ends it
	cl, err := r.opt.Client(consumerOpts(open, job.Task.Partition, r.opt.FetchBytes)...)
	if err != nil {
		return fmt.Errorf("task %s: restore client: %w", job.Task, err)
	}
	defer cl.Close()
	into, err := newTarget(db, open, job.Progress)
	if err != nil {
		return fmt.Errorf("task %s: %w", job.Task, err)
	}
	if err := r.poll(ctx, job.Task, cl, into, open); err != nil {
		// What the log no longer has is not worth less for it.
		if errors.Is(err, kerr.OffsetOutOfRange) {
			err = errors.Join(err, into.close())
		}
		return err
	}
	return into.close()
}

// poll reads until no cursor is open.
func (r *Restorer) poll(ctx context.Context, task topo.TaskID, cl *kgo.Client, into target, open map[string]*cursor) error {
	for len(open) > 0 {
		fetches := cl.PollFetches(ctx)
		if err := fetchError(ctx, task, fetches); err != nil {
			return err
		}
		if err := r.apply(into, open, fetches); err != nil {
			return err
		}
	}
	return nil
}

// abandon tells the observer about stores that will not be complete.
func (r *Restorer) abandon(open map[string]*cursor) {
	for _, c := range open {
		r.opt.Observer.Abandon(c.event())
	}
}

// announce tells the observer about every store, and about the end of those
// that have nothing to read; it returns the others by topic.
func (r *Restorer) announce(cursors []*cursor) map[string]*cursor {
	open := make(map[string]*cursor)
	for _, c := range cursors {
		c.begun, c.from = time.Now(), c.next
		r.opt.Observer.Start(c.event())
		if c.done() {
			r.opt.Observer.End(c.event())
			continue
		}
		open[c.store.Changelog] = c
	}
	return open
}

func (r *Restorer) apply(into target, open map[string]*cursor, fetches kgo.Fetches) error {
	var failed error
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		c := open[p.Topic]
		if c == nil || failed != nil || len(p.Records) == 0 {
			return
		}
		if failed = c.read(into, p.Records); failed != nil {
			return
		}
		r.opt.Observer.Batch(c.event())
		if c.done() {
			if failed = into.done(c); failed != nil {
				return
			}
			delete(open, p.Topic)
			r.opt.Observer.End(c.event())
		}
	})
	return failed
}
