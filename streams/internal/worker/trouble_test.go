package worker

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millrace/millrace/store/memstore"
	"github.com/millrace/millrace/streams/internal/txn"
)

// restarts is a bench whose worker gets a new producer when it asks for one, and
// collects the tasks that are to begin again.
func restarts(t *testing.T, change func(*Options)) (b *bench, again chan []*Task, made *int) {
	t.Helper()
	again, made = make(chan []*Task, 10), new(int)
	b = newIdleBench(t, func(o *Options) {
		o.Restart = func(tasks []*Task) { again <- tasks }
		o.TaskTimeout = time.Minute
		o.CommitInterval = time.Millisecond
		inner := o.Sender
		t.Cleanup(inner.Close)
		brokers := inner.lane.client.OptValue(kgo.SeedBrokers).([]string)
		dial := func(context.Context) (*kgo.Client, *txn.Producer, error) {
			*made++
			cl, err := kgo.NewClient(append(SenderOpts(), kgo.SeedBrokers(brokers...))...)
			return cl, nil, err
		}
		cl, _, err := dial(context.Background())
		require.NoError(t, err)
		*made = 0
		o.Sender = OpenSender(context.Background(), cl, nil, dial)
		t.Cleanup(o.Sender.Close)
		if change != nil {
			change(o)
		}
	})
	go b.w.Run()
	t.Cleanup(func() { b.w.Quit(context.Background()) })
	return b, again, made
}

// TestAbortGivesUpWhatIsStaged: the producer's transaction is no more; its state is
// dropped, there is another producer, and the task begins again.
func TestAbortGivesUpWhatIsStaged(t *testing.T) {
	t.Parallel()
	b, again, made := restarts(t, nil)
	b.group.then(kerr.InvalidProducerEpoch)
	db := &kept{DB: memstore.New()}
	tk := b.start(db, 0)
	b.deliver(tk, "a", 0, "x")
	b.expect("x@0")
	require.Equal(t, []*Task{tk}, <-again)
	require.Nil(t, db.pos, "nothing was committed")
	require.True(t, db.closed, "and the state is free for the next owner")
	require.Equal(t, 1, *made)

	second := b.start(memstore.New(), 0)
	b.deliver(second, "a", 0, "x")
	b.expect("x@0")
	b.stop(context.Background(), second, true)
	require.Len(t, b.failed, 0)
}

// TestOneFailureAfterTheOther ends the application after TaskTimeout, with the cause.
func TestOneFailureAfterTheOther(t *testing.T) {
	t.Parallel()
	b, again, _ := restarts(t, func(o *Options) { o.TaskTimeout = time.Nanosecond })
	b.group.then(kerr.UnknownProducerID, kerr.UnknownProducerID)
	for range 2 {
		b.deliver(b.start(memstore.New(), 0), "a", 0, "x")
		b.expect("x@0")
		select {
		case <-again:
		case err := <-b.failed:
			require.ErrorIs(t, err, kerr.UnknownProducerID)
			require.ErrorContains(t, err, "no commit has succeeded for")
			return
		}
	}
	require.Fail(t, "it goes on for ever")
}

// TestUserCodeIsNotKafka: an error that a user function returns is fatal, even if it is
// one of Kafka's that the engine would forgive.
func TestUserCodeIsNotKafka(t *testing.T) {
	t.Parallel()
	b, _, made := restarts(t, nil)
	b.program.fail = fmt.Errorf("my own client: %w", kerr.InvalidProducerEpoch)
	b.deliver(b.start(memstore.New(), 0), "a", 0, "x")
	require.ErrorIs(t, <-b.failed, kerr.InvalidProducerEpoch)
	require.Zero(t, *made)
}

// TestAnotherProcessHasThePlace: its producers are not fenced by ours.
func TestAnotherProcessHasThePlace(t *testing.T) {
	t.Parallel()
	b, _, made := restarts(t, func(o *Options) {
		o.Alive = func(context.Context) error { return kerr.FencedInstanceID }
	})
	b.group.then(kerr.InvalidProducerEpoch)
	b.deliver(b.start(memstore.New(), 0), "a", 0, "x")
	b.expect("x@0")
	require.ErrorIs(t, <-b.failed, kerr.FencedInstanceID)
	require.Zero(t, *made)
}

// TestATaskComesWhileThereIsNoProducer: it waits for the new one.
func TestATaskComesWhileThereIsNoProducer(t *testing.T) {
	t.Parallel()
	gate := make(chan struct{})
	b, again, _ := restarts(t, func(o *Options) {
		o.Alive = func(context.Context) error { <-gate; return errors.New("no answer") }
	})
	b.group.then(kerr.InvalidProducerEpoch)
	db := &kept{DB: memstore.New()}
	b.deliver(b.start(db, 0), "a", 0, "x")
	b.expect("x@0")
	require.Eventually(t, func() bool { return b.group.asked() > 0 }, soon, time.Millisecond)

	late := NewTask(b.id(), sub(), []string{"a"}, b.w)
	live := make(chan struct{})
	b.w.Start(late, memstore.New(), map[string]Start{"a": {Offset: -1}}, func() { close(live) })
	require.Empty(t, again, "there is no producer yet")
	close(gate)
	<-again
	<-live
	b.stop(context.Background(), late, true)
}

func TestFailing(t *testing.T) {
	t.Parallel()
	var f failing
	now := time.Unix(1000, 0)
	require.Zero(t, f.again(now))
	require.Zero(t, f.pause(), "the first one is met at once")
	require.Equal(t, 10*time.Second, f.again(now.Add(10*time.Second)))
	require.Equal(t, firstPause, f.pause())
	require.Equal(t, 50*time.Second, f.again(now.Add(50*time.Second)))
	require.Equal(t, 2*firstPause, f.pause())
	require.Zero(t, f.again(now.Add(200*time.Second)), "an old failure is forgotten")
	for range 100 {
		f.again(now.Add(200 * time.Second))
	}
	require.Equal(t, lastPause, f.pause())
}

func TestStackOf(t *testing.T) {
	t.Parallel()
	require.Contains(t, stackOf(goroutineID()), "TestStackOf")
	require.Empty(t, stackOf(1<<60))
}
