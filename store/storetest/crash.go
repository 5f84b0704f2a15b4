package storetest

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store"
)

// Disk is a machine of which the power can be taken in the middle of a call.
type Disk struct {
	// Open opens the state.
	Open func() (store.DB, error)
	// Watch sets a function that is called before each call that changes the disk,
	// from any goroutine; nil ends it.
	Watch func(func())
	// Crash returns what opens the state as the disk would have it if the power went
	// now, with so many percent of what was not synced. The machine goes on.
	Crash func(percent int, rng *rand.Rand) func() (store.DB, error)
	// Load restores mutations the fast way, and makes them durable. Nil if the engine
	// has none.
	Load func(db store.DB, name string, muts []store.Mutation, pos store.Position) error
}

const topic = "changelog"

// step is a thing that an engine does. The power goes at each of its calls.
type step struct {
	name string
	do   func(c *crashCase) error
}

func crashSteps() []step {
	return []step{
		{"stage", func(c *crashCase) error { return c.write(40) }},
		{"apply", func(c *crashCase) error { return c.writeAndCommit(40) }},
		{"restore", func(c *crashCase) error { return c.restore(c.db.Apply) }},
		{"ingest", func(c *crashCase) error { return c.restore(c.load) }},
		{"flush", func(c *crashCase) error { return c.db.Flush() }},
		{"expire", (*crashCase).expire},
		{"close", func(c *crashCase) error { return c.db.Close() }},
	}
}

// RunCrashes takes the power at every call of every step of every kind of store,
// with none, half and all of the unsynced data kept. What is found must always be
// what the changelog says at the position that is found. Without many seeds (see
// [Run]) only each third of the later calls of a long step is tried.
func RunCrashes(t *testing.T, newDisk func(t *testing.T) Disk) {
	t.Helper()
	for _, k := range kinds() {
		for _, s := range crashSteps() {
			t.Run(k.spec.Name+"/"+s.name, func(t *testing.T) {
				t.Parallel()
				disk := newDisk(t)
				if s.name == "ingest" && disk.Load == nil {
					t.Skip("the engine has no fast way to restore")
				}
				c := newCrashCase(t, disk, k)
				c.prepare()
				c.during(s)
				c.verify()
			})
		}
	}
}

// crashCase is one store in the hands of one step.
type crashCase struct {
	Disk
	t   *testing.T
	db  store.DB
	log *journal
	now int64 // ms of event time
	n   int   // entries written

	durable int // the position that the last flush made safe
	mu      sync.Mutex
	found   []wreck
	rng     *rand.Rand
}

// wreck is what a crash left.
type wreck struct {
	at   string
	open func() (store.DB, error)
}

func newCrashCase(t *testing.T, disk Disk, k kind) *crashCase {
	db, err := disk.Open()
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	e, err := db.Engine(k.spec)
	require.NoError(t, err)
	log, err := newJournal(k, e)
	require.NoError(t, err)
	return &crashCase{Disk: disk, t: t, db: db, log: log, now: 3_600_000, rng: rand.New(rand.NewPCG(1, 1))}
}

// prepare leaves some data on the disk, some in memory, and tables of two ages.
func (c *crashCase) prepare() {
	for range 2 {
		require.NoError(c.t, c.writeAndCommit(60))
		require.NoError(c.t, c.db.Flush())
		c.durable = len(c.log.entries)
	}
	require.NoError(c.t, c.writeAndCommit(30))
	require.NoError(c.t, c.writeAndCommit(30))
}

func (c *crashCase) write(n int) error {
	for range n {
		c.now += 1000
		if err := c.log.write(c.n, c.now); err != nil {
			return err
		}
		c.n++
	}
	return nil
}

func (c *crashCase) writeAndCommit(n int) error {
	if err := c.write(n); err != nil {
		return err
	}
	return c.db.Commit(c.position())
}

func (c *crashCase) position() store.Position {
	return store.Position{topic: int64(len(c.log.entries))}
}

// restore writes to the changelog only, as another owner of the task would, and then
// brings the store there.
func (c *crashCase) restore(apply func(string, []store.Mutation, store.Position) error) error {
	from := len(c.log.entries)
	if err := c.write(50); err != nil {
		return err
	}
	c.db.Rollback()
	for at := from; at < len(c.log.entries); at += 10 {
		to := min(at+10, len(c.log.entries))
		muts, err := c.log.mutations(at, to)
		if err != nil {
			return err
		}
		if err := apply(c.log.spec.Name, muts, store.Position{topic: int64(to)}); err != nil {
			return err
		}
	}
	return nil
}

func (c *crashCase) load(name string, muts []store.Mutation, pos store.Position) error {
	return c.Load(c.db, name, muts, pos)
}

// expire lets stream time jump, so that whole segments go.
func (c *crashCase) expire() error {
	for range 3 {
		c.now += retention.Milliseconds()
		if err := c.writeAndCommit(5); err != nil {
			return err
		}
		if err := c.db.Flush(); err != nil {
			return err
		}
	}
	return nil
}

// during does the step and takes the power at each call.
func (c *crashCase) during(s step) {
	call, stride := 0, 3
	if n, _ := load(); n > programs {
		stride = 1
	}
	c.crash(s.name, call)
	c.Watch(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if call++; call < 12 || call%stride == 0 {
			c.crash(s.name, call)
		}
	})
	require.NoError(c.t, s.do(c))
	c.Watch(nil)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.crash(s.name, call+1)
}

func (c *crashCase) crash(name string, call int) {
	for _, percent := range []int{0, 50, 100} {
		c.found = append(c.found, wreck{
			at:   fmt.Sprintf("%s of %s, before call %d, %d%% of unsynced data kept", name, c.log.spec.Name, call, percent),
			open: c.Crash(percent, c.rng),
		})
	}
}

// verify opens everything that was found.
func (c *crashCase) verify() {
	c.t.Logf("%d crashes", len(c.found))
	for _, w := range c.found {
		db, err := w.open()
		require.NoError(c.t, err, w.at)
		offset := db.Position()[topic]
		require.GreaterOrEqual(c.t, offset, int64(c.durable), "%s: flushed data is lost", w.at)
		e, err := db.Engine(c.log.spec)
		require.NoError(c.t, err, w.at)
		got, err := c.log.content(e)
		require.NoError(c.t, err, w.at)
		want, err := c.log.fold(int(offset))
		require.NoError(c.t, err, w.at)
		require.Equal(c.t, want, got, "%s: the store is not what its changelog says at %d", w.at, offset)
		require.NoError(c.t, db.Close())
	}
}
