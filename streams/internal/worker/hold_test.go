package worker

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store/memstore"
	"github.com/millrace/millrace/streams/internal/task"
	"github.com/millrace/millrace/streams/internal/topo"
)

// holding is a program whose records are held until the test lets them go.
type holding struct {
	echo
	rt   task.Runtime
	most int

	mu     sync.Mutex
	held   []func() error // what releasing each does
	freed  int
	closed bool
}

func (h *holding) Link(id topo.TaskID, rt task.Runtime) (*task.Linked, error) {
	h.rt = rt
	l, err := h.echo.Link(id, rt)
	if err != nil {
		return nil, err
	}
	for topic, enter := range l.Entries {
		l.Entries[topic] = func(r *task.Raw) error {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.held = append(h.held, func() error { return enter(r) })
			return nil
		}
	}
	l.Holders = []task.Holder{h}
	l.Flush = []func() error{func() error { return h.drained() }}
	return l, nil
}

func (h *holding) drained() error {
	if h.Held() > 0 {
		return errors.New("a commit began while records were held")
	}
	return nil
}

// free lets n records go.
func (h *holding) free(n int) {
	h.mu.Lock()
	h.freed += n
	h.mu.Unlock()
	h.rt.(task.Waker).Wake()
}

func (h *holding) Held() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.held)
}

func (h *holding) Full() bool { return h.Held() >= h.most }

func (h *holding) Release() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for ; h.freed > 0 && len(h.held) > 0; h.freed-- {
		err := h.held[0]()
		h.held = h.held[1:]
		if err != nil {
			return err
		}
	}
	return nil
}

func (h *holding) Wait(ctx context.Context) error {
	for {
		h.mu.Lock()
		ready := h.freed > 0
		h.mu.Unlock()
		if ready {
			return nil
		}
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (h *holding) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
}

// newHoldingBench is a worker with such a program.
func newHoldingBench(t *testing.T, most int, change func(*Options)) (*bench, *holding) {
	h := &holding{echo: echo{seen: make(chan string, 1000)}, most: most}
	b := newBench(t, func(o *Options) {
		o.Program = h
		if change != nil {
			change(o)
		}
	})
	b.program = &h.echo
	return b, h
}

func (h *holding) holds(t *testing.T, n int) {
	t.Helper()
	require.Eventually(t, func() bool { return h.Held() == n }, soon, time.Millisecond)
}

// TestFullTasksTakeNoRecords: what they hold is bounded, and a freed place is used at
// once.
func TestFullTasksTakeNoRecords(t *testing.T) {
	t.Parallel()
	b, h := newHoldingBench(t, 2, nil)
	tk := b.start(memstore.New(), 0)
	b.deliver(tk, "a", 0, "x", "y", "z", "w")
	h.holds(t, 2)
	require.EqualValues(t, 2, b.w.Status().Processed)
	h.free(1)
	b.expect("x@0")
	h.holds(t, 2)
	h.free(3)
	b.expect("y@1", "z@2", "w@3")
	b.stop(context.Background(), tk, true)
	require.True(t, h.closed)
	require.EqualValues(t, 4, b.group.commits[0][0].Offset)
}

// TestCommitsWaitForWhatIsHeld, and meanwhile the task takes nothing more.
func TestCommitsWaitForWhatIsHeld(t *testing.T) {
	t.Parallel()
	b, h := newHoldingBench(t, 100, func(o *Options) { o.CommitInterval = 5 * time.Millisecond })
	tk := b.start(memstore.New(), 0)
	b.deliver(tk, "a", 0, "x", "y")
	h.holds(t, 2)
	h.free(1)
	b.expect("x@0")
	require.Never(t, func() bool { return b.w.Status().Commits > 0 }, 50*time.Millisecond, 5*time.Millisecond)
	b.deliver(tk, "a", 2, "z")
	require.Never(t, func() bool { return h.Held() > 1 }, 50*time.Millisecond, 5*time.Millisecond)
	h.free(1)
	b.expect("y@1")
	h.holds(t, 1) // and on it goes
	b.group.mu.Lock()
	require.EqualValues(t, 2, b.group.commits[0][0].Offset, "not past z, which was not released")
	b.group.mu.Unlock()
	h.free(1)
	b.expect("z@2")
	b.stop(context.Background(), tk, true)
}

// TestStopGivesHeldRecordsUpWhenTimeIsOver: nothing of them is committed.
func TestStopGivesHeldRecordsUpWhenTimeIsOver(t *testing.T) {
	t.Parallel()
	b, h := newHoldingBench(t, 100, nil)
	tk := b.start(memstore.New(), 0)
	b.deliver(tk, "a", 0, "x")
	h.holds(t, 1)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	b.stop(ctx, tk, true)
	require.Empty(t, b.group.commits)
	require.True(t, h.closed)
}

// TestStopWaitsForHeldRecords within its time.
func TestStopWaitsForHeldRecords(t *testing.T) {
	t.Parallel()
	b, h := newHoldingBench(t, 100, nil)
	tk := b.start(memstore.New(), 0)
	b.deliver(tk, "a", 0, "x")
	h.holds(t, 1)
	go h.free(1)
	b.stop(context.Background(), tk, true)
	b.expect("x@0")
	require.EqualValues(t, 1, b.group.commits[0][0].Offset)
}

// TestIdleSourcesAreNotWaitedFor, though MaxTaskIdle would have it; the silence counts
// from the last record.
func TestIdleSourcesAreNotWaitedFor(t *testing.T) {
	t.Parallel()
	const silent = 50 * time.Millisecond
	b := newBench(t, func(o *Options) { o.MaxTaskIdle, o.SourceIdle = time.Hour, silent })
	tk := b.start(memstore.New(), 0, 0)
	begun := time.Now()
	b.deliver(tk, "a", 0, "a0")
	b.expect("a0@0")
	require.Less(t, time.Since(begun), 10*time.Second)
	b.deliver(tk, "b", 0, "b0")
	b.expect("b0@0")
	heard := time.Now()
	b.deliver(tk, "a", 1, "a1")
	b.expect("a1@1")
	require.GreaterOrEqual(t, time.Since(heard), silent/2, "b was heard of just now")
	b.stop(context.Background(), tk, true)
}

func TestIdlenessOfOneSource(t *testing.T) {
	t.Parallel()
	o := &owned{worker: &Worker{opt: Options{SourceIdle: time.Minute}}, task: &Task{Sub: &topo.Subtopology{Sources: []topo.Source{
		{Topic: "a", IdleAfter: time.Second}, {Topic: "b"},
	}}}}
	require.Equal(t, time.Second, o.idleOf("a"))
	require.Equal(t, time.Minute, o.idleOf("b"))
}

// TestKnownRecordsAreWaitedForThoughSilent: what the broker has is no silence.
func TestKnownRecordsAreWaitedForThoughSilent(t *testing.T) {
	t.Parallel()
	now := time.Now()
	in := &input{next: 0, end: 1, idle: time.Second, heard: now.Add(-time.Hour), emptySince: now}
	require.Equal(t, now.Add(time.Minute), in.until(time.Minute))
	in.end = 0
	require.Equal(t, in.heard.Add(time.Second), in.until(time.Minute))
	in.idle = 0
	require.Equal(t, now.Add(time.Minute), in.until(time.Minute))
}
