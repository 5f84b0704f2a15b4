package integration_test

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/millrace/millrace/streams"
)

// TestKill: the process dies without warning in the middle of its work, several
// times. Afterwards no count is too low, and none higher than at-least-once allows:
// what had not been committed may count once more.
func TestKill(t *testing.T) {
	t.Parallel()
	const share, keys, kills = 30_000, 200, 3
	app, state := unique(t), t.TempDir()
	in, out := app+"-in", app+"-out"
	create(t, in, out)
	c := client(t)

	again := map[string]int64{}
	for kill := range kills {
		before := records(t.Context(), c, out)
		send(t, in, kill*share, (kill+1)*share, keys)
		p := spawn(t, app, in, out, state)
		require.Eventually(t, func() bool { return records(t.Context(), c, out) >= before+share/4 }, soon, time.Millisecond, "in the middle")
		p.kill()
		for key, n := range uncommitted(t, app, in) {
			again[key] += n
		}
		t.Logf("kill %d after %d records", kill+1, records(t.Context(), c, out))
	}
	spawn(t, app, in, out, state)
	eventually(t, "everything committed", func() bool { return lag(t, app) == 0 })

	least, got := shares(kills*share, keys), latest(t, out)
	require.Len(t, got, keys)
	for key, n := range got {
		require.GreaterOrEqual(t, n, least[key], "%s: records were lost", key)
		require.LessOrEqual(t, n, least[key]+again[key], "%s: more than at-least-once allows", key)
	}
}

// TestTerminate: SIGTERM in the middle of the work ends the process well. What it
// had processed is committed, its stores are complete, and the next life counts on.
func TestTerminate(t *testing.T) {
	t.Parallel()
	const share, keys = 30_000, 200
	app, state := unique(t), t.TempDir()
	in, out := app+"-in", app+"-out"
	create(t, in, out)
	c := client(t)
	send(t, in, 0, share, keys)
	p := spawn(t, app, in, out, state)
	require.Eventually(t, func() bool { return records(t.Context(), c, out) >= share/4 }, soon, time.Millisecond, "in the middle")
	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	require.NoError(t, p.Wait(), "exit code 0")

	processed := records(t.Context(), c, out)
	require.Equal(t, share-processed, lag(t, app), "all that was processed is committed")
	cfg := config(t, app)
	cfg.StateDir = state
	r := start(t, counting(in, out), cfg)
	eventually(t, "every record counted", func() bool { return records(t.Context(), c, out) >= share })
	require.Zero(t, r.app.Status().RestoredRecords, "the stores were complete")
	r.stop()
	require.Equal(t, shares(share, keys), latest(t, out))
	require.EqualValues(t, share, records(t.Context(), c, out), "nothing was processed twice")
}

// uncommitted counts by key the records that may be processed again.
func uncommitted(t *testing.T, group, topic string) map[string]int64 {
	t.Helper()
	committed, err := kadm.NewClient(client(t)).FetchOffsets(t.Context(), group)
	require.NoError(t, err)
	out := map[string]int64{}
	for _, r := range readAll(t, topic) {
		at, ok := committed.Lookup(topic, r.Partition)
		if !ok || r.Offset >= at.At {
			out[string(r.Key)]++
		}
	}
	return out
}

// lag is what the group has not committed yet.
func lag(t *testing.T, group string) int64 {
	t.Helper()
	lags, err := kadm.NewClient(client(t)).Lag(t.Context(), group)
	require.NoError(t, err)
	return lags[group].Lag.Total()
}

// TestTwoProcessesOneStateDirectory: the second is told who has it, and soon.
func TestTwoProcessesOneStateDirectory(t *testing.T) {
	t.Parallel()
	app, state := unique(t), t.TempDir()
	in, out := app+"-in", app+"-out"
	create(t, in, out)
	c := client(t)
	send(t, in, 0, 10, 10)
	first := spawn(t, app, in, out, state)
	eventually(t, "the first one works", func() bool { return records(t.Context(), c, out) >= 10 })

	second, err := streams.New(counting(in, out), streams.Config{
		ApplicationID: app, Brokers: kafka(t).Addrs, StateDir: state, NoSignals: true,
	})
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	begin := time.Now()
	err = second.Run(ctx)
	require.ErrorContains(t, err, fmt.Sprint(first.Process.Pid), "it names the holder")
	require.ErrorContains(t, err, state, "and the directory")
	require.InDelta(t, streams.DefaultStateLockTimeout.Seconds(), time.Since(begin).Seconds(), 1.5)
}
