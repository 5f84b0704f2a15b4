package async

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func noWake() {}

// sleepy takes as many milliseconds as its argument and returns it.
func sleepy(ctx context.Context, in *int) (int, error) {
	select {
	case <-time.After(time.Duration(*in) * time.Millisecond):
		return *in, nil
	case <-ctx.Done():
		return -1, ctx.Err()
	}
}

func start[Out any](c *Calls[int, Out], args ...int) {
	for _, a := range args {
		call := c.Add()
		call.In = a
		c.Start(call)
	}
}

// take takes all results that may be taken.
func take[Out any](c *Calls[int, Out]) (out []string) {
	for call := c.Ended(); call != nil; call = c.Ended() {
		if call.Err != nil {
			out = append(out, call.Err.Error())
		} else {
			out = append(out, fmt.Sprint(call.Out))
		}
		c.Drop()
	}
	return out
}

func all[Out any](t *testing.T, c *Calls[int, Out]) (out []string) {
	for c.Held() > 0 {
		require.NoError(t, c.Wait(context.Background()))
		out = append(out, take(c)...)
	}
	return out
}

func TestResultsComeInOrderAndCallsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := New(Options{Concurrency: 4}, sleepy, noWake)
		defer c.Close()
		begun := time.Now()
		start(c, 100, 10, 60, 30)
		require.True(t, c.Full())
		<-time.After(70 * time.Millisecond)
		synctest.Wait()
		require.Empty(t, take(c), "three have ended, but not the oldest")
		require.Equal(t, []string{"100", "10", "60", "30"}, all(t, c))
		require.Equal(t, 100*time.Millisecond, time.Since(begun), "all at once")
		require.False(t, c.Full())
	})
}

// TestNoMoreThanConcurrency: what is over waits its turn, in order.
func TestNoMoreThanConcurrency(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var running, most atomic.Int32
		c := New(Options{Concurrency: 3}, func(ctx context.Context, in *int) (int, error) {
			most.Store(max(most.Load(), running.Add(1)))
			defer running.Add(-1)
			return sleepy(ctx, in)
		}, noWake)
		defer c.Close()
		begun := time.Now()
		start(c, 10, 10, 10, 10, 10, 10, 10)
		require.Equal(t, 7, c.Held())
		require.Len(t, all(t, c), 7)
		require.EqualValues(t, 3, most.Load())
		require.Equal(t, 30*time.Millisecond, time.Since(begun))
	})
}

func TestWhatIsNotCalledKeepsItsPlace(t *testing.T) {
	t.Parallel()
	c := New(Options{Concurrency: 2}, sleepy, noWake)
	defer c.Close()
	start(c, 5)
	c.Skip(c.Add())
	start(c, 1)
	require.Equal(t, []string{"5", "0", "1"}, all(t, c))
}

func TestRetriesBackOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		begun := time.Now()
		c := New(Options{Retries: 3, Backoff: 10 * time.Millisecond}, func(context.Context, *int) (int, error) {
			at = append(at, time.Since(begun))
			return 0, errors.New("no")
		}, noWake)
		defer c.Close()
		start(c, 1)
		require.Equal(t, []string{"no"}, all(t, c))
		ms := time.Millisecond
		require.Equal(t, []time.Duration{0, 10 * ms, 30 * ms, 70 * ms}, at)
	})
}

func TestRetriesEndWithSuccessOrAFinalError(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	c := New(Options{Retries: 5}, func(_ context.Context, in *int) (int, error) {
		switch n := calls.Add(1); {
		case *in == 1 && n < 3:
			return 0, errors.New("not yet")
		case *in == 2:
			return 0, fmt.Errorf("wrapped: %w", &Final{errors.New("never")})
		case *in == 3:
			panic(errors.New("oops"))
		}
		return *in, nil
	}, noWake)
	defer c.Close()
	start(c, 1)
	require.Equal(t, []string{"1"}, all(t, c))
	require.EqualValues(t, 3, calls.Load())
	start(c, 2)
	require.Equal(t, []string{"never"}, all(t, c))
	require.EqualValues(t, 4, calls.Load())
	start(c, 3)
	require.NoError(t, c.Wait(context.Background()))
	fault, ok := errors.AsType[*Panic](c.Ended().Err)
	require.True(t, ok)
	require.ErrorContains(t, fault, "panic: oops")
	require.Contains(t, string(fault.Stack), "calls_test.go")
	require.Error(t, errors.Unwrap(fault))
	require.EqualValues(t, 5, calls.Load(), "a panic is not tried again")
}

func TestTimeoutBoundsEachAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		c := New(Options{Timeout: 20 * time.Millisecond, Retries: 1, Backoff: 5 * time.Millisecond}, sleepy, noWake)
		defer c.Close()
		start(c, 1000)
		require.Equal(t, []string{context.DeadlineExceeded.Error()}, all(t, c))
		require.Equal(t, 45*time.Millisecond, time.Since(begun))
	})
}

// TestCloseCancels: calls and pauses end, and what waits is never made.
func TestCloseCancels(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var made atomic.Int32
		c := New(Options{Concurrency: 2, Retries: 9, Backoff: time.Hour}, func(ctx context.Context, in *int) (int, error) {
			made.Add(1)
			if *in == 0 {
				return 0, errors.New("again in an hour")
			}
			<-ctx.Done()
			return 0, ctx.Err()
		}, noWake)
		start(c, 0, 1, 2, 3)
		synctest.Wait()
		begun := time.Now()
		c.Close()
		synctest.Wait()
		require.Zero(t, time.Since(begun))
		require.EqualValues(t, 2, made.Load())
		require.Len(t, take(c), 2, "nobody need look at them")
		require.ErrorIs(t, c.Wait(context.Background()), context.Canceled, "or it would wait for ever for those that were not made")
	})
}

func TestWaitGivesUpWithItsContext(t *testing.T) {
	t.Parallel()
	c := New(Options{}, sleepy, noWake)
	defer c.Close()
	require.NoError(t, c.Wait(context.Background()), "for nothing")
	start(c, 60_000)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, c.Wait(ctx), context.Canceled)
	require.Equal(t, 1, c.Held())
}

func TestWakeIsToldOfEachEnd(t *testing.T) {
	t.Parallel()
	woken := make(chan struct{}, 10)
	c := New(Options{Concurrency: 2}, sleepy, func() { woken <- struct{}{} })
	defer c.Close()
	start(c, 1, 2, 3)
	for range 3 {
		<-woken
	}
	require.Equal(t, []string{"1", "2", "3"}, take(c))
}

// TestCallsAreUsedAgain: a steady flow allocates no calls, and no call remembers.
func TestCallsAreUsedAgain(t *testing.T) {
	t.Parallel()
	c := New(Options{Concurrency: 8}, sleepy, noWake)
	defer c.Close()
	for range 100 {
		start(c, 0, 0)
		require.Equal(t, []string{"0", "0"}, all(t, c))
	}
	require.LessOrEqual(t, len(c.free), 2)
	require.Zero(t, c.free[0].In)
	require.False(t, c.free[0].ended.Load())
}

func ExampleCalls() {
	c := New(Options{Concurrency: 2}, func(_ context.Context, n *int) (int, error) { return *n * *n, nil }, func() {})
	defer c.Close()
	for _, n := range []int{3, 4, 5} {
		call := c.Add()
		call.In = n
		c.Start(call)
	}
	for c.Held() > 0 {
		_ = c.Wait(context.Background())
		fmt.Println(c.Ended().Out)
		c.Drop()
	}
	// Output:
	// 9
	// 16
	// 25
}
