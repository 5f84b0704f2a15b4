package restore_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/memstore"
	"github.com/millrace/millrace/streams/internal/restore"
	"github.com/millrace/millrace/streams/internal/topo"
)

// one is the task of the world's changelog.
var one = topo.TaskID{Subtopology: 1, Partition: 1}

// shelf holds the databases of tasks, as a disk does: one opener at a time.
type shelf struct {
	mu     sync.Mutex
	dbs    map[topo.TaskID]*watched
	opened int
	broken int // opens that fail
}

// watched is a database that knows whether it is open. Closing keeps what is in it.
type watched struct {
	*memstore.DB
	shelf *shelf
	open  bool
	full  bool // the next write fails
}

func (d *watched) Close() error {
	d.shelf.mu.Lock()
	defer d.shelf.mu.Unlock()
	if !d.open {
		return errors.New("closed twice")
	}
	d.open = false
	return nil
}

func (s *shelf) take(id topo.TaskID) (store.DB, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken > 0 {
		s.broken--
		return nil, errors.New("broken disk")
	}
	if s.dbs[id] == nil {
		s.dbs[id] = &watched{DB: memstore.New(), shelf: s}
	}
	if s.dbs[id].open {
		return nil, errors.New("opened twice")
	}
	s.dbs[id].open = true
	s.opened++
	return s.dbs[id], nil
}

func (s *shelf) isOpen(id topo.TaskID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dbs[id] != nil && s.dbs[id].open
}

func (w *world) standbys(s *shelf, stores ...topo.Store) *restore.Standbys {
	s.dbs = make(map[topo.TaskID]*watched)
	if len(stores) == 0 {
		stores = []topo.Store{counts()}
	}
	out := restore.NewStandbys(restore.StandbyOptions{
		Restorer: w.restorer(), Open: s.take,
		Stores: func(topo.TaskID) []topo.Store { return stores },
		Client: func(opts ...kgo.Opt) (*kgo.Client, error) {
			return kgo.NewClient(append(opts, kgo.SeedBrokers(w.addrs...))...)
		},
		Committed: func(context.Context, topo.TaskID) map[string]int64 {
			return map[string]int64{topic: w.committed.Load()}
		},
		Refresh: time.Millisecond, Retry: time.Millisecond,
		CaughtUp: func() { w.caughtUp.Add(1) },
		Log:      slog.New(slog.NewTextHandler(&w.log, nil)),
	})
	w.t.Cleanup(out.Close)
	return out
}

// until waits for the only copy.
func until(t *testing.T, s *restore.Standbys, ok func(restore.Replica) bool) {
	t.Helper()
	require.Eventually(t, func() bool {
		all := s.List()
		return len(all) == 1 && ok(all[0])
	}, 20*time.Second, time.Millisecond)
}

func at(sum int64) func(restore.Replica) bool {
	return func(r restore.Replica) bool { return !r.Restoring && r.Sum == sum && r.Lag == 0 }
}

// TestStandbyFollowsAndIsTaken: a copy is restored, kept up to date, and taken over
// without being closed and opened again.
func TestStandbyFollowsAndIsTaken(t *testing.T) {
	t.Parallel()
	w, disk := newWorld(t), &shelf{}
	w.produce(100, "first")
	s := w.standbys(disk)
	s.Set([]topo.TaskID{one})
	until(t, s, at(100))
	require.Eventually(t, func() bool { return w.caughtUp.Load() == 1 }, 20*time.Second, time.Millisecond)
	w.produce(50, "second")
	until(t, s, at(150))

	db, ok := s.Take(one)
	require.True(t, ok)
	require.Empty(t, s.List())
	require.Equal(t, "second", w.get(db, "k049"))
	require.Equal(t, "first", w.get(db, "k050"))
	require.Equal(t, store.Position{topic: 150}, db.Position())
	require.True(t, disk.isOpen(one))
	require.Equal(t, 1, disk.opened)

	w.produce(10, "third")
	_, err := w.restore(context.Background(), db, counts())
	require.NoError(t, err)
	require.EqualValues(t, 10, w.events.ends[0].Records, "only the tail is left to restore")
	_, ok = s.Take(one)
	require.False(t, ok)
}

