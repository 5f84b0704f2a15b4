package integration_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams"
)

// sessions is the session timeout of these tests.
const sessions = 6 * time.Second

// TestStandbyAfterAKill: when a process dies without warning, the one with the copies
// of its tasks runs them as soon as the group has noticed, and restores no more than
// what came last.
func TestStandbyAfterAKill(t *testing.T) {
	t.Parallel()
	const share, keys = 20_000, 500
	app := unique(t)
	in, out := app+"-in", app+"-out"
	create(t, in, out)
	c := client(t)
	doomed := spawn(t, app, in, out, t.TempDir(), childEnv+"_STANDBYS=x")
	send(t, in, 0, share, keys)
	eventually(t, "the first one works", func() bool { return records(t.Context(), c, out) >= share })

	cfg := config(t, app)
	cfg.NumStandbyReplicas, cfg.SessionTimeout, cfg.HeartbeatInterval = 1, sessions, time.Second
	r := start(t, counting(in, out), cfg)
	eventually(t, "half of the tasks, and copies of the others", func() bool {
		return len(r.app.Status().Tasks) == partitions/2 && caughtUp(r.app.Status()) == partitions/2
	})
	send(t, in, share, 2*share, keys)
	eventually(t, "all counted", func() bool { return records(t.Context(), c, out) >= 2*share && lag(t, app) == 0 })
	eventually(t, "copies are hot", func() bool { return caughtUp(r.app.Status()) == partitions/2 })

	before := r.app.Status().RestoredRecords
	doomed.kill()
	killed := time.Now()
	eventually(t, "all tasks", func() bool {
		s := r.app.Status()
		return len(s.Tasks) == partitions && s.State == streams.StateRunning
	})
	took, restored := time.Since(killed), r.app.Status().RestoredRecords-before
	t.Logf("all tasks run %v after the kill; %d records restored", took.Round(time.Millisecond), restored)
	require.Less(t, took, sessions+2*time.Second)
	require.LessOrEqual(t, restored, uint64(share/100))
	send(t, in, 2*share, 3*share, keys)
	eventually(t, "all counted", func() bool { return records(t.Context(), c, out) >= 3*share })
	r.stop()
	require.Equal(t, shares(3*share, keys), latest(t, out))
}

// caughtUp counts copies that have all there is.
func caughtUp(s streams.Status) (n int) {
	for _, c := range s.Standbys {
		if !c.Restoring && c.Lag == 0 {
			n++
		}
	}
	return n
}

// storing counts the tasks with a store, in the JVM's counting topology.
func storing(s streams.Status) (n int) {
	for _, task := range s.Tasks {
		if strings.HasPrefix(task.ID, "1_") {
			n++
		}
	}
	return n
}

// TestStandbysWithAJVM: Millrace leads a group with a JVM and assigns standbys to both.
// When Millrace is gone the JVM goes on with the copies it was told to keep.
func TestStandbysWithAJVM(t *testing.T) {
	t.Parallel()
	needJVM(t)
	app := unique(t)
	in, out := app+"-in1", app+"-out"
	create(t, in, app+"-in2", out)
	base := time.Now().Add(-time.Minute).Truncate(10 * time.Second).UnixMilli()
	cfg := config(t, app)
	cfg.NumStandbyReplicas = 1
	r := start(t, countTwin(in, out), cfg)
	r.ready(t)
	sendAt(t, in, base, second[:3])
	drained(t, app)

	jvm := startJVM(t, "count", app)
	eventually(t, "half of the tasks, and copies of those of the JVM", func() bool {
		s := r.app.Status()
		return len(s.Tasks) == partitions && caughtUp(s) == partitions-storing(s)
	})
	sendAt(t, in, base, second[3:])
	drained(t, app)
	r.stop()
	sendAt(t, in, base+20_000, second[:1])
	drained(t, app) // which only the JVM can do, and only with all tasks
	require.Equal(t, []string{"blue=18", "red=18"}, jvm.dump("counts"))
	jvm.quit()
}

// TestWarmUpOfAJVM: a JVM that joins is given copies first, which it keeps as it would
// from a leader of its own kind, and then the tasks.
func TestWarmUpOfAJVM(t *testing.T) {
	t.Parallel()
	needJVM(t)
	app := unique(t)
	in, out := app+"-in1", app+"-out"
	create(t, in, app+"-in2", out)
	base := time.Now().Add(-time.Minute).Truncate(10 * time.Second).UnixMilli()
	cfg := config(t, app)
	cfg.AcceptableRecoveryLag, cfg.ProbingInterval = 1, 5*time.Second
	r := start(t, countTwin(in, out), cfg)
	r.ready(t)
	sendAt(t, in, base, second[:3])
	drained(t, app)
	tasks := len(r.app.Status().Tasks)
	require.Equal(t, 2*partitions, tasks)

	jvm := startJVM(t, "count", app)
	eventually(t, "half of the tasks", func() bool {
		s := r.app.Status()
		return len(s.Tasks) == partitions && storing(s) == partitions/2
	})
	sendAt(t, in, base, second[3:])
	drained(t, app)
	jvm.quit()
	eventually(t, "all tasks are back", func() bool { return len(r.app.Status().Tasks) == 2*partitions })
	r.stop()
	got := map[string]string{}
	for _, rec := range readAll(t, out) {
		got[string(rec.Key)] = string(rec.Value)
	}
	require.Equal(t, map[string]string{"blue": "15", "red": "15"}, got)
}

// TestRollingRestart: static members that are restarted one after the other move no
// task, restore nothing and leave the group's generation as it is, the leader too, and
// whoever has copies.
func TestRollingRestart(t *testing.T) {
	t.Parallel()
	needReal(t, "the broker in the process rebalances when the member's data changes")
	const share, keys = 5_000, 100
	app := unique(t)
	in, out := app+"-in", app+"-out"
	create(t, in, out)
	c := client(t)
	var pods [3]*running
	var cfgs [3]streams.Config
	for i := range pods {
		cfgs[i] = config(t, app)
		cfgs[i].InstanceID, cfgs[i].NumStandbyReplicas = fmt.Sprintf("pod-%d", i), 1
		pods[i] = start(t, counting(in, out), cfgs[i])
	}
	send(t, in, 0, share, keys)
	rest := func() bool {
		tasks, copies, generation := 0, 0, pods[0].app.Status().Generation
		for _, p := range pods {
			s := p.app.Status()
			if s.State != streams.StateRunning || s.Generation != generation {
				return false
			}
			tasks += len(s.Tasks)
			copies += caughtUp(s)
		}
		return tasks == partitions && copies == partitions && lag(t, app) == 0
	}
	calm := 0
	eventually(t, "the group is at rest", func() bool {
		if calm++; !rest() {
			calm = 0
		}
		return calm > 20
	})
	generation := pods[0].app.Status().Generation
	for i := range pods {
		pods[i].stop()
		pods[i] = start(t, counting(in, out), cfgs[i])
		eventually(t, "the group is at rest", rest)
		s := pods[i].app.Status()
		require.Equal(t, generation, s.Generation, "pod %d", i)
		require.Zero(t, s.RestoredRecords)
	}
	send(t, in, share, 2*share, keys)
	eventually(t, "all counted", func() bool { return records(t.Context(), c, out) >= 2*share })
	for _, p := range pods {
		require.Equal(t, generation, p.app.Status().Generation)
		p.stop()
	}
	require.Equal(t, shares(2*share, keys), latest(t, out))
}
