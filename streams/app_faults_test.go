package streams_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/embedded"
	"github.com/millrace/millrace/streams/serde"
)

// TestConfigAndTopologyFaultsComeTogether: New reports all of both, and contacts
// nobody.
func TestConfigAndTopologyFaultsComeTogether(t *testing.T) {
	t.Parallel()
	b := streams.NewBuilder()
	b.Stream(streams.NewTopic("lines", serde.String, serde.String)).Filter(nil)
	_, err := streams.New(b, streams.Config{})
	require.ErrorContains(t, err, "ApplicationID is missing")
	require.ErrorContains(t, err, "no brokers")
	require.ErrorContains(t, err, "app_faults_test.go:")
}

func TestUnreachableBrokerIsExplainedSoon(t *testing.T) {
	t.Parallel()
	r := newCluster(t)
	c := r.config()
	r.broker.Close()
	begun := time.Now()
	err := launch(t, wordcount(), c).outcome()
	require.ErrorContains(t, err, "nothing listens at this address")
	require.ErrorContains(t, err, c.Brokers[0])
	require.Less(t, time.Since(begun), 12*time.Second)
}

func TestWrongPassword(t *testing.T) {
	t.Parallel()
	broker, err := embedded.Start(embedded.WithUser("SCRAM-SHA-512", "app", "right"), embedded.WithTopic("lines", 1))
	require.NoError(t, err)
	t.Cleanup(broker.Close)
	c := (&cluster{t: t, broker: broker}).config()
	c.SASL = streams.SASL{Mechanism: "SCRAM-SHA-512", User: "app", Password: "wrong"}
	begun := time.Now()
	err = launch(t, wordcount(), c).outcome()
	require.ErrorContains(t, err, "user")
	require.ErrorContains(t, err, "password")
	require.NotContains(t, err.Error(), "wrong")
	require.Less(t, time.Since(begun), 12*time.Second)

	c.SASL.Password = "right"
	app := launch(t, streaming("lines"), c)
	app.wait("running", func(s streams.Status) bool { return s.State == streams.StateRunning })
	require.NoError(t, app.end())
}

// streaming reads a topic and does nothing with it.
func streaming(topic string) *streams.Builder {
	b := streams.NewBuilder()
	b.Stream(streams.NewTopic(topic, serde.String, serde.String)).Peek(func(streams.Record[string, string]) {})
	return b
}

func TestMissingTopicNamesItAndItsLine(t *testing.T) {
	t.Parallel()
	r := newCluster(t)
	app := launch(t, streaming("nowhere"), r.config())
	err := app.outcome()
	require.ErrorContains(t, err, "nowhere")
	require.ErrorContains(t, err, "app_faults_test.go:")
	require.ErrorContains(t, err, "WaitForSources")
	s := app.Status()
	require.Equal(t, streams.StateFailed, s.State)
	require.Equal(t, err.Error(), s.Err)
}

func TestUnusableStateDir(t *testing.T) {
	t.Parallel()
	r := newCluster(t)
	c := r.config()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	c.StateDir = file
	err := launch(t, wordcount(), c).outcome()
	require.ErrorContains(t, err, file)
	require.ErrorContains(t, err, "StateDir")
}

func TestSecondProcessOnOneStateDirIsRefused(t *testing.T) {
	t.Parallel()
	r := newCluster(t)
	c := r.config()
	c.StateLockTimeout = 10 * time.Millisecond
	first := launch(t, wordcount(), c)
	first.wait("running", func(s streams.Status) bool { return s.State == streams.StateRunning })
	err := launch(t, wordcount(), c).outcome()
	require.ErrorContains(t, err, fmt.Sprint(os.Getpid()))
	require.ErrorContains(t, err, c.StateDir)
	require.NoError(t, first.end())
}

// TestFencedByOurOwnName: two processes with one instance id.
func TestFencedByOurOwnName(t *testing.T) {
	t.Parallel()
	r := newCluster(t)
	c := r.config()
	c.InstanceID = "pod-0"
	first := launch(t, wordcount(), c)
	first.wait("running", func(s streams.Status) bool { return s.State == streams.StateRunning })
	c.StateDir = t.TempDir()
	second := launch(t, wordcount(), c)
	err := first.outcome()
	require.ErrorIs(t, err, streams.ErrFenced)
	require.ErrorContains(t, err, `"pod-0"`)
	require.ErrorContains(t, err, "StatefulSet")
	second.wait("all tasks", func(s streams.Status) bool { return s.State == streams.StateRunning && len(s.Tasks) == 6 })
	require.NoError(t, second.end())
}

// numbers sums a topic of int64 values, with a value that makes it panic.
func numbers() *streams.Builder {
	b := streams.NewBuilder()
	b.Stream(streams.NewTopic("lines", serde.String, serde.Int64)).
		MapValues(func(v int64) int64 {
			if v == 13 {
				panic("thirteen")
			}
			return v
		}).
		To(streams.NewTopic("counts", serde.String, serde.Int64))
	return b
}

func (r *cluster) produce(key string, value []byte) {
	r.t.Helper()
	rec := &kgo.Record{Topic: "lines", Key: []byte(key), Value: value}
	require.NoError(r.t, r.client.ProduceSync(context.Background(), rec).FirstErr())
}

func int64Bytes(v int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(v)) }

func TestUndecodableFailsWithItsPlaceOrIsSkippedAndCounted(t *testing.T) {
	t.Parallel()
	r := newCluster(t)
	r.produce("good", int64Bytes(1))
	r.produce("good", []byte("secret"))
	r.produce("good", int64Bytes(2))
	c := r.config()
	err := launch(t, numbers(), c).outcome()
	require.ErrorContains(t, err, "offset 1")
	require.ErrorContains(t, err, "decode the value")
	require.ErrorContains(t, err, "app_faults_test.go:")
	require.NotContains(t, err.Error(), "secret")

	c.OnUndecodable = streams.Always(streams.Continue)
	app := launch(t, numbers(), c)
	r.consume("counts").until(map[string]int64{"good": 2})
	s := app.wait("the count", func(s streams.Status) bool { return len(s.Skipped) > 0 })
	for k, n := range s.Skipped {
		require.Equal(t, "undecodable", k.Reason)
		require.True(t, strings.HasPrefix(k.Operator, "KSTREAM-SOURCE"), k.Operator)
		require.EqualValues(t, 1, n)
	}
	require.NoError(t, app.end())
}

func TestPanicInUserCodeEndsRunWithThePlace(t *testing.T) {
	t.Parallel()
	r := newCluster(t)
	r.produce("bad", int64Bytes(13))
	app := launch(t, numbers(), r.config())
	err := app.outcome()
	require.ErrorContains(t, err, "panic: thirteen")
	require.ErrorContains(t, err, "offset 0")
	require.EqualValues(t, 1, app.Status().ProcessErrors)
}

// TestStopWhileStarting: an App that waits for its topics can be stopped.
func TestStopWhileStarting(t *testing.T) {
	t.Parallel()
	r := newCluster(t)
	c := r.config()
	c.WaitForSources = time.Minute
	app := launch(t, streaming("nowhere"), c)
	app.wait("starting", func(s streams.Status) bool { return s.State == streams.StateStarting })
	require.NoError(t, app.end())
	require.Equal(t, streams.StateStopped, app.Status().State)
}
