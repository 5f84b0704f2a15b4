package restore

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams/internal/topo"
)

// maxPasses is how often a copy is restored in a row while its log grows. The follower
// is as fast, but what it still has to read would not count as caught up.
const maxPasses = 10

// StandbyOptions are what Standbys need.
type StandbyOptions struct {
	// Restorer brings copies up to date at first. It should not be the one of active
	// tasks, which go first.
	Restorer *Restorer
	// Client makes the consumer that follows the changelogs of all copies.
	Client func(...kgo.Opt) (*kgo.Client, error)
	// FetchBytes bounds one fetch of it, of which up to two are in memory; 0 is 16 MiB.
	FetchBytes int32
	// Stores are those of a task.
	Stores func(topo.TaskID) []topo.Store
	// Open opens a task's DB, once its former owner in this process has closed it. It
	// is called on restoring goroutines.
	Open func(topo.TaskID) (store.DB, error)
	// Committed are the offsets that the group has committed in the task's source
	// topics, for stores that are restored from there. Nil is none.
	Committed func(context.Context, topo.TaskID) map[string]int64
	// Refresh is how often those stores are; 0 is every half minute.
	Refresh time.Duration
	// Retry is the pause before a copy that failed begins again; 0 is 5 seconds.
	Retry time.Duration
	// Enough is how many offsets a copy may be behind to count as caught up.
	Enough int64
	// CaughtUp is told when the last of the copies that were being restored has caught
	// up, if one of them was further behind than Enough: its task can come here now. Nil
	// is nobody. It must not block.
	CaughtUp func()
	// Changed is told when a copy came or went; nil is nobody. It must not block.
	Changed func()
	Log     *slog.Logger
}

// Standbys keep copies of tasks that run elsewhere: standby and warm-up replicas. A
// copy is restored first; then one consumer follows the changelogs of all of them.
// When its task comes to this process the copy is taken as it is, with its stores
// open, so that only what was written last is left to restore.
//
// It is safe for concurrent use.
type Standbys struct {
	opt     StandbyOptions
	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu       sync.Mutex
	copies   map[topo.TaskID]*replica
	news     bool      // a copy that was far behind has caught up
	follower *follower // made for the first copy that is up to date
}

// replica is one copy. Its DB is the restorer's at first, then its own.
type replica struct {
	id       topo.TaskID
	ctx      context.Context
	cancel   context.CancelFunc
	progress *Progress
	caughtUp bool // once at least; guarded by Standbys.mu

	mu      sync.Mutex
	db      store.DB // while it follows; nil before and after
	cursors map[string]*cursor
	lag     map[string]int64
}

// NewStandbys keep nothing yet.
func NewStandbys(opt StandbyOptions) *Standbys {
	if opt.Changed == nil {
		opt.Changed = func() {}
	}
	if opt.CaughtUp == nil {
		opt.CaughtUp = func() {}
	}
	if opt.FetchBytes <= 0 {
		opt.FetchBytes = defaultFetch
	}
	opt.Refresh, opt.Retry = cmp.Or(opt.Refresh, 30*time.Second), cmp.Or(opt.Retry, 5*time.Second)
	s := &Standbys{opt: opt, copies: make(map[topo.TaskID]*replica)}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// Set says which tasks to have copies of. Those that are new begin, those that are
// not in it any more are closed, both on goroutines of their own: it does not block.
func (s *Standbys) Set(ids []topo.TaskID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		return
	}
	for id, c := range s.copies {
		if !slices.Contains(ids, id) {
			delete(s.copies, id)
			s.running.Go(func() { s.giveUp(c) })
		}
	}
	for _, id := range ids {
		if s.copies[id] == nil {
			s.begin(id)
		}
	}
}

// begin restores a copy. Called with mu held.
func (s *Standbys) begin(id topo.TaskID) {
	c := &replica{id: id, progress: new(Progress)}
	c.ctx, c.cancel = context.WithCancel(s.ctx)
	s.copies[id] = c
	s.running.Go(func() { s.restore(c, nil) })
}

// restore brings a copy up to date and keeps it so. The DB is nil if it is to be
// opened first.
func (s *Standbys) restore(c *replica, db store.DB) {
	db, err := s.pass(c, db)
	behind := c.progress.Status().Total > s.opt.Enough
	// A pass that takes a while leaves behind what was logged meanwhile.
	for pass := 1; err == nil && pass < maxPasses && c.progress.Status().Total > s.opt.Enough; pass++ {
		db, err = s.pass(c, db)
	}
	if err == nil {
		err = s.follow(c, db, behind)
	}
	if err != nil && c.ctx.Err() == nil {
		s.failed(c, err)
	}
}

