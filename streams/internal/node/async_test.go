package node

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams/internal/async"
	"github.com/millrace/millrace/streams/record"
)

// slowly takes as long as the record's time says, in ms.
func slowly(_ context.Context, r record.Record[string, string]) (string, error) {
	<-time.After(time.Duration(r.Time) * time.Millisecond)
	if r.Value == "bad" {
		return "", errors.New("no answer")
	}
	r.Headers.Add("answered", nil)
	return r.Value + "!", nil
}

func asyncOf(b *bench, n int) *Async[string, string, string] {
	return NewAsync(&b.env, async.Options{Concurrency: n}, "ASYNC", "main.go:7", slowly, func() {}, collect[string, string](b))
}

// TestAsyncTranscript: results keep the order of the records, whatever ends first.
func TestAsyncTranscript(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		o := asyncOf(b, 3)
		defer o.Close()
		gone := rec("c", "", 5)
		gone.Null = true
		for _, r := range []*record.Record[string, string]{rec("a", "slow", 100), rec("b", "fast", 1), gone} {
			require.NoError(t, o.Process(r))
		}
		require.True(t, o.Full())
		<-time.After(50 * time.Millisecond)
		require.NoError(t, o.Release())
		require.Empty(t, b.take(), "nothing overtakes the oldest")
		require.Equal(t, 3, o.Held())
		require.NoError(t, o.Wait(context.Background()))
		require.NoError(t, o.Release())
		require.Equal(t, []int{1, 1, 0}, b.headers, "headers that a call adds go on")
		require.Equal(t, []string{"a=slow!~100", "b=fast!~1", "c=-~5"}, b.take())
		require.Zero(t, o.Held())
		require.Empty(t, b.skipped)
	})
}

// TestAsyncSendsUnderItsOwnRecord: what follows sees where the record came from, and
// the time of the task as it is by then.
func TestAsyncSendsUnderItsOwnRecord(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var seen []Current
	var times []int64
	now := int64(77)
	b.env.At = func(ms int64) int64 { before := now; now = ms; return before }
	o := NewAsync(&b.env, async.Options{Concurrency: 9}, "", "", slowly, func() {}, func(*record.Record[string, string]) error {
		seen, times = append(seen, *b.env.Cur), append(times, now)
		return nil
	})
	defer o.Close()
	*b.env.Cur = Current{Topic: "in", Partition: 2, Offset: 10, Time: 1, StreamTime: 1}
	require.NoError(t, o.Process(rec("a", "x", 1)))
	later := Current{Topic: "in", Partition: 2, Offset: 11, Time: 9, StreamTime: 9}
	*b.env.Cur = later
	require.NoError(t, o.Drain(context.Background()))
	require.Equal(t, []Current{{Topic: "in", Partition: 2, Offset: 10, Time: 1, StreamTime: 9}}, seen)
	require.Equal(t, []int64{1}, times)
	require.Equal(t, later, *b.env.Cur)
	require.EqualValues(t, 77, now)
}

// TestAsyncErrorsKnowTheirRecord, which is not the one under way; those before it were
// sent, those behind it are not.
func TestAsyncErrorsKnowTheirRecord(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	o := asyncOf(b, 9)
	defer o.Close()
	for i, v := range []string{"good", "bad", "behind"} {
		*b.env.Cur = Current{Topic: "in", Partition: 1, Offset: int64(40 + i)}
		require.NoError(t, o.Process(rec("k", v, 0)))
	}
	err := o.Drain(context.Background())
	fault, ok := errors.AsType[*AsyncError](err)
	require.True(t, ok)
	topic, partition, offset := fault.Position()
	require.Equal(t, "in", topic)
	require.EqualValues(t, 1, partition)
	require.EqualValues(t, 41, offset)
	operator, where := fault.Location()
	require.Equal(t, "ASYNC main.go:7", operator+" "+where)
	require.ErrorContains(t, err, "the call failed: no answer")
	require.NotContains(t, err.Error(), "bad", "no payload")
	require.Equal(t, []string{"k=good!~0"}, b.take())
	require.Equal(t, 1, o.Held())
}

func TestAsyncDrainSaysWhatItWaitsFor(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	o := NewAsync(&b.env, async.Options{Concurrency: 9}, "ASYNC", "", func(ctx context.Context, _ record.Record[string, string]) (string, error) {
		<-ctx.Done()
		return "", ctx.Err()
	}, func() {}, collect[string, string](b))
	defer o.Close()
	require.NoError(t, o.Process(rec("k", "v", 0)))
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	err := o.Drain(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, "1 calls of ASYNC have not ended")
}

// A pointer that is nil is a null, in and out.
func TestAsyncNulls(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var shown []string
	o := NewAsync(&b.env, async.Options{}, "", "", func(_ context.Context, r record.Record[string, *string]) (*string, error) {
		shown = append(shown, text(r.Value))
		return nil, nil
	}, func() {}, collect[string, *string](b))
	defer o.Close()
	r := rec[*string]("k", nil, 3)
	r.Null = true
	require.NoError(t, o.Process(r))
	require.NoError(t, o.Drain(context.Background()))
	require.Equal(t, []string{"null"}, shown)
	require.Equal(t, []string{"k=-~3"}, b.take())
}

// TestAsyncFaultsAreDecided: another call in its place, or the record is left out, or
// the error goes up.
func TestAsyncFaultsAreDecided(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var calls atomic.Int32
	o := NewAsync(&b.env, async.Options{Concurrency: 9}, "ASYNC", "", func(_ context.Context, r record.Record[string, string]) (string, error) {
		if r.Value == "once" && calls.Add(1) > 1 || r.Value == "good" {
			return r.Value, nil
		}
		return "", errors.New("no")
	}, func() {}, collect[string, string](b))
	defer o.Close()
	source := "a"
	var asked []string
	o.Faults = &AsyncFaults{
		Source: func() (key, value []byte) { return []byte(source), nil },
		Decide: func(e *AsyncError, cur *Current, key, _ []byte, attempt int) (again bool, err error) {
			asked = append(asked, fmt.Sprintf("%d %s %d %v", cur.Offset, key, attempt, e.Err))
			if cur.Offset == 3 {
				return false, e
			}
			return cur.Offset == 0, nil
		},
	}
	for i, v := range []string{"once", "bad", "good", "fatal"} {
		b.env.Cur.Offset, source = int64(i), string(rune('a'+i))
		require.NoError(t, o.Process(rec("k", v, 0)))
	}
	require.ErrorContains(t, o.Drain(context.Background()), "the call failed: no")
	require.Equal(t, []string{"0 a 1 no", "1 b 1 no", "3 d 1 no"}, asked)
	require.Equal(t, []string{"k=once~0", "k=good~0"}, b.take())
}

// BenchmarkAsync is the cost of a call that takes no time, with 16 in flight.
func BenchmarkAsync(b *testing.B) {
	bench := newBench(b)
	o := NewAsync(&bench.env, async.Options{Concurrency: 16, Timeout: time.Second}, "", "", func(_ context.Context, r record.Record[string, int64]) (int64, error) {
		return r.Value, nil
	}, func() {}, drop[string, int64])
	defer o.Close()
	r := rec[int64]("key", 7, 120)
	b.ReportAllocs()
	for b.Loop() {
		for o.Full() {
			_ = o.Wait(context.Background())
			_ = o.Release()
		}
		_ = o.Process(r)
	}
}
