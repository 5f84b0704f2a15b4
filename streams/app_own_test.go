package streams_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/serde"
)

// asking counts the lines that a slow system has answered.
func asking(answer func(context.Context, streams.Record[string, string]) (string, error)) *streams.Builder {
	b := streams.NewBuilder()
	b.Stream(streams.NewTopic("lines", serde.String, serde.String)).
		MapAsync(answer, streams.Concurrency(16), streams.Timeout(soon)).
		GroupBy(func(_, line string) string { return line }, serde.String).
		Count(streams.As("counts")).
		ToStream().
		To(streams.NewTopic("counts", serde.String, serde.Int64))
	return b
}

// numbered are n different lines.
func numbered(n int) (lines []string, want map[string]int64) {
	want = map[string]int64{}
	for i := range n {
		line := fmt.Sprintf("line-%03d", i)
		lines, want[line] = append(lines, line), 1
	}
	return lines, want
}

// TestCallsInFlightSurviveACrash: an application that fails while many calls are in
// flight has committed none of their records; the one after it asks again. With
// exactly-once every line counts once, else at least once.
func TestCallsInFlightSurviveACrash(t *testing.T) {
	t.Parallel()
	for name, guarantee := range map[string]streams.Guarantee{"at least once": streams.AtLeastOnce, "exactly once": streams.ExactlyOnce} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newCluster(t)
			c := r.config()
			c.ProcessingGuarantee, c.CommitInterval = guarantee, 20*time.Millisecond
			lines, want := numbered(240)
			r.lines(lines...)

			const poison = "line-100"
			crashed := launch(t, asking(func(_ context.Context, rec streams.Record[string, string]) (string, error) {
				if rec.Value == poison {
					return "", errors.New("no answer")
				}
				return rec.Value, pauseByChance()
			}), c)
			err := crashed.outcome()
			require.ErrorContains(t, err, "no answer")
			partition, offset := r.place("lines", poison)
			require.ErrorContains(t, err, fmt.Sprintf("lines/%d offset %d: KSTREAM-MAPASYNC-0000000001 app_own_test.go", partition, offset))
			require.NotContains(t, err.Error(), poison)
			require.LessOrEqual(t, r.committed("lines", partition), offset)

			app := launch(t, asking(func(_ context.Context, rec streams.Record[string, string]) (string, error) {
				return rec.Value, pauseByChance()
			}), c)
			counted := r.counted(want, guarantee == streams.ExactlyOnce)
			if guarantee == streams.ExactlyOnce {
				require.Equal(t, want, counted)
			}
			require.NoError(t, app.end())
		})
	}
}

// pauseByChance takes up to two milliseconds, so that calls end in any order.
func pauseByChance() error {
	<-time.After(time.Duration(rand.IntN(2000)) * time.Microsecond)
	return nil
}

// place is where a line lies.
func (r *cluster) place(topic, line string) (partition int32, offset int64) {
	r.t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(r.broker.Addrs()...), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	require.NoError(r.t, err)
	defer cl.Close()
	ctx, cancel := context.WithTimeout(context.Background(), soon)
	defer cancel()
	for found := false; !found; {
		require.NoError(r.t, ctx.Err())
		cl.PollFetches(ctx).EachRecord(func(rec *kgo.Record) {
			if string(rec.Value) == line {
				partition, offset, found = rec.Partition, rec.Offset, true
			}
		})
	}
	return partition, offset
}

// committed is the application's offset in a partition, 0 if there is none.
func (r *cluster) committed(topic string, partition int32) int64 {
	r.t.Helper()
	offsets, err := kadm.NewClient(r.client).FetchOffsets(context.Background(), "wc")
	require.NoError(r.t, err)
	o, _ := offsets.Lookup(topic, partition)
	return o.At
}

// counted reads the last count of each line until all of want are there.
func (r *cluster) counted(want map[string]int64, committedOnly bool) map[string]int64 {
	r.t.Helper()
	c := r.consume("counts")
	if committedOnly {
		cl, err := kgo.NewClient(kgo.SeedBrokers(r.broker.Addrs()...), kgo.ConsumeTopics("counts"),
			kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
		require.NoError(r.t, err)
		r.t.Cleanup(cl.Close)
		c.client = cl
	}
	c.when("all lines", func(last map[string]int64) bool { return len(last) == len(want) })
	return c.last
}

// TestCallsAreCancelledWhenTheApplicationEnds, and it ends in its time, though they
// never return an answer.
func TestCallsAreCancelledWhenTheApplicationEnds(t *testing.T) {
	t.Parallel()
	r := newCluster(t)
	r.lines("never answered")
	asked, cancelled := make(chan struct{}, 1), make(chan struct{})
	var once sync.Once
	c := r.config()
	c.StopTimeout, c.CommitInterval = 200*time.Millisecond, time.Hour
	app := launch(t, asking(func(ctx context.Context, _ streams.Record[string, string]) (string, error) {
		asked <- struct{}{}
		<-ctx.Done()
		once.Do(func() { close(cancelled) })
		return "", ctx.Err()
	}), c)
	<-asked
	_ = app.end()
	<-cancelled
	partition, _ := r.place("lines", "never answered")
	require.Zero(t, r.committed("lines", partition))
}

// TestDedupRemembersOnANewDisk: what passed is in the changelog.
func TestDedupRemembersOnANewDisk(t *testing.T) {
	t.Parallel()
	r := newCluster(t)
	build := func() *streams.Builder {
		b := streams.NewBuilder()
		b.Stream(streams.NewTopic("lines", serde.String, serde.String)).
			SelectKey(func(_, line string) string { return line }).
			Dedup(func(_, line string) string { return line }, serde.String, time.Hour, streams.As("seen")).
			MapValues(func(line string) int64 { return int64(len(strings.Fields(line))) }).
			To(streams.NewTopic("counts", serde.String, serde.Int64))
		return b
	}
	out := r.consume("counts")
	app := launch(t, build(), r.config())
	r.lines("a", "b", "a", "a", "b", "c")
	out.when("three lines", func(last map[string]int64) bool { return len(last) == 3 })
	require.NoError(t, app.end())

	again := launch(t, build(), r.config()) // another folder, which is empty
	r.lines("a", "b", "c", "d")
	out.when("the new line", func(last map[string]int64) bool { return len(last) == 4 })
	s := again.wait("duplicates", func(s streams.Status) bool { return duplicates(s) == 3 })
	require.Equal(t, 4, out.n, "each once: %+v", s.Skipped)
	require.NoError(t, again.end())
}

// duplicates is how many records Dedup has left out.
func duplicates(s streams.Status) (n uint64) {
	for key, count := range s.Skipped {
		if key.Reason == "duplicate" {
			n += count
		}
	}
	return n
}
