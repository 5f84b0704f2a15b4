package streams_test

import (
	"bytes"
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/embedded"
	"github.com/millrace/millrace/streams/serde"
)

// letters reads so many dead letters, committed ones only.
func (r *cluster) letters(n int) (out []*kgo.Record) {
	r.t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(r.broker.Addrs()...), kgo.ConsumeTopics("dead"),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	require.NoError(r.t, err)
	defer cl.Close()
	ctx, cancel := context.WithTimeout(context.Background(), soon)
	defer cancel()
	for len(out) < n {
		fetches := cl.PollFetches(ctx)
		require.NoError(r.t, ctx.Err(), "have %d of %d dead letters", len(out), n)
		out = append(out, fetches.Records()...)
	}
	return out
}

func header(r *kgo.Record, key string) string {
	for _, h := range r.Headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

func TestDeadLettersAreCommittedWithTheRest(t *testing.T) {
	t.Parallel()
	for name, guarantee := range map[string]streams.Guarantee{"at least once": streams.AtLeastOnce, "exactly once": streams.ExactlyOnce} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newCluster(t, embedded.WithTopic("dead", 1))
			c := r.config()
			c.ProcessingGuarantee = guarantee
			c.OnUndecodable, c.OnFailure = streams.Always(streams.DeadLetter), streams.Always(streams.DeadLetter)
			c.DeadLetters = "dead"
			for _, value := range [][]byte{int64Bytes(1), []byte("poison"), int64Bytes(13), int64Bytes(2)} {
				r.produce("k", value)
			}
			app := launch(t, numbers(), c)
			got := r.letters(2)
			require.Equal(t, "poison", string(got[0].Value))
			require.Equal(t, "1", header(got[0], "__streams.errors.offset"))
			require.Equal(t, int64Bytes(13), got[1].Value)
			require.Equal(t, "thirteen", header(got[1], "__streams.errors.message"))
			require.Contains(t, header(got[1], "__millrace.errors.where"), "app_faults_test.go:")
			r.consume("counts").until(map[string]int64{"k": 2})
			require.NoError(t, app.end())
		})
	}
}

// wide makes values of a million times the number of bytes.
func wide() *streams.Builder {
	b := streams.NewBuilder()
	b.Stream(streams.NewTopic("lines", serde.String, serde.Int64)).
		MapValues(func(v int64) []byte { return bytes.Repeat([]byte{1}, int(v)*1_000_000) }).WithValueSerde(serde.Bytes).
		To(streams.NewTopic("wide", serde.String, serde.Bytes), streams.As("out"))
	return b
}

func TestTooLargeIsSaidBeforeSending(t *testing.T) {
	t.Parallel()
	r := newCluster(t, embedded.WithTopic("wide", 1), embedded.WithTopic("dead", 1))
	r.produce("k", int64Bytes(2))
	c := r.config()
	c.TopicConfig = nil
	err := launch(t, wide(), c).outcome()
	require.ErrorContains(t, err, "wide has 20001")
	require.ErrorContains(t, err, "max.message.bytes")
	require.ErrorContains(t, err, "app_handlers_test.go:")

	c.OnUndeliverable, c.DeadLetters = streams.Always(streams.DeadLetter), "dead"
	app := launch(t, wide(), c)
	got := r.letters(1)
	require.Equal(t, int64Bytes(2), got[0].Value, "the source record, which does fit")
	require.Equal(t, []string{"out", "undeliverable"}, []string{header(got[0], "__millrace.errors.operator"), header(got[0], "__millrace.errors.reason")})
	require.NoError(t, app.end())
}

func TestAWorkerIsReplacedAndItsTasksBeginAgain(t *testing.T) {
	t.Parallel()
	r := newCluster(t)
	var crashes, calls atomic.Int32
	b := streams.NewBuilder()
	b.Stream(streams.NewTopic("lines", serde.String, serde.Int64)).
		MapValues(func(v int64) int64 {
			if calls.Add(1) == 1 {
				panic("once")
			}
			return v
		}).
		To(streams.NewTopic("counts", serde.String, serde.Int64))
	c := r.config()
	c.OnCrash = func(err error) streams.CrashDecision {
		crashes.Add(1)
		var p *streams.PanicError
		if errors.As(err, &p) {
			return streams.ReplaceWorker
		}
		return streams.StopApp
	}
	r.produce("k", int64Bytes(5))
	app := launch(t, b, c)
	r.consume("counts").until(map[string]int64{"k": 5})
	require.EqualValues(t, 1, crashes.Load())
	require.NoError(t, app.end())
}
