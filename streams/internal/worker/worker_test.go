package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/memstore"
	"github.com/millrace/millrace/streams/internal/task"
	"github.com/millrace/millrace/streams/internal/topo"
	"github.com/millrace/millrace/streams/internal/txn"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// soon is how long a test waits for what takes milliseconds.
const soon = 20 * time.Second

// sub is a sub-topology with two sources, a store and an output topic.
func sub() *topo.Subtopology {
	return &topo.Subtopology{Stores: []topo.Store{{Spec: store.Spec{Name: "s", Kind: store.KindKeyValue}, Changelog: "app-s-changelog"}}}
}

// echo is a program that keeps each value under its key and sends it on.
type echo struct {
	seen chan string
	fail error
}

func (e *echo) Link(_ topo.TaskID, rt task.Runtime) (*task.Linked, error) {
	engine, err := rt.Engine("s")
	if err != nil {
		return nil, err
	}
	enter := func(r *task.Raw) error {
		if string(r.Value) == "bad" {
			return errors.New("bad record")
		}
		if e.fail != nil {
			return e.fail
		}
		e.seen <- fmt.Sprintf("%s@%d", r.Value, r.Offset)
		if err := engine.Put(r.Key, r.Value); err != nil {
			return err
		}
		return rt.Emit(&task.Out{Topic: "out", Partition: -1, HashKey: r.Key, Key: r.Key, Value: r.Value, Time: r.Time})
	}
	return &task.Linked{Entries: map[string]task.Entry{"a": enter, "b": enter}}, nil
}

// coordinator is the group, by script.
type coordinator struct {
	mu      sync.Mutex
	answers []error
	commits [][]txn.Offset
}

func (c *coordinator) Membership() txn.Membership {
	return txn.Membership{MemberID: "m", Generation: 1}
}

func (c *coordinator) Await(context.Context, txn.Membership) error { return nil }

func (c *coordinator) Commit(_ context.Context, _ txn.Membership, o []txn.Offset) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.commits = append(c.commits, o)
	if len(c.answers) == 0 {
		return nil
	}
	err := c.answers[0]
	c.answers = c.answers[1:]
	return err
}

// asked counts the commits.
func (c *coordinator) asked() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.commits)
}

// then sets the answers to the next commits.
func (c *coordinator) then(answers ...error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answers = answers
}

// bench is a worker that runs, with its surroundings.
type bench struct {
	t       *testing.T
	w       *Worker
	group   *coordinator
	program *echo
	failed  chan error
	client  *kgo.Client // to read what was sent
}

// newIdleBench is a worker that does not run: its sender is the test's to use.
func newIdleBench(t *testing.T, change func(*Options)) *bench {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(4, "out", "app-s-changelog"))
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
	b := &bench{t: t, group: &coordinator{}, program: &echo{seen: make(chan string, 1000)}, failed: make(chan error, 10)}
	producer, err := kgo.NewClient(append(SenderOpts(), kgo.SeedBrokers(cluster.ListenAddrs()...))...)
	require.NoError(t, err)
	b.client, err = kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.ConsumeTopics("out"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	require.NoError(t, err)
	t.Cleanup(b.client.Close)
	sender := NewSender(context.Background(), producer)
	opt := Options{
		Hard: context.Background(), Program: b.program, Sender: sender, Group: b.group, CommitInterval: time.Hour, MaxStaged: 1 << 30,
		Fail: func(err error) { b.failed <- err }, Log: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&opt)
	}
	b.w = New(opt)
	t.Cleanup(sender.Close)
	return b
}

// newBench is a worker that runs, until the test ends.
func newBench(t *testing.T, change func(*Options)) *bench {
	t.Helper()
	b := newIdleBench(t, change)
	go b.w.Run()
	t.Cleanup(func() { b.w.Quit(context.Background()) })
	return b
}

// start gives the worker a task; ends are those of its inputs a and b.
func (b *bench) start(db store.DB, ends ...int64) *Task {
	b.t.Helper()
	topics := []string{"a", "b"}[:len(ends)]
	t := NewTask(topo.TaskID{Partition: 2}, sub(), topics, b.w)
	starts := make(map[string]Start)
	for i, topic := range topics {
		starts[topic] = Start{Offset: -1, Next: 0, End: ends[i]}
	}
	live := make(chan struct{})
	b.w.Start(t, db, starts, func() { close(live) })
	select {
	case <-live:
	case <-time.After(soon):
		require.Fail(b.t, "the task does not start")
	}
	return t
}

// id is the task of this bench.
func (b *bench) id() topo.TaskID { return topo.TaskID{Partition: 2} }

// deliver hands over values as records of one topic, from an offset on, each a
// second younger than the one before.
func (b *bench) deliver(t *Task, topic string, from int64, values ...string) (released chan int64) {
	released = make(chan int64, 1)
	batch := Batch{Topic: topic, Partition: 2, Bytes: 7, Release: func(n int64) { released <- n }}
	for i, v := range values {
		at := from + int64(i)
		batch.Records = append(batch.Records, task.Raw{Topic: topic, Partition: 2, Offset: at, Time: at * 1000, Key: []byte("k"), Value: []byte(v)})
		batch.Next, batch.End = at+1, at+1
	}
	b.w.Deliver(t, batch)
	return released
}

func (b *bench) expect(want ...string) {
	b.t.Helper()
	for _, w := range want {
		select {
		case got := <-b.program.seen:
			require.Equal(b.t, w, got)
		case err := <-b.failed:
			require.NoError(b.t, err)
		case <-time.After(soon):
			require.Fail(b.t, "nothing processed", "want %s", w)
		}
	}
}