// pass restores what the log has now. On error the DB is closed.
func (s *Standbys) pass(c *replica, db store.DB) (store.DB, error) {
	job := Job{Task: c.id, Stores: s.opt.Stores(c.id), Progress: c.progress}
	job.Open = func() (store.DB, error) {
		if db == nil {
			return s.opt.Open(c.id)
		}
		open := db
		db = nil
		return open, nil
	}
	if s.opt.Committed != nil {
		job.Committed = func() map[string]int64 { return s.opt.Committed(c.ctx, c.id) }
	}
	restored, err := s.opt.Restorer.run(c.ctx, job)
	if db != nil { // given up before its turn came
		err = errors.Join(err, db.Close())
	}
	return restored, err
}

// follow keeps a restored copy up to date, unless it is not wanted any more.
func (s *Standbys) follow(c *replica, db store.DB, behind bool) error {
	f, err := s.followed()
	if err == nil {
		err = c.open(db, s.opt.Stores(c.id))
	}
	if err != nil {
		return errors.Join(err, db.Close())
	}
	if c.ctx.Err() != nil { // whoever gave it up before has found no DB to close
		if db := c.take(); db != nil {
			return db.Close()
		}
		return nil
	}
	f.add(c)
	s.caughtUp(c, behind)
	if slices.ContainsFunc(s.opt.Stores(c.id), func(st topo.Store) bool { return st.FromSource }) {
		s.running.Go(func() { s.refresh(f, c) })
	}
	s.opt.Changed()
	return nil
}

// caughtUp says so when no copy is left to wait for. One that was hardly behind, or was
// there already and only refreshed, is no news.
func (s *Standbys) caughtUp(c *replica, behind bool) {
	s.mu.Lock()
	s.news = s.news || behind && !c.caughtUp
	c.caughtUp = true
	tell := s.news
	for _, other := range s.copies {
		tell = tell && other.caughtUp
	}
	s.news = s.news && !tell
	s.mu.Unlock()
	if tell {
		s.opt.CaughtUp()
	}
}

// refresh restores a copy once more, after a while, up to what the group has committed
// meanwhile: the stores that read source topics are not followed, since what is behind
// that their task has yet to see.
func (s *Standbys) refresh(f *follower, c *replica) {
	if pause(c.ctx, s.opt.Refresh) != nil {
		return
	}
	f.remove(c)
	if db := c.take(); db != nil {
		s.restore(c, db)
	}
}

// failed begins again after a while. A copy is a convenience: its faults are said, and
// end nothing else.
func (s *Standbys) failed(c *replica, err error) {
	s.opt.Log.Warn("a standby replica failed and is begun again", "task", c.id.String(), "in", s.opt.Retry.String(), "err", err)
	s.giveUp(c)
	if pause(s.ctx, s.opt.Retry) != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.copies[c.id] == c && s.ctx.Err() == nil {
		s.begin(c.id)
	}
}

// giveUp closes a copy, wherever it is in its life.
func (s *Standbys) giveUp(c *replica) {
	db := s.detach(c)
	if db == nil {
		return // the restorer has it and closes it
	}
	if err := db.Close(); err != nil {
		s.opt.Log.Error("closing the state of a standby replica", "task", c.id.String(), "err", err)
	}
	s.opt.Changed()
}

// detach takes a copy out of everything that uses it.
func (s *Standbys) detach(c *replica) store.DB {
	c.cancel()
	s.mu.Lock()
	f := s.follower
	s.mu.Unlock()
	if f != nil {
		f.remove(c)
	}
	return c.take()
}

// Take hands a copy over: its DB, open, at the position that it has come to. The
// caller closes it. There is none if the task has no copy here, or one that is still
// being restored; that one is given up, and what it has restored stays on the disk.
func (s *Standbys) Take(id topo.TaskID) (store.DB, bool) {
	s.mu.Lock()
	c := s.copies[id]
	delete(s.copies, id)
	s.mu.Unlock()
	if c == nil {
		return nil, false
	}
	db := s.detach(c)
	return db, db != nil
}

// Replica is how a copy is doing.
type Replica struct {
	ID topo.TaskID
	// Restoring is set until the copy has caught up for the first time.
	Restoring bool
	// Sum is the sum of the next offsets to restore, Lag how many offsets are known to
	// be behind them.
	Sum, Lag int64
	// Progress is that of restoring.
	Progress Status
}

// List says how all copies are doing, sorted by task.
func (s *Standbys) List() []Replica {
	s.mu.Lock()
	copies := slices.SortedFunc(maps.Values(s.copies), func(x, y *replica) int { return x.id.Compare(y.id) })
	s.mu.Unlock()
	out := make([]Replica, 0, len(copies))
	for _, c := range copies {
		out = append(out, c.status())
	}
	return out
}

// Close gives all copies up and waits until their files are closed.
func (s *Standbys) Close() {
	s.mu.Lock()
	s.cancel()
	copies := slices.Collect(maps.Values(s.copies))
	clear(s.copies)
	f := s.follower
	s.mu.Unlock()
	if f != nil {
		f.close()
	}
	var all sync.WaitGroup
	for _, c := range copies {
		all.Go(func() { s.giveUp(c) })
	}
	all.Wait()
	s.running.Wait()
}
