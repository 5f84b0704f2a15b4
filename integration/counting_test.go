package integration_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/serde"
)

// counting counts the records of each key: the smallest job with state.
func counting(in, out string) *streams.Builder {
	b := streams.NewBuilder()
	b.Stream(streams.NewTopic(in, serde.String, serde.String)).
		GroupByKey().
		Count(streams.As("counts"), streams.NoCache()). // one update a record, to be counted
		ToStream().
		To(streams.NewTopic(out, serde.String, serde.Int64))
	return b
}

// config is the usual one: commits often, state that goes with the test.
func config(t *testing.T, app string) streams.Config {
	t.Helper()
	return streams.Config{ApplicationID: app, StateDir: t.TempDir(), CommitInterval: 200 * time.Millisecond}
}

// shares is how often each of the keys came among n records.
func shares(n, keys int) map[string]int64 {
	out := map[string]int64{}
	for i := range n {
		out[keyOf(i, keys)]++
	}
	return out
}

// TestRestart: counts go on where they were, from the disk or from Kafka.
func TestRestart(t *testing.T) {
	t.Parallel()
	const share, keys = 1000, 50
	app := unique(t)
	in, out := app+"-in", app+"-out"
	create(t, in, out)
	c := client(t)

	kept := config(t, app)
	lives := []struct {
		name     string
		cfg      streams.Config
		restored uint64
	}{
		{"from nothing", kept, 0},
		{"with its state", kept, 0},
		{"with its state, once more", kept, 0},
		{"without its state", config(t, app), keys},
	}
	for i, life := range lives {
		send(t, in, i*share, (i+1)*share, keys)
		r := start(t, counting(in, out), life.cfg)
		want := int64((i + 1) * share)
		eventually(t, life.name+": every record counted", func() bool { return records(t.Context(), c, out) >= want })
		restored := r.app.Status().RestoredRecords
		r.stop()
		require.Equal(t, shares(int(want), keys), latest(t, out), life.name)
		require.Equal(t, want, records(t.Context(), c, out), "%s: a clean stop repeats nothing", life.name)
		if life.restored == 0 {
			require.Zero(t, restored, life.name)
		} else {
			require.GreaterOrEqual(t, restored, life.restored, life.name)
		}
	}
}

// TestTwoMembersShareTheWork: each has some of the tasks, and nothing is lost when
// one of them leaves.
func TestTwoMembersShareTheWork(t *testing.T) {
	t.Parallel()
	const share, keys = 1000, 50
	app := unique(t)
	in, out := app+"-in", app+"-out"
	create(t, in, out)
	c := client(t)
	one, two := start(t, counting(in, out), config(t, app)), start(t, counting(in, out), config(t, app))
	eventually(t, "both have tasks", func() bool {
		a, b := len(one.app.Status().Tasks), len(two.app.Status().Tasks)
		return a > 0 && b > 0 && a+b == partitions
	})
	send(t, in, 0, share, keys)
	eventually(t, "first share", func() bool { return records(t.Context(), c, out) >= share })
	two.stop()
	send(t, in, share, 2*share, keys)
	eventually(t, "second share", func() bool { return records(t.Context(), c, out) >= 2*share })
	one.stop()
	require.Equal(t, shares(2*share, keys), latest(t, out))
}

// TestStaticRestartRebalancesNothing: a member with an instance id comes back
// within its session, and the other one does not notice.
func TestStaticRestartRebalancesNothing(t *testing.T) {
	t.Parallel()
	needReal(t, "the broker in the process rebalances when a static member returns")
	app := unique(t)
	in, out := app+"-in", app+"-out"
	create(t, in, out)
	member := func(id string) streams.Config {
		cfg := config(t, app)
		cfg.InstanceID, cfg.SessionTimeout = id, 30*time.Second
		return cfg
	}
	cfgs := []streams.Config{member("pod-0"), member("pod-1")}
	pods := []*running{start(t, counting(in, out), cfgs[0]), start(t, counting(in, out), cfgs[1])}
	eventually(t, "both have tasks", func() bool {
		a, b := len(pods[0].app.Status().Tasks), len(pods[1].app.Status().Tasks)
		return a > 0 && b > 0 && a+b == partitions
	})
	for i := range pods { // one of them is the group's leader
		stays, goes := pods[1-i], pods[i]
		stays.ready(t)
		goes.ready(t)
		before, tasks := stays.app.Status(), taskIDs(goes.app.Status())
		goes.stop()

		pods[i] = start(t, counting(in, out), cfgs[i])
		pods[i].ready(t)
		after := stays.app.Status()
		require.Equal(t, before.Generation, after.Generation)
		require.Equal(t, before.Generation, pods[i].app.Status().Generation)
		require.Equal(t, before.Rebalances, after.Rebalances)
		require.Equal(t, before.LastRebalance, after.LastRebalance)
		require.Equal(t, tasks, taskIDs(pods[i].app.Status()), "it has its own tasks back")
	}
}

func taskIDs(s streams.Status) (ids []string) {
	for _, t := range s.Tasks {
		ids = append(ids, t.ID)
	}
	return ids
}