func (b *bench) stop(ctx context.Context, t *Task, commit bool) {
	b.t.Helper()
	done := make(chan struct{})
	b.w.Stop(ctx, []*Task{t}, commit, func() { close(done) })
	select {
	case <-done:
	case <-time.After(soon):
		require.Fail(b.t, "the task does not end")
	}
}

// kept is a DB whose state can be looked at after it was closed.
type kept struct {
	*memstore.DB
	pos    store.Position
	closed bool
}

func (k *kept) Commit(pos store.Position) error { k.pos = pos; return k.DB.Commit(pos) }
func (k *kept) Close() error                    { k.closed = true; return k.DB.Close() }

func TestRecordsGoThroughAndBooksBalance(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	db := &kept{DB: memstore.New()}
	tk := b.start(db, 0)
	released := b.deliver(tk, "a", 5, "x", "y")
	b.expect("x@5", "y@6")
	require.EqualValues(t, 7, <-released)
	b.stop(context.Background(), tk, true)

	require.Len(t, b.group.commits, 1)
	o := b.group.commits[0][0]
	require.Equal(t, "a", o.Topic)
	require.EqualValues(t, 2, o.Partition)
	require.EqualValues(t, 7, o.Offset)
	require.NotEmpty(t, o.Metadata)
	require.Equal(t, store.Position{"app-s-changelog": 2}, db.pos, "the changelog's offsets came from the acknowledgements")
	require.True(t, db.closed)
	s := b.w.Status()
	require.EqualValues(t, 2, s.Processed)
	require.EqualValues(t, 4, s.Emitted)
	require.EqualValues(t, 1, s.Commits)
	require.EqualValues(t, 2, tk.Processed())
	require.EqualValues(t, 6000, tk.StreamTime())
	require.Zero(t, tk.Lag())
	require.Equal(t, Closing, tk.State())
}

func TestLostTasksAreNotCommitted(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	db := &kept{DB: memstore.New()}
	tk := b.start(db, 0)
	b.deliver(tk, "a", 0, "x")
	b.expect("x@0")
	b.stop(context.Background(), tk, false)
	require.Empty(t, b.group.commits)
	require.Nil(t, db.pos)
	require.True(t, db.closed)
	b.deliver(tk, "a", 1, "late") // nobody to take it, and nobody hurt
}

// TestLastCommitWaitsForTheRebalance: REBALANCE_IN_PROGRESS is no reason to lose
// what was processed; UNKNOWN_MEMBER_ID is.
func TestLastCommitWaitsForTheRebalance(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.group.then(kerr.RebalanceInProgress, kerr.IllegalGeneration)
	db := &kept{DB: memstore.New()}
	tk := b.start(db, 0)
	b.deliver(tk, "a", 0, "x")
	b.expect("x@0")
	b.stop(context.Background(), tk, true)
	require.Len(t, b.group.commits, 3)
	require.NotNil(t, db.pos)

	b.group.then(kerr.UnknownMemberID)
	db = &kept{DB: memstore.New()}
	tk = b.start(db, 0)
	b.deliver(tk, "a", 0, "x")
	b.expect("x@0")
	b.stop(context.Background(), tk, true)
	require.Len(t, b.group.commits, 4)
	require.Nil(t, db.pos, "local state stays at the last commit")
}

func TestFencedCommitEndsTheApplication(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(o *Options) { o.CommitInterval = time.Millisecond })
	b.group.then(kerr.FencedInstanceID)
	tk := b.start(memstore.New(), 0)
	b.deliver(tk, "a", 0, "x")
	require.ErrorIs(t, <-b.failed, kerr.FencedInstanceID)
	b.stop(context.Background(), tk, true)
	require.Len(t, b.group.commits, 1, "a failed worker commits nothing more")
}

func TestBadRecordFailsTheWorkerWithItsPosition(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	tk := b.start(memstore.New(), 0)
	b.deliver(tk, "a", 41, "ok", "bad", "never")
	err := <-b.failed
	require.ErrorContains(t, err, "a/2 offset 42")
	b.stop(context.Background(), tk, true)
	require.Empty(t, b.group.commits)
	require.EqualValues(t, 1, b.w.Status().Errors)
	require.Len(t, b.program.seen, 1)
}

// TestOldestFirstAcrossInputs: records of input b that the broker is known to
// have are waited for, whatever is at hand of a.
func TestOldestFirstAcrossInputs(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	tk := b.start(memstore.New(), 3, 1)
	b.deliver(tk, "a", 1, "a1", "a2")
	b.deliver(tk, "b", 0, "b0")
	b.expect("b0@0", "a1@1", "a2@2")
	b.deliver(tk, "a", 3, "a3") // b has nothing more
	b.expect("a3@3")
	b.stop(context.Background(), tk, true)
}

func TestMaxTaskIdleWaitsForTheEmptyInput(t *testing.T) {
	t.Parallel()
	const idle = 50 * time.Millisecond
	b := newBench(t, func(o *Options) { o.MaxTaskIdle = idle })
	tk := b.start(memstore.New(), 0, 0)
	begun := time.Now()
	b.deliver(tk, "a", 0, "a0")
	b.expect("a0@0")
	require.GreaterOrEqual(t, time.Since(begun), idle)
	b.stop(context.Background(), tk, true)
}

// TestManyStagedBytesCommitEarly: memory is bounded between commits.
func TestManyStagedBytesCommitEarly(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(o *Options) { o.MaxStaged = 1 })
	tk := b.start(memstore.New(), 0)
	b.deliver(tk, "a", 0, "x")
	b.expect("x@0")
	require.Eventually(t, func() bool { return b.w.Status().Commits == 1 }, soon, time.Millisecond)
	b.stop(context.Background(), tk, true)
}

func TestStatusStrings(t *testing.T) {
	t.Parallel()
	require.Equal(t, "restoring running closing", fmt.Sprint(Restoring, Running, Closing))
}
