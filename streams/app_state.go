package streams

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/memstore"
	"github.com/millrace/millrace/store/pebblestore"
	"github.com/millrace/millrace/streams/internal/seam"
	"github.com/millrace/millrace/streams/internal/statedir"
	"github.com/millrace/millrace/streams/internal/topo"
)

// state is the local state of the process: the locked directory and what its
// databases share. It is safe for concurrent use.
type state struct {
	cfg    Config
	disk   func(pebblestore.Options) pebblestore.Options // a simulation's; nil is the real one
	plan   *topo.Plan
	dir    *statedir.Dir
	shared *pebblestore.Shared

	mu    sync.Mutex
	dbs   int                   // that there can be
	known map[topo.TaskID]int64 // sums of positions of tasks on the disk, not in use
	inUse map[topo.TaskID]*claimed
}

// openState locks the directory and looks what is there.
func openState(ctx context.Context, cfg Config, plan *topo.Plan) (*state, error) {
	dir, err := statedir.Open(ctx, statedir.Options{
		Dir: cfg.StateDir, ApplicationID: cfg.ApplicationID, LockTimeout: cfg.StateLockTimeout, Logger: cfg.Logger,
		InstanceID: cfg.InstanceID, AllowNetworkFilesystem: cfg.AllowNetworkFilesystem, Kubernetes: os.Getenv("KUBERNETES_SERVICE_HOST") != "",
	})
	if err != nil {
		return nil, err
	}
	s := &state{
		cfg: cfg, disk: seam.From(ctx).Disk, plan: plan, dir: dir, shared: pebblestore.NewShared(cfg.MemoryLimit - max(cfg.CacheBytes, 0)),
		known: make(map[topo.TaskID]int64), inUse: make(map[topo.TaskID]*claimed),
	}
	limitHeap(cfg.Logger, s.shared.OutsideHeap())
	if err := s.survey(); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// survey reads the positions of the tasks on the disk, so that the group can give
// each task to the process that has its state. A database that does not open says
// nothing here and gets its error when it is used.
func (s *state) survey() error {
	ids, err := s.dir.Tasks()
	if err != nil {
		return err
	}
	for _, id := range ids {
		if int(id.Subtopology) >= len(s.plan.Subtopologies) {
			continue // of another topology; the state cleaner's business
		}
		if db, err := pebblestore.Open(s.dir.TaskDir(id), s.options()); err == nil {
			s.note(id, db.Position())
			_ = db.Close()
		}
	}
	return nil
}

// note keeps what the group is told of a task that is not in use.
func (s *state) note(id topo.TaskID, pos store.Position) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var sum int64
	for _, topic := range changelogTopics(&s.plan.Subtopologies[id.Subtopology]) {
		sum += pos[topic]
	}
	s.known[id] = sum
}

// offsets copies the sums for the group.
func (s *state) offsets() map[topo.TaskID]int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make(map[topo.TaskID]int64, len(s.known))
	for id, sum := range s.known {
		if len(changelogTopics(&s.plan.Subtopologies[id.Subtopology])) > 0 {
			out[id] = sum
		}
	}
	return out
}

// expect sizes memtables for all tasks with state that there can be.
func (s *state) expect(plan *topo.Plan, partitions map[string]int32) {
	n := 0
	for _, id := range plan.Tasks(partitions) {
		if len(plan.Subtopologies[id.Subtopology].Stores) > 0 {
			n++
		}
	}
	if len(plan.Globals) > 0 {
		n++ // all of them have one
	}
	s.shared.Expect(n)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dbs = n
}

// options share what may be lost in a crash among the databases.
func (s *state) options() pebblestore.Options {
	const least = 4 << 20 // flushing less than that at a time costs more than restoring it
	s.mu.Lock()
	defer s.mu.Unlock()
	o := pebblestore.Options{
		Shared: s.shared, Logger: s.cfg.Logger,
		MaxUnflushedBytes: max(least, s.cfg.MaxUnflushedBytes/int64(max(1, s.dbs))),
	}
	if s.disk != nil {
		return s.disk(o)
	}
	return o
}

// open opens the database of a task, once the former owner in this process has
// closed it, which it waits for until ctx ends. A task without stores needs no database. Damaged files are set aside: the
// changelog has everything.
func (s *state) open(ctx context.Context, id topo.TaskID) (store.DB, error) {
	release, err := s.dir.Claim(ctx, id)
	if err != nil {
		return nil, err
	}
	if len(s.plan.Subtopologies[id.Subtopology].Stores) == 0 {
		return stateless{memstore.New(), release}, nil
	}
	db, err := pebblestore.Open(s.dir.TaskDir(id), s.options())
	if errors.Is(err, store.ErrCorrupt) {
		db, err = s.rebuild(id, err)
	}
	if err != nil {
		release()
		return nil, err
	}
	c := &claimed{DB: db, state: s, id: id, release: release}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inUse[id] = c
	return withMemory(c, s.plan.Subtopologies[id.Subtopology].Stores), nil
}

func (s *state) rebuild(id topo.TaskID, cause error) (*pebblestore.DB, error) {
	aside, err := s.dir.Quarantine(id, cause.Error())
	if err != nil {
		return nil, err
	}
	s.cfg.Logger.Error("the local state of a task is damaged; it is set aside and restored from its changelogs", "task", id.String(), "aside", aside, "err", cause)
	db, err := pebblestore.Open(s.dir.TaskDir(id), s.options())
	if err != nil {
		return nil, fmt.Errorf("task %s: after setting damaged state aside: %w", id, err)
	}
	return db, nil
}

// close gives the directory back.
func (s *state) close() error {
	return errors.Join(s.shared.Close(), s.dir.Close())
}

// stateless is the state of a task without stores. It is claimed all the same: a record
// that hangs one worker must not be handed to the next while it does.
type stateless struct {
	store.DB
	release func()
}

// Close lets the next owner in.
func (s stateless) Close() error {
	s.release()
	return s.DB.Close()
}

// claimed is a database whose directory others in this process may wait for.
type claimed struct {
	*pebblestore.DB
	state   *state
	id      topo.TaskID
	release func()
	once    sync.Once
}

// Close closes the database and lets the next owner in.
func (c *claimed) Close() (err error) {
	c.once.Do(func() {
		c.state.note(c.id, c.Position())
		c.state.forget(c.id)
		err = errors.Join(c.DB.Close(), c.state.dir.Touch(c.id))
		c.release()
	})
	return err
}

func (s *state) forget(id topo.TaskID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.inUse, id)
}
