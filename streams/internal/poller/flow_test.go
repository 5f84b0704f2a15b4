package poller

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

// tap records what is resumed.
func tap(limit int64) (*flow, *[]*part) {
	var resumed []*part
	return newFlow(limit, func(p []*part) { resumed = append(resumed, p...) }), &resumed
}

func TestFlowPausesHighAndResumesLow(t *testing.T) {
	t.Parallel()
	f, resumed := tap(8 << 20)
	a, b := &part{topic: "a"}, &part{topic: "b"}
	f.open(a)
	f.open(b)
	require.False(t, f.add(a, 1), "a partition that is paused already is not paused again")
	f.sub(a, 1)
	*resumed = nil
	f.start([]*part{a, b})
	require.Len(t, *resumed, 2)
	*resumed = nil

	require.False(t, f.add(a, 4<<20), "the share of two partitions")
	require.True(t, f.add(a, 1))
	require.False(t, f.add(a, 1), "once is enough")
	f.sub(a, 2<<20)
	require.Empty(t, *resumed, "half is not low")
	f.sub(a, 1<<20+2)
	require.Equal(t, []*part{a}, *resumed)
	require.EqualValues(t, 1<<20, f.total)
}

func TestFlowWaitsForTheWhole(t *testing.T) {
	t.Parallel()
	f, _ := tap(1 << 20)
	a := &part{topic: "a"}
	f.open(a)
	f.start([]*part{a})
	f.wait(context.Background()) // nothing there
	f.add(a, 2<<20)

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	f.wait(ctx) // over, but nobody waits for ever

	passed := make(chan struct{})
	go func() {
		f.wait(context.Background())
		close(passed)
	}()
	f.sub(a, 1<<20)
	<-passed
}

// TestFlowForgetsClosedPartitions: what a task that moved away had buffered does
// not count, whatever its worker still gives back.
func TestFlowForgetsClosedPartitions(t *testing.T) {
	t.Parallel()
	f, resumed := tap(1 << 20)
	a := &part{topic: "a"}
	f.open(a)
	f.add(a, 5<<20)
	f.close(a)
	require.Zero(t, f.total)
	f.sub(a, 5<<20)
	f.add(a, 1)
	f.close(a)
	require.Zero(t, f.total)
	require.Empty(t, *resumed)
	f.wait(context.Background())
}

func TestManyPartitionsStillHaveRoom(t *testing.T) {
	t.Parallel()
	f, _ := tap(1 << 20)
	for range 1000 {
		f.open(&part{})
	}
	require.EqualValues(t, minHigh, f.high())
}
