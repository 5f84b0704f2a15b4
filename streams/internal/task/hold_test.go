package task_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams/internal/task"
)

// holder is an operator that holds records until it is told that calls have ended.
type holder struct {
	f      *fake
	name   string
	held   int
	ended  int
	most   int
	below  *holder // gets what is released
	fault  error
	closed bool
}

func (h *holder) Held() int  { return h.held }
func (h *holder) Full() bool { return h.held >= h.most }
func (h *holder) Close()     { h.closed = true }

func (h *holder) Release() error {
	for ; h.ended > 0 && h.held > 0; h.ended-- {
		h.held--
		if h.fault != nil {
			return h.fault
		}
		h.f.note("%s released", h.name)
		if h.below != nil {
			h.below.held++
		}
	}
	return nil
}

// Wait ends a call, so that there is something to release.
func (h *holder) Wait(ctx context.Context) error {
	h.f.note("wait for %s", h.name)
	h.ended++
	return ctx.Err()
}

// misplaced is an error of another record than the one under way.
type misplaced struct{ error }

func (misplaced) Position() (topic string, partition int32, offset int64) { return "in", 0, 3 }

func TestReleasedBetweenRecords(t *testing.T) {
	t.Parallel()
	f := &fake{topics: []string{"in"}}
	h := &holder{f: f, name: "async", most: 2}
	f.holders = []task.Holder{h}
	tk := newTask(t, f)
	require.NoError(t, tk.Add("in", []task.Raw{{Topic: "in", Value: []byte("a")}, {Topic: "in", Offset: 1, Value: []byte("b")}}))
	h.held, h.ended = 2, 1
	require.True(t, tk.Full())
	_, err := tk.Process()
	require.NoError(t, err)
	require.Equal(t, []string{"async released", "in@0 ts=0 k= v=a st=0"}, f.log, "before the next record goes in")
	require.False(t, tk.Full())
	require.Equal(t, 1, tk.Held())
	released, err := tk.Release()
	require.NoError(t, err)
	require.False(t, released)
	h.ended = 1
	released, err = tk.Release()
	require.NoError(t, err)
	require.True(t, released)
	require.Zero(t, tk.Held())
}

// TestSettleGoesDownward: what the first operator releases, the second holds.
func TestSettleGoesDownward(t *testing.T) {
	t.Parallel()
	f := &fake{topics: []string{"in"}}
	second := &holder{f: f, name: "second", most: 9}
	first := &holder{f: f, name: "first", held: 2, most: 9, below: second}
	f.holders = []task.Holder{first, second}
	tk := newTask(t, f)
	require.NoError(t, tk.Settle(context.Background()))
	require.Zero(t, tk.Held())
	require.Equal(t, []string{
		"wait for first", "first released", "wait for first", "first released",
		"wait for second", "second released", "wait for second", "second released",
	}, f.log)
}

func TestSettleGivesUpWithItsContext(t *testing.T) {
	t.Parallel()
	f := &fake{topics: []string{"in"}}
	f.holders = []task.Holder{&holder{f: f, name: "async", held: 1, most: 9}}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	tk := newTask(t, f)
	require.ErrorIs(t, tk.Settle(ctx), context.Canceled)
	require.Equal(t, 1, tk.Held())
}

// TestFaultsOfHeldRecordsHaveTheirPosition, not that of the record under way.
func TestFaultsOfHeldRecordsHaveTheirPosition(t *testing.T) {
	t.Parallel()
	f := &fake{topics: []string{"in"}}
	h := &holder{f: f, held: 1, ended: 1, most: 9, fault: misplaced{errors.New("no answer")}}
	f.holders = []task.Holder{h}
	tk := newTask(t, f)
	require.NoError(t, tk.Add("in", []task.Raw{{Topic: "in", Offset: 9, Value: []byte("a")}}))
	_, err := tk.Process()
	require.ErrorContains(t, err, "task 2_0: in/0 offset 3: no answer")
	require.Empty(t, f.log)
	tk.Close()
	require.True(t, h.closed)
}
