package streams_test

import (
	"context"
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

	s := app.wait("the last commit", func(s streams.Snapshot) bool {
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
	require.Equal(t, streams.StateStopped, app.Snapshot().State)
	require.ErrorIs(t, app.Run(context.Background()), streams.ErrAlreadyRun)
}
