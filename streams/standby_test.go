package streams_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams"
)

// copies counts the copies that have caught up with all there is.
func copies(s streams.Status) (n int) {
	for _, c := range s.Standbys {
		if !c.Restoring && c.Lag == 0 {
			n++
		}
	}
	return n
}

// stateful counts the tasks with stores.
func stateful(s streams.Status) (n int) {
	for _, t := range s.Tasks {
		if t.ID[0] == '1' {
			n++
		}
	}
	return n
}

// TestStandbysTakeOver: each of two processes keeps copies of what the other runs.
// When one is gone, the other restores nothing but what came last.
func TestStandbysTakeOver(t *testing.T) {
	t.Parallel()
	for name, guarantee := range map[string]streams.Guarantee{"at least once": streams.AtLeastOnce, "exactly once": streams.ExactlyOnce} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			takesOver(t, guarantee)
		})
	}
}

func takesOver(t *testing.T, guarantee streams.Guarantee) {
	r := newCluster(t)
	c := r.config()
	c.NumStandbyReplicas, c.ProcessingGuarantee = 1, guarantee
	r.lines("a b c d e f g h i j k l m n o p q r s t u v w x y z")
	first := launch(t, wordcount(), c)
	first.wait("all tasks", func(s streams.Status) bool { return s.State == streams.StateRunning && len(s.Tasks) == 6 })
	c.StateDir = t.TempDir()
	second := launch(t, wordcount(), c)
	all := func(s streams.Status) bool {
		return s.State == streams.StateRunning && len(s.Tasks) == 3 && stateful(s)+copies(s) == 3
	}
	first.wait("its half and the copies", all)
	second.wait("its half and the copies", all)

	out := r.consume("counts")
	r.lines("a a b", "c")
	out.until(map[string]int64{"a": 3, "b": 2, "c": 2, "z": 1})
	second.wait("up to date", func(s streams.Status) bool { return copies(s) == 3-stateful(s) })
	before := second.Status().RestoredRecords
	require.NoError(t, first.end())
	s := second.wait("all tasks", func(s streams.Status) bool { return s.State == streams.StateRunning && len(s.Tasks) == 6 })
	require.Empty(t, s.Standbys)
	require.LessOrEqual(t, s.RestoredRecords-before, uint64(4), "what was counted last")
	r.lines("a z")
	out.until(map[string]int64{"a": 4, "b": 2, "c": 2, "z": 2})
	require.NoError(t, second.end())
}

// TestWarmUp: a process that joins gets copies of large state first, and the tasks as
// soon as it has caught up, long before the probing interval.
func TestWarmUp(t *testing.T) {
	t.Parallel()
	r := newCluster(t)
	c := r.config()
	c.AcceptableRecoveryLag, c.ProbingInterval = 1, time.Hour
	r.lines("a b c d e f g h i j k l m n o p q r s t u v w x y z", "a b c d e f g h i j k l m n o p q r s t u v w x y z")
	first := launch(t, wordcount(), c)
	out := r.consume("counts")
	out.until(map[string]int64{"a": 2, "z": 2})
	first.wait("all tasks", func(s streams.Status) bool { return s.State == streams.StateRunning && len(s.Tasks) == 6 })
	c.StateDir = t.TempDir()
	second := launch(t, wordcount(), c)
	s := second.wait("its half", func(s streams.Status) bool {
		return s.State == streams.StateRunning && len(s.Tasks) == 3 && stateful(s) > 0
	})
	require.Empty(t, s.Standbys)
	r.lines("a z")
	out.until(map[string]int64{"a": 3, "z": 3})
	require.NoError(t, first.end())
	require.NoError(t, second.end())
}
