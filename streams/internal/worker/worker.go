package worker

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams/internal/task"
	"github.com/millrace/millrace/streams/internal/txn"
)

// Options are what a Worker needs.
type Options struct {
	Index int
	// Hard ends waiting for brokers when the time to stop is over.
	Hard    context.Context
	Program task.Program
	Sender  *Sender
	Group   txn.Group
	// Global is a global store of the process, for reading; nil if there is none.
	Global func(store string) (store.Engine, error)
	// Purge deletes what lies before processed offsets of repartition topics; it
	// does not block. Nil does nothing.
	Purge func([]txn.Offset)
	// Hook fails commits between steps, for tests.
	Hook func(txn.Step) error

	// ExactlyOnce makes the sender's records and the offsets one transaction.
	ExactlyOnce bool
	// Alive asks the group whether it still knows this member, before a new producer
	// throws another one's out. Nil does not ask.
	Alive func(context.Context) error
	// Restart has tasks begin again at the last commit. Their stores are closed. It
	// does not block. Nil makes every failed commit fatal.
	Restart func([]*Task)
	// MaxPollInterval is how long a callback may take before the worker is given up,
	// and Hung is told then. Hung must not block.
	MaxPollInterval time.Duration
	Hung            func(*Worker)
	// TaskTimeout is how long failures may follow each other without a commit.
	TaskTimeout time.Duration

	CommitInterval time.Duration
	MaxTaskIdle    time.Duration
	// SourceIdle is how long a source must be silent to be waited for no more, where it
	// says nothing else itself; 0 is for ever.
	SourceIdle time.Duration
	// MaxStaged is how many bytes of writes may wait for a commit.
	MaxStaged int64
	// Handlers decide about records that fail; nil fails.
	Handlers *task.Handlers
	// Replace says whether the worker begins again after an error, at the last commit
	// and with a new producer, and does not end the application. Nil never does.
	Replace func(error) bool
	// Fail ends the application. It does not block.
	Fail func(error)
	Log  *slog.Logger
}

// Worker is one goroutine that processes records of its tasks. All methods post
// to it and return at once; they are safe for concurrent use.
type Worker struct {
	opt    Options
	mail   *mailbox
	board  board
	done   chan struct{}
	pulse  pulse
	commit txn.Protocol

	// What follows belongs to the goroutine.
	owned      []*owned
	count      *counters
	nextCommit time.Time
	postponed  time.Time // since when commits do not succeed; zero if they do
	failing    failing
	renewing   bool // a new producer is on its way; nothing runs meanwhile
	failed     bool
	quit       bool
	// beside are goroutines that make a producer or close stores.
	beside sync.WaitGroup
}

// New returns a Worker; Run runs it.
func New(opt Options) *Worker {
	w := &Worker{
		opt: opt, mail: newMailbox(), done: make(chan struct{}), count: newCounters(),
		commit: txn.Protocol{Sender: opt.Sender, Group: opt.Group, Purge: opt.Purge, Hook: opt.Hook},
	}
	if opt.ExactlyOnce {
		w.commit.Transaction = opt.Sender
	}
	return w
}

// Index is the worker's number, from 0.
func (w *Worker) Index() int { return w.opt.Index }

// Status copies what the worker has done so far.
func (w *Worker) Status() Status { return w.board.read() }

// Start takes over a task whose stores in db are complete. running is called on
// the worker's goroutine once the task can take records. The worker closes db.
func (w *Worker) Start(t *Task, db store.DB, starts map[string]Start, running func()) {
	w.mail.post(func() { w.start(t, db, starts, running) })
}

// Deliver hands over fetched records. Those of a task that the worker does not
// have any more are dropped.
func (w *Worker) Deliver(t *Task, b Batch) {
	w.mail.post(func() { w.deliver(t, b) })
}

// Stop ends tasks: it commits them if so asked, until ctx ends, closes their
// stores and calls done, on a goroutine of the worker.
func (w *Worker) Stop(ctx context.Context, tasks []*Task, commit bool, done func()) {
	w.mail.post(func() { w.stop(ctx, tasks, commit, done) })
}

// Quit ends the goroutine, after the mail that was posted before, and waits for
// it until ctx ends. Tasks must have been stopped.
func (w *Worker) Quit(ctx context.Context) {
	w.mail.post(func() { w.quit = true })
	select {
	case <-w.done:
	case <-ctx.Done():
	}
}
