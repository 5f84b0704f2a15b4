package streams

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/millrace/millrace/store/cached"
	"github.com/millrace/millrace/streams/internal/seam"
	"github.com/millrace/millrace/streams/internal/task"
	"github.com/millrace/millrace/streams/internal/topo"
	"github.com/millrace/millrace/streams/internal/txn"
)

// App is one process of an application: a member of its consumer group that
// runs the tasks which the group gives it. Start more processes with the same
// Config to share the work.
//
// An App has one life: New, Run, and the end of Run. All methods are safe for
// concurrent use.
type App struct {
	cfg      Config
	topology *Topology
	program  task.Program
	plan     *topo.Plan
	matched  matched
	progress *progress
	caches   *cached.Budget       // of all record caches; nil for none
	hook     func(txn.Step) error // crashes commits between steps, for tests

	ran     atomic.Bool
	stop    context.CancelFunc // set by Run, under mu
	mu      sync.Mutex
	phase   State
	told    State // the last state that was logged
	failed  error // the first failure that a part of the engine reported
	err     error // what Run returned
	started time.Time
	rt      *engine // once it is open, and after the end for its counters

	membership Membership    // what Close asked for
	closing    bool          // Close was called, perhaps before there was anything to stop
	ended      chan struct{} // closed when Run returns
}

// New builds the topology and checks the configuration; it reports all faults of
// both together. It contacts nobody and touches no file.
func New(b *Builder, cfg Config) (*App, error) {
	cfg = cfg.withDefaults(environment)
	topology, buildErr := b.Build(cfg.building()...)
	if err := errors.Join(cfg.validate(), buildErr); err != nil {
		return nil, err
	}
	caches := cfg.caches()
	program, plan := topology.ForApplication(cfg.ApplicationID, caches)
	return &App{
		caches: caches, ended: make(chan struct{}),
		cfg: cfg, topology: topology, program: program, plan: plan,
		progress: newProgress(newDisplay(cfg.Progress, cfg.Logger), cfg.RestoreListener),
	}, nil
}

// Topology is what the App runs.
func (a *App) Topology() *Topology { return a.topology }

// Run joins the group and processes records until ctx ends, or SIGTERM or SIGINT
// arrives (unless Config.NoSignals), or something fails that no retry repairs.
//
// When it is asked to end, it finishes the records in hand, commits, flushes and
// closes the stores and returns nil. A dynamic member leaves the group; a static
// one keeps its place for Config.SessionTimeout, so that a restart moves no task.
// A second signal ends the process at once.
//
// Errors explain themselves. ErrFenced is one to test for.
func (a *App) Run(ctx context.Context) error {
	if a.ran.Swap(true) {
		return ErrAlreadyRun
	}
	if !a.cfg.NoSignals {
		var release func()
		ctx, release = signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
		defer release()
		context.AfterFunc(ctx, release) // a second signal kills, as without us
	}
	err := explainEnd(a.run(ctx), a.cfg)
	a.end(err)
	return err
}

// run is a whole life between the states.
func (a *App) run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if at := seam.From(ctx).Hook; at != nil {
		a.hook = func(s txn.Step) error { return at(string(s)) }
	}
	a.enter(StateStarting, func() {
		a.started, a.stop = time.Now(), stop
		if a.closing {
			stop()
		}
	})
	a.cfg.Logger.Info("starting", "application", a.cfg.ApplicationID, "workers", a.cfg.Workers, "instance_id", a.cfg.InstanceID, "state_dir", a.cfg.StateDir)

	for {
		again, err := a.runOnce(ctx)
		if !again || err != nil {
			return err
		}
		a.cfg.Logger.Info("beginning again, because other topics match the patterns", "application", a.cfg.ApplicationID)
	}
}

// runOnce is a life with the topics that match the patterns when it begins; again says
// that it ended because others do.
func (a *App) runOnce(ctx context.Context) (again bool, err error) {
	life, end := context.WithCancelCause(ctx)
	defer end(nil)
	rt, err := a.open(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return false, a.failure() // asked to end while starting
		}
		return false, err
	}
	a.enter(StateRunning, func() { a.rt = rt })
	unwatch := rt.watch(life, func() { end(errMatches) })
	if err = rt.run(life); err != nil {
		a.fail(err)
	}
	unwatch()
	again = errors.Is(context.Cause(life), errMatches)
	a.enter(StateStopping, nil)
	a.cfg.Logger.Info("stopping", "application", a.cfg.ApplicationID)
	err = rt.close(a.failure() == nil)
	return again, errors.Join(a.failure(), err)
}

// fail ends Run with an error. The first one counts, also if it comes from the
// last commit.
func (a *App) fail(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.failed == nil {
		a.failed = err
	}
	a.stop()
}

func (a *App) failure() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.failed
}

// changed logs that the App began to restore, or that all its tasks run.
func (a *App) changed() {
	s := a.Status()
	a.mu.Lock()
	defer a.mu.Unlock()
	if s.State != a.told && a.phase == StateRunning {
		a.told = s.State
		a.cfg.Logger.Info(s.State.String(), "application", a.cfg.ApplicationID, "tasks", len(s.Tasks))
	}
}

func (a *App) enter(s State, with func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.phase = s
	if with != nil {
		with()
	}
}

// end notes how the life ended.
func (a *App) end(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	defer close(a.ended)
	a.phase, a.err = StateStopped, err
	if err != nil {
		a.phase = StateFailed
		a.cfg.Logger.Error("failed", "application", a.cfg.ApplicationID, "err", err)
		return
	}
	a.cfg.Logger.Info("stopped", "application", a.cfg.ApplicationID)
}

// explainEnd adds advice to errors that a user meets.
func explainEnd(err error, cfg Config) error {
	if errors.Is(err, kerr.FencedInstanceID) && !errors.Is(err, ErrFenced) {
		return fmt.Errorf("%w: %q of group %s. Every process needs its own InstanceID; in Kubernetes, let it default to the pod's name and run a StatefulSet. A pod that was replaced while it hung may ignore this (%w)",
			ErrFenced, cfg.InstanceID, cfg.ApplicationID, err)
	}
	return err
}