// TestStandbyIsGivenUp: what is not wanted any more is closed; what it has stays, so
// that it goes on from there when it is wanted again.
func TestStandbyIsGivenUp(t *testing.T) {
	t.Parallel()
	w, disk := newWorld(t), &shelf{}
	w.produce(20, "first")
	s := w.standbys(disk)
	s.Set([]topo.TaskID{one})
	until(t, s, at(20))
	s.Set(nil)
	require.Eventually(t, func() bool { return !disk.isOpen(one) }, 20*time.Second, time.Millisecond)
	require.Empty(t, s.List())
	w.produce(20, "second")
	s.Set([]topo.TaskID{one})
	s.Set([]topo.TaskID{one})
	until(t, s, at(40))
	require.EqualValues(t, 2, w.caughtUp.Load())
	s.Set(nil)
	require.Eventually(t, func() bool { return !disk.isOpen(one) }, 20*time.Second, time.Millisecond)
	s.Set([]topo.TaskID{one})
	until(t, s, at(40))
	require.EqualValues(t, 2, w.caughtUp.Load(), "there was nothing to catch up with")
	s.Close()
	require.False(t, disk.isOpen(one))
	s.Set([]topo.TaskID{one})
	require.Empty(t, s.List(), "after the end")
}

// TestManyStandbys share one consumer.
func TestManyStandbys(t *testing.T) {
	t.Parallel()
	w, disk := newWorld(t), &shelf{}
	other := topo.Store{Spec: store.Spec{Name: "other", Kind: store.KindKeyValue}, Changelog: "app-other-changelog"}
	w.produce(5, "x")
	w.produceTo("app-other-changelog", 3)
	s := w.standbys(disk, counts(), other)
	zero := topo.TaskID{Subtopology: 1}
	s.Set([]topo.TaskID{one, zero})
	require.Eventually(t, func() bool {
		all := s.List()
		return all[0].ID == zero && at(0)(all[0]) && at(8)(all[1])
	}, 20*time.Second, time.Millisecond)
	require.EqualValues(t, 1, w.caughtUp.Load(), "once for both")
	s.Set([]topo.TaskID{one})
	w.produce(5, "y")
	until(t, s, at(13))
}

// TestStandbyThatFailsBeginsAgain, whether it cannot be opened or not be written to.
// Nothing else ends for it.
func TestStandbyThatFailsBeginsAgain(t *testing.T) {
	t.Parallel()
	w, disk := newWorld(t), &shelf{broken: 1}
	w.produce(20, "first")
	s := w.standbys(disk)
	s.Set([]topo.TaskID{one})
	until(t, s, at(20))
	require.Contains(t, w.log.String(), "broken disk")
	disk.full(one)
	w.produce(5, "second")
	until(t, s, at(25))
	require.Contains(t, w.log.String(), "following changelog "+topic+"/1")
	require.Equal(t, 2, disk.opened)
	db, ok := s.Take(one)
	require.True(t, ok)
	require.Equal(t, "second", w.get(db, "k004"))
}

// full makes the next write to a database fail.
func (s *shelf) full(id topo.TaskID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dbs[id].full = true
}

// Apply implements store.DB.
func (d *watched) Apply(name string, muts []store.Mutation, pos store.Position) error {
	d.shelf.mu.Lock()
	full := d.full
	d.full = false
	d.shelf.mu.Unlock()
	if full {
		return errors.New("disk full")
	}
	return d.DB.Apply(name, muts, pos)
}

// TestStandbyOfASourceTopic knows no more than the group has committed.
func TestStandbyOfASourceTopic(t *testing.T) {
	t.Parallel()
	w, disk := newWorld(t), &shelf{}
	w.produce(10, "old")
	source := counts()
	source.FromSource = true
	w.committed.Store(7)
	s := w.standbys(disk, source)
	s.Set([]topo.TaskID{one})
	until(t, s, at(7))
	w.committed.Store(9)
	until(t, s, at(9))
	require.Equal(t, 1, disk.opened)
	require.EqualValues(t, 1, w.caughtUp.Load(), "refreshing is no news")
	for range 20 { // wherever its refreshing is, nothing stays open
		s.Set(nil)
		require.Eventually(t, func() bool { return !disk.isOpen(one) }, 20*time.Second, time.Microsecond)
		s.Set([]topo.TaskID{one})
		until(t, s, at(9))
	}
}

// TestTakeWhileRestoring: the copy is given up, and nothing is left open.
func TestTakeWhileRestoring(t *testing.T) {
	t.Parallel()
	w, disk := newWorld(t), &shelf{}
	w.produce(5, "x")
	s := w.standbys(disk)
	for range 50 {
		s.Set([]topo.TaskID{one})
		if db, ok := s.Take(one); ok {
			require.NoError(t, db.Close())
		}
		require.Eventually(t, func() bool { return !disk.isOpen(one) }, 20*time.Second, time.Microsecond)
	}
}
