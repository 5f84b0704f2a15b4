package streams_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams"
)

func TestWordcountEndToEnd(t *testing.T) {
	t.Parallel()
	r := newCluster(t)
	app := launch(t, wordcount(), r.config())
	r.lines("to be or not to be", "that is the question", "to sleep")
	r.consume("counts").until(map[string]int64{"to": 3, "be": 2, "question": 1, "sleep": 1})

	s := app.wait("the last commit", func(s streams.Status) bool {
		lag := int64(0)
		for _, t := range s.Tasks {
			lag += max(t.Lag, 0)
		}
		return s.State == streams.StateRunning && lag == 0 && s.Commits > 0 && s.Processed == 15
	})
	require.Len(t, s.Tasks, 6, "two sub-topologies of three tasks")
	require.EqualValues(t, 15-3+2*12, s.Emitted, "repartition, changelog and output records")
	require.NotEmpty(t, s.MemberID)
	require.Positive(t, s.Generation)
	require.EqualValues(t, 1, s.Rebalances["assigned"])
	require.NoError(t, app.end())
	require.Equal(t, streams.StateStopped, app.Status().State)
	require.ErrorIs(t, app.Run(context.Background()), streams.ErrAlreadyRun)
}

// TestRestartRestoresNothingAndAWipeAll: the same job three times, with its state
// and without.
func TestRestartRestoresNothingAndAWipeAll(t *testing.T) {
	t.Parallel()
	r := newCluster(t)
	c := r.config()
	out := r.consume("counts")
	for i, round := range []struct {
		wipe    bool
		records int64
	}{{false, 0}, {false, 0}, {true, 4}} {
		if round.wipe {
			c.StateDir = t.TempDir()
		}
		var h heard
		c.RestoreListener = &h
		app := launch(t, wordcount(), c)
		r.lines("a b c d", "a b c d")
		out.until(map[string]int64{"a": int64(2 * (i + 1)), "d": int64(2 * (i + 1))})
		require.NoError(t, app.end())
		require.Equal(t, 3, h.started, "every store is announced")
		require.Equal(t, 3, h.ended)
		s := app.Status()
		require.EqualValues(t, h.records, s.RestoredRecords)
		if round.wipe {
			// Nothing compacts the log here, so each of the earlier updates is read.
			require.EqualValues(t, 16, h.records)
		} else {
			require.Zero(t, h.records, "round %d", i)
		}
	}
	require.Equal(t, 24, out.n, "after a clean stop nothing is processed twice")
}

func TestTwoProcessesShareTheTasks(t *testing.T) {
	t.Parallel()
	r := newCluster(t)
	out := r.consume("counts")
	first := launch(t, wordcount(), r.config())
	r.lines("a a a", "b b b", "c c c")
	out.until(map[string]int64{"a": 3, "b": 3, "c": 3})

	second := launch(t, wordcount(), r.config())
	half := func(s streams.Status) bool { return s.State == streams.StateRunning && len(s.Tasks) == 3 }
	a, b := first.wait("half of the tasks", half), second.wait("half of the tasks", half)
	owned := map[string]bool{}
	for _, task := range append(a.Tasks, b.Tasks...) {
		owned[task.ID] = true
	}
	require.Len(t, owned, 6, "every task has one owner")
	require.Positive(t, a.Rebalances["revoked"])

	r.lines("a b c", "a b c", "a b c")
	out.until(map[string]int64{"a": 6, "b": 6, "c": 6})

	require.NoError(t, first.end())
	second.wait("all tasks", func(s streams.Status) bool { return s.State == streams.StateRunning && len(s.Tasks) == 6 })
	r.lines("a b c", "a b c")
	out.until(map[string]int64{"a": 8, "b": 8, "c": 8})
	require.NoError(t, second.end())
	require.Equal(t, 24, out.n, "tasks that move are committed first")
}

// TestCrashBetweenCommitSteps stops an application hard in front of each step of
// its commit, and starts it again on the same state: nothing is missing, and what
// is counted twice is what at-least-once allows.
func TestCrashBetweenCommitSteps(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"flush", "send", "offsets", "state", "purge"} {
		for _, caches := range []int64{streams.NoCaches, 1 << 20} {
			t.Run(fmt.Sprintf("%s/caches=%d", step, caches), func(t *testing.T) {
				t.Parallel()
				crashBefore(t, step, caches)
			})
		}
	}
}

func crashBefore(t *testing.T, step string, caches int64) {
	t.Helper()
	r := newCluster(t)
	c := r.config()
	c.CacheBytes = caches
	c.Workers = 1
	app, err := streams.New(wordcount(), c)
	require.NoError(t, err)
	reached := make(chan struct{})
	streams.CrashBefore(app, step, 3, reached)
	first := run(t, app)
	sent := r.linesUntil(reached, "x x")
	require.ErrorContains(t, first.outcome(), "crash before "+step)

	second := launch(t, wordcount(), c)
	out := r.consume("counts")
	out.when("everything is counted", func(last map[string]int64) bool { return last["x"] >= 2*sent })
	require.NoError(t, second.end())
	total := r.consume("counts").lastOf("x")
	if committed := step == "state" || step == "purge"; committed {
		require.Equal(t, 2*sent, total, "a crash after the offsets repeats nothing")
	}
	require.LessOrEqual(t, total, 6*sent, "both hops may repeat what was not committed, once")
}

// TestCachesComeOutWithTheCommit: by default an application has record caches; what
// comes out are the last values, of many updates few, and a restore brings them back.
func TestCachesComeOutWithTheCommit(t *testing.T) {
	t.Parallel()
	r := newCluster(t)
	c := r.config()
	c.CacheBytes = 0
	out := r.consume("counts")
	app := launch(t, wordcount(), c)
	const n = 300
	r.lines(strings.Repeat("a b ", n))
	out.until(map[string]int64{"a": n, "b": n})
	require.NoError(t, app.end())
	require.Less(t, out.n, n, "of 600 updates a few")

	c.StateDir = t.TempDir()
	app = launch(t, wordcount(), c)
	r.lines("a c")
	out.until(map[string]int64{"a": n + 1, "b": n, "c": 1})
	require.NoError(t, app.end())
	require.Positive(t, app.Status().RestoredRecords)
}
