package streamstest_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/serde"
	"github.com/millrace/millrace/streams/streamstest"
)

var (
	textIn  = streams.NewTopic("in", serde.String, serde.String)
	textOut = streams.NewTopic("out", serde.String, serde.String)
)

// TestProcessor: a store that survives a restart, schedules by both clocks, a child
// by name, and where the record came from.
func TestProcessor(t *testing.T) {
	t.Parallel()
	seen := streams.TimestampedKVStore("seen", serde.String, serde.Int64)
	b := streams.NewBuilder()
	b.Stream(textIn).Process(func(ctx *streams.Context[string, string]) streams.Processor[string, string] {
		n := seen.In(ctx)
		tick := func(name string) func(int64) error {
			return func(now int64) error {
				_, inside := ctx.Metadata()
				return ctx.Forward(streams.Record[string, string]{Key: name, Value: fmt.Sprint(inside), Time: now % 1000})
			}
		}
		ctx.Schedule(streams.WallClock, time.Second, tick("wall"))
		once := ctx.Schedule(streams.StreamTime, 10*time.Millisecond, tick("stream"))
		return streams.ProcessorFunc[string, string](func(r streams.Record[string, string]) error {
			count, _, _, err := n.Get(r.Key)
			if err != nil {
				return err
			}
			m, _ := ctx.Metadata()
			if r.Value = fmt.Sprintf("%d@%s/%d", count+1, m.Topic, m.Offset); count > 0 {
				once.Cancel()
			}
			if err := n.Put(r.Key, count+1, r.Time); err != nil {
				return err
			}
			return ctx.ForwardTo("child", r)
		})
	}, streams.Uses(seen)).Peek(func(streams.Record[string, string]) {}, streams.As("child")).To(textOut)
	d := streamstest.New(t, b)
	in, out := streamstest.Input(d, textIn), streamstest.Output(d, textOut)
	in.Send("k", "a", streamstest.AtMs(0))
	require.Equal(t, []string{"1@in/0", "false"}, out.Values(), "stream time calls with the first record")
	d.Advance(time.Second)
	require.Equal(t, []string{"false"}, out.Values())
	in.Send("k", "b", streamstest.AtMs(50))
	require.Equal(t, []string{"2@in/1"}, out.Values(), "it cancelled the schedule")
	d.Restart()
	in.Send("k", "c", streamstest.AtMs(60))
	require.Contains(t, out.Values(), "3@in/2")
}

// TestEmitOnClose: a window is sent once, also when it closes after a restart.
func TestEmitOnClose(t *testing.T) {
	t.Parallel()
	b := streams.NewBuilder()
	b.Stream(textIn).GroupByKey().WindowedBy(streams.Tumbling(10*time.Millisecond)).EmitOnClose().
		Reduce(func(a, v string) string { return a + v }, streams.As("w")).
		ToStream(func(w streams.Windowed[string]) string { return w.Key }).To(textOut)
	d := streamstest.New(t, b)
	in, out := streamstest.Input(d, textIn), streamstest.Output(d, textOut)
	in.Send("k", "a", streamstest.AtMs(1))
	in.Send("k", "b", streamstest.AtMs(2))
	require.Empty(t, out.Values())
	in.Send("k", "c", streamstest.AtMs(10))
	require.Equal(t, []string{"ab"}, out.Values())
	d.Restart()
	in.Send("k", "d", streamstest.AtMs(12))
	require.Empty(t, out.Values(), "the time of the last close came back with the offsets")
	in.Send("k", "e", streamstest.AtMs(500))
	require.Equal(t, []string{"cd"}, out.Values(), "a jump loses nothing")
}

// TestEventTimes: by a function of the topic's own, and what to do without one.
func TestEventTimes(t *testing.T) {
	t.Parallel()
	b := streams.NewBuilder()
	late := textIn.TimedBy(func(r streams.Record[string, string], partition int64) int64 {
		return int64(len(r.Value)) - 1 + max(0, partition)*0
	})
	b.Stream(late).To(textOut)
	d := streamstest.New(t, b)
	in, out := streamstest.Input(d, textIn), streamstest.Output(d, textOut)
	in.Send("k", "abc", streamstest.AtMs(700))
	in.Send("k", "", streamstest.AtMs(701))
	got := out.ReadAll()
	require.Len(t, got, 1)
	require.EqualValues(t, 2, got[0].Time)
	require.Len(t, d.Skipped(), 1)
}
