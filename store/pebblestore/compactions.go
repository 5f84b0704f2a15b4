package pebblestore

import (
	"slices"
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// compactions limits how many compactions run at once over all DBs of a process.
// A DB asks when it has work; if no slot is free, it is asked back when one is.
//
// Lock order, as Pebble wants it: a DB's mutex before ours. So ours is never held
// while a DB is called, but for GetAllowedWithoutPermission, which takes none.
type compactions struct {
	mu      sync.Mutex
	called  *sync.Cond // a DB's call has returned
	slots   int
	running int
	waiting []*scheduler // those that were refused, in order
}

func newCompactions(slots int) *compactions {
	c := &compactions{slots: slots}
	c.called = sync.NewCond(&c.mu)
	return c
}

// scheduler is what one DB sees of the limit: a pebble.CompactionScheduler, and
// the grant that each of its compactions holds.
type scheduler struct {
	all     *compactions
	db      pebble.DBForCompaction // nil before Register and after Unregister
	running int
	calling bool
	held    bool // no compaction starts
}

var (
	_ pebble.CompactionScheduler   = (*scheduler)(nil)
	_ pebble.CompactionGrantHandle = (*scheduler)(nil)
)

// forDB is the scheduler of one more DB.
func (c *compactions) forDB() *scheduler { return &scheduler{all: c} }

// free reports whether s may run one more, by the process's limit and its own.
func (s *scheduler) free() bool {
	return s.db != nil && !s.held && s.all.running < s.all.slots && s.running < s.db.GetAllowedWithoutPermission()
}

// take and release move one slot; both limits count it.
func (s *scheduler) take()    { s.running++; s.all.running++ }
func (s *scheduler) release() { s.running--; s.all.running-- }

// Register is called by the DB once it is open.
func (s *scheduler) Register(_ int, db pebble.DBForCompaction) {
	s.all.mu.Lock()
	defer s.all.mu.Unlock()
	s.db = db
}

// Unregister is called by the DB when it closes; no call to it is under way or made
// after that.
func (s *scheduler) Unregister() {
	s.all.mu.Lock()
	defer s.all.mu.Unlock()
	s.db = nil
	s.all.waiting = slices.DeleteFunc(s.all.waiting, func(w *scheduler) bool { return w == s })
	for s.calling {
		s.all.called.Wait()
	}
}

// TrySchedule is called by the DB, which holds its own mutex, when it has work.
func (s *scheduler) TrySchedule() (bool, pebble.CompactionGrantHandle) {
	s.all.mu.Lock()
	defer s.all.mu.Unlock()
	if s.free() {
		s.take()
		return true, s
	}
	if s.db != nil && !slices.Contains(s.all.waiting, s) {
		s.all.waiting = append(s.all.waiting, s)
	}
	return false, nil
}

// UpdateGetAllowedWithoutPermission says that the DB's own limit may have changed;
// ours is a constant.
func (s *scheduler) UpdateGetAllowedWithoutPermission() {}

// Started, MeasureCPU and CumulativeStats are for pacing, which we leave out.
func (s *scheduler) Started() {}

// MeasureCPU does nothing; see Started.
func (s *scheduler) MeasureCPU(pebble.CompactionGoroutineKind) {}

// CumulativeStats does nothing; see Started.
func (s *scheduler) CumulativeStats(pebble.CompactionGrantHandleStats) {}

// Done ends a compaction; its slot goes to the DB that waits longest.
func (s *scheduler) Done() {
	s.all.mu.Lock()
	defer s.all.mu.Unlock()
	s.release()
	s.all.offerAll()
}

// hold keeps the DB's next compactions back, or lets them go on. Those that run are
// not stopped. Safe for concurrent use; the DB's mutex must not be held.
func (s *scheduler) hold(held bool) {
	s.all.mu.Lock()
	defer s.all.mu.Unlock()
	s.held = held
	s.all.offerAll()
}

// offerAll gives free slots to those that wait.
func (c *compactions) offerAll() {
	for w := c.next(); w != nil; w = c.next() {
		w.offer()
	}
}

// next takes the first DB that waits and may run.
func (c *compactions) next() *scheduler {
	i := slices.IndexFunc(c.waiting, (*scheduler).free)
	if i < 0 {
		return nil
	}
	w := c.waiting[i]
	c.waiting = slices.Delete(c.waiting, i, i+1)
	return w
}

// offer asks the DB to use a slot. Our mutex is held before and after, but not
// during the call.
func (s *scheduler) offer() {
	db := s.db
	s.take()
	s.calling = true
	s.all.mu.Unlock()
	waits, _ := db.GetWaitingCompaction()
	accepted := waits && db.Schedule(s)
	s.all.mu.Lock()
	s.calling = false
	switch {
	case !accepted:
		s.release() // it asks again when it has work
	case s.db != nil:
		s.all.waiting = append(s.all.waiting, s) // it takes itself to be still in line
	}
	s.all.called.Broadcast()
}
