package txn_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams/internal/topo"
	"github.com/millrace/millrace/streams/internal/txn"
)

// script records what happens, in order; it plays task, producer and group.
type script struct {
	lines      []string
	fail       map[string]error
	generation int32
	lost       bool
}

func (s *script) do(format string, args ...any) error {
	line := fmt.Sprintf(format, args...)
	s.lines = append(s.lines, line)
	return s.fail[line]
}

func (s *script) Flush(context.Context) error { return s.do("send") }

func (s *script) Commit(_ context.Context, m txn.Membership, offsets []txn.Offset) error {
	return s.do("offsets %s", list(offsets))
}

func list(offsets []txn.Offset) string {
	var all []string
	for _, o := range offsets {
		all = append(all, fmt.Sprintf("%s/%d=%d", o.Topic, o.Partition, o.Offset))
	}
	return strings.Join(all, " ")
}

func (s *script) Membership() txn.Membership {
	return txn.Membership{MemberID: "m", Generation: s.generation, InstanceID: "pod-0"}
}

func (s *script) Await(_ context.Context, m txn.Membership) error {
	err := s.do("await after %d", m.Generation)
	s.generation++
	return err
}

// part is a task that read one topic.
type part struct {
	*script
	id     topo.TaskID
	offset int64
}

func (p *part) ID() topo.TaskID { return p.id }
func (p *part) Flush() error    { return p.do("flush %s", p.id) }

func (p *part) Offsets() []txn.Offset {
	return []txn.Offset{{Topic: "in", Partition: p.id.Partition, Offset: p.offset}}
}

func (p *part) Position() store.Position { return store.Position{"log": p.offset * 10} }

func (p *part) CommitState(pos store.Position) error {
	return p.do("state %s at %d", p.id, pos["log"])
}

func (p *part) Committed(offsets []txn.Offset) { _ = p.do("committed %s %d", p.id, offsets[0].Offset) }

func (p *part) Lost() bool { return p.lost }

func run(s *script, hook func(txn.Step) error) error {
	p := txn.Protocol{Sender: s, Group: s, Hook: hook, Purge: func(o []txn.Offset) { _ = s.do("purge %d", len(o)) }}
	return p.Commit(context.Background(), []txn.Part{
		&part{s, topo.TaskID{Subtopology: 0, Partition: 1}, 7},
		&part{s, topo.TaskID{Subtopology: 1, Partition: 0}, 9},
	})
}

func TestCommitOrder(t *testing.T) {
	t.Parallel()
	s := &script{}
	require.NoError(t, run(s, nil))
	require.Equal(t, []string{
		"flush 0_1", "flush 1_0",
		"send",
		"offsets in/1=7 in/0=9",
		"state 0_1 at 70", "committed 0_1 7",
		"state 1_0 at 90", "committed 1_0 9",
		"purge 2",
	}, s.lines)
}

// TestCrashBetweenSteps: whatever step does not begin, nothing after it happens.
func TestCrashBetweenSteps(t *testing.T) {
	t.Parallel()
	crash := errors.New("crash")
	for i, step := range []txn.Step{txn.StepFlush, txn.StepSend, txn.StepOffsets, txn.StepState, txn.StepPurge} {
		s := &script{}
		err := run(s, func(at txn.Step) error {
			if at == step {
				return crash
			}
			return nil
		})
		require.ErrorIs(t, err, crash)
		require.ErrorContains(t, err, "step "+string(step))
		require.Len(t, s.lines, []int{0, 2, 3, 4, 8}[i], "before %s", step)
	}
}

func TestFailedStepsEndTheCommit(t *testing.T) {
	t.Parallel()
	for line, done := range map[string]int{"flush 1_0": 2, "send": 3, "offsets in/1=7 in/0=9": 4, "state 0_1 at 70": 5} {
		s := &script{fail: map[string]error{line: kerr.UnknownServerError}}
		err := run(s, nil)
		require.ErrorIs(t, err, kerr.UnknownServerError)
		require.Len(t, s.lines, done, line)
		require.NotContains(t, s.lines, "committed 0_1 7", "state is not committed after %s", line)
	}
}
