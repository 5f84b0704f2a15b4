package integration_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams"
)

// TestScaleUnderLoad: three processes become five and then two, while records come in.
// Nobody is thrown out of the group, and no record counts twice or not at all: tasks
// that move are committed first, and those that were not to move are not touched.
func TestScaleUnderLoad(t *testing.T) {
	t.Parallel()
	const keys, batch = 300, 500
	app := unique(t)
	in, out := app+"-in", app+"-out"
	createWith(t, 12, in, out)
	c := client(t)
	sent := 0
	more := func() {
		send(t, in, sent, sent+batch, keys)
		sent += batch
	}
	var pods []*running
	scale := func(n int) {
		for len(pods) < n {
			pods = append(pods, start(t, counting(in, out), config(t, app)))
		}
		for len(pods) > n {
			last := pods[len(pods)-1]
			require.NoError(t, last.app.Close(streams.Leave))
			last.stop()
			require.Zero(t, last.app.Status().Rebalances["lost"])
			pods = pods[:len(pods)-1]
		}
		eventually(t, fmt.Sprintf("%d processes share the tasks", n), func() bool {
			more()
			return even(pods, 12)
		})
	}
	for _, n := range []int{3, 5, 2} {
		scale(n)
	}
	eventually(t, "all counted", func() bool { return lag(t, app) == 0 })
	for _, p := range pods {
		require.Zero(t, p.app.Status().Rebalances["lost"])
		p.stop()
	}
	require.Equal(t, shares(sent, keys), latest(t, out))
	require.EqualValues(t, sent, records(t.Context(), c, out), "nothing was processed twice")
}

// even reports whether all tasks run, with nobody having two more than another.
func even(pods []*running, tasks int) bool {
	least, most := tasks, 0
	for _, p := range pods {
		s := p.app.Status()
		if s.State != streams.StateRunning {
			return false
		}
		tasks -= len(s.Tasks)
		least, most = min(least, len(s.Tasks)), max(most, len(s.Tasks))
	}
	return tasks == 0 && most-least <= 1
}
