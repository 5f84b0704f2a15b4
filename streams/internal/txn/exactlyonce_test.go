package txn_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/millrace/millrace/streams/internal/topo"
	"github.com/millrace/millrace/streams/internal/txn"
)

// transaction is a script that plays a transactional producer, too.
type transaction struct {
	*script
	empty bool
	stale int // how often the generation is refused
}

func (x *transaction) Empty() bool                    { return x.empty }
func (x *transaction) Register(context.Context) error { return x.do("register") }
func (x *transaction) End(context.Context) error      { return x.do("end") }

func (x *transaction) AddOffsets(_ context.Context, m txn.Membership, offsets []txn.Offset) error {
	if x.stale > 0 {
		x.stale--
		_ = x.do("stale generation %d", m.Generation)
		return kerr.IllegalGeneration
	}
	return x.do("offsets %s by %s/%d/%s", list(offsets), m.MemberID, m.Generation, m.InstanceID)
}

func transact(x *transaction, hook func(txn.Step) error) error {
	p := txn.Protocol{Transaction: x, Group: x.script, Hook: hook, Purge: func(o []txn.Offset) { _ = x.do("purge %d", len(o)) }}
	return p.Commit(context.Background(), []txn.Part{
		&part{x.script, topo.TaskID{Subtopology: 0, Partition: 1}, 7},
		&part{x.script, topo.TaskID{Subtopology: 1, Partition: 0}, 9},
	})
}

// TestExactlyOnceOrder: local state comes after the end, and the offsets carry the
// whole membership.
func TestExactlyOnceOrder(t *testing.T) {
	t.Parallel()
	x := &transaction{script: &script{}}
	require.NoError(t, transact(x, nil))
	require.Equal(t, []string{
		"flush 0_1", "flush 1_0",
		"send", "register",
		"offsets in/1=7 in/0=9 by m/0/pod-0",
		"end",
		"state 0_1 at 70", "committed 0_1 7",
		"state 1_0 at 90", "committed 1_0 9",
		"purge 2",
	}, x.lines)
}

// TestNothingProduced: the client would send no EndTxn then, and offsets in the
// transaction would stay pending; they are committed without one.
func TestNothingProduced(t *testing.T) {
	t.Parallel()
	x := &transaction{script: &script{}, empty: true}
	require.NoError(t, transact(x, nil))
	require.Contains(t, x.lines, "offsets in/1=7 in/0=9")
	require.NotContains(t, x.lines, "register")
	require.NotContains(t, x.lines, "end")
}

// TestStaleGeneration: tasks that never moved are committed in the same transaction,
// once the new assignment is known.
func TestStaleGeneration(t *testing.T) {
	t.Parallel()
	x := &transaction{script: &script{}, stale: 2}
	require.NoError(t, transact(x, nil))
	require.Equal(t, []string{
		"flush 0_1", "flush 1_0", "send", "register",
		"stale generation 0", "await after 0", "stale generation 1", "await after 1",
		"offsets in/1=7 in/0=9 by m/2/pod-0", "end",
	}, x.lines[:10])
}

// TestLostTasksAreNotCommitted: neither when they are lost before the offsets are
// sent, nor when that turns out while a new assignment is awaited.
func TestLostTasksAreNotCommitted(t *testing.T) {
	t.Parallel()
	before := &transaction{script: &script{lost: true}}
	err := transact(before, nil)
	require.Equal(t, txn.Rejoin, txn.Judge(err))
	require.ErrorContains(t, err, "task 0_1 was lost")
	require.Equal(t, "register", before.lines[len(before.lines)-1])

	meanwhile := &transaction{script: &script{fail: map[string]error{"await after 0": kerr.UnknownMemberID}}, stale: 1}
	require.Equal(t, txn.Rejoin, txn.Judge(transact(meanwhile, nil)))
	require.Equal(t, "await after 0", meanwhile.lines[len(meanwhile.lines)-1])
}

// TestCrashInTransaction: nothing local changes before the end.
func TestCrashInTransaction(t *testing.T) {
	t.Parallel()
	crash := errors.New("crash")
	steps := []txn.Step{txn.StepFlush, txn.StepSend, txn.StepRegister, txn.StepOffsets, txn.StepEnd, txn.StepState, txn.StepPurge}
	for i, step := range steps {
		x := &transaction{script: &script{}}
		err := transact(x, func(at txn.Step) error {
			if at == step {
				return crash
			}
			return nil
		})
		require.ErrorIs(t, err, crash)
		require.Len(t, x.lines, []int{0, 2, 3, 4, 5, 6, 10}[i], "before %s", step)
	}
}
