package streamstest_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/record"
	"github.com/millrace/millrace/streams/serde"
	"github.com/millrace/millrace/streams/streamstest"
)

var (
	numbers = streams.NewTopic("numbers", serde.String, serde.Int64)
	results = streams.NewTopic("results", serde.String, serde.Int64)
	others  = streams.NewTopic("others", serde.String, serde.Int64)
	dead    = streams.NewTopic("dead", serde.Bytes, serde.Bytes)
)

var errUnlucky = errors.New("unlucky")

// unlucky panics at 13 and has a neighbour that does not.
func unlucky() *streams.Builder {
	b := streams.NewBuilder()
	in := b.Stream(numbers)
	in.MapValues(func(v int64) int64 {
		if v == 13 {
			panic(errUnlucky)
		}
		return v
	}, streams.As("check")).To(results)
	in.To(others)
	return b
}

func headersOf(r record.Record[[]byte, []byte]) map[string]string {
	out := map[string]string{}
	for _, h := range r.Headers.All() {
		out[h.Key] = string(h.Value)
	}
	return out
}

func TestAFailureIsTheRecordsOrItsOperatorsOnly(t *testing.T) {
	t.Parallel()
	d := streamstest.New(t, unlucky(), streamstest.WithHandlers(streams.Config{OnFailure: streams.Always(streams.Continue)}))
	in := streamstest.Input(d, numbers)
	for _, n := range []int64{1, 13, 2} {
		in.Send("k", n)
	}
	require.Equal(t, []int64{1, 2}, streamstest.Output(d, results).Values())
	require.Equal(t, []int64{1, 13, 2}, streamstest.Output(d, others).Values(), "its neighbour has it")
	require.Equal(t, map[streamstest.Skip]int{{Operator: "check", Reason: "failed"}: 1}, d.Skipped())
}

func TestADeadLetterTellsWhatHappenedAndWhere(t *testing.T) {
	t.Parallel()
	c := streams.Config{OnFailure: streams.Always(streams.DeadLetter), OnUndecodable: streams.Always(streams.DeadLetter), DeadLetters: "dead"}
	d := streamstest.New(t, unlucky(), streamstest.WithHandlers(c))
	streamstest.Input(d, numbers).Send("k", 13, streamstest.AtMs(7), streamstest.WithHeaders(record.Header{Key: "mine", Value: []byte("x")}))
	require.NoError(t, d.SendRaw("numbers", []byte("k"), []byte("secret"), streamstest.AtMs(8)))
	letters := streamstest.Output(d, dead).ReadAll()
	require.Len(t, letters, 2)

	require.Equal(t, "k", string(letters[0].Key))
	require.Equal(t, []byte{0, 0, 0, 0, 0, 0, 0, 13}, letters[0].Value, "the source record as it was read")
	require.EqualValues(t, 7, letters[0].Time)
	require.Equal(t, "mine", letters[0].Headers.All()[0].Key, "its own headers come first")
	h := headersOf(letters[0])
	require.Equal(t, "unlucky", h["__streams.errors.message"])
	require.Contains(t, h["__streams.errors.stacktrace"], "handlers_test.go")
	require.Equal(t, []string{"numbers", "0", "0"}, []string{h["__streams.errors.topic"], h["__streams.errors.partition"], h["__streams.errors.offset"]})
	require.Equal(t, []string{"check", "failed", "0_0"}, []string{h["__millrace.errors.operator"], h["__millrace.errors.reason"], h["__millrace.errors.task"]})
	require.Contains(t, h["__millrace.errors.where"], "handlers_test.go:")

	h = headersOf(letters[1])
	require.Equal(t, "org.apache.kafka.common.errors.SerializationException", h["__streams.errors.exception"])
	require.NotContains(t, h["__streams.errors.message"], "secret")
	require.Equal(t, "undecodable", h["__millrace.errors.reason"])
}

func TestTryAgainIsBoundedByTheHandler(t *testing.T) {
	t.Parallel()
	calls, asked := 0, 0
	b := streams.NewBuilder()
	b.Stream(numbers).MapValues(func(v int64) int64 {
		if calls++; calls < 3 {
			panic("not yet")
		}
		return v
	}).To(results)
	again := func(f streams.Failure) streams.Decision {
		asked++
		require.Equal(t, asked, f.Attempt)
		if f.Attempt < 5 {
			return streams.TryAgain
		}
		return streams.Fail
	}
	d := streamstest.New(t, b, streamstest.WithHandlers(streams.Config{OnFailure: again}))
	streamstest.Input(d, numbers).Send("k", 1)
	require.Equal(t, 2, asked)
	require.Equal(t, []int64{1}, streamstest.Output(d, results).Values())
	require.Empty(t, d.Skipped())
}

func TestDroppedRecordsMayBeDeadLetters(t *testing.T) {
	t.Parallel()
	b := streams.NewBuilder()
	b.Stream(lines).GroupByKey().Count(streams.As("n")).ToStream().To(counts)
	d := streamstest.New(t, b, streamstest.WithHandlers(streams.Config{OnDropped: streams.Always(streams.DeadLetter), DeadLetters: "dead"}))
	streamstest.Input(d, lines).SendNoKey("no key")
	letters := streamstest.Output(d, dead).ReadAll()
	require.Len(t, letters, 1)
	require.True(t, letters[0].NoKey)
	require.Equal(t, "no key", string(letters[0].Value))
	require.Equal(t, "null-key", headersOf(letters[0])["__millrace.errors.reason"])
	require.Len(t, d.Skipped(), 1, "and counted once")
}

func TestADropMayEndTheTask(t *testing.T) {
	t.Parallel()
	b := streams.NewBuilder()
	b.Stream(lines).GroupByKey().Count(streams.As("n"))
	d := streamstest.New(t, b, streamstest.WithHandlers(streams.Config{OnDropped: streams.Always(streams.Fail)}))
	err := d.SendRaw("lines", nil, []byte("x"))
	require.ErrorContains(t, err, "null-key")
	require.ErrorContains(t, err, "handlers_test.go:")
}

// picky cannot write 13.
type picky struct{ serde.Serde[int64] }

func (p picky) Append(dst []byte, v int64) ([]byte, error) {
	if v == 13 {
		return nil, errUnlucky
	}
	return p.Serde.Append(dst, v)
}

func TestAnEncodeErrorHasAPlace(t *testing.T) {
	t.Parallel()
	b := streams.NewBuilder()
	b.Stream(numbers).To(streams.NewTopic("results", serde.String, picky{serde.Int64}))
	err := streamstest.Input(streamstest.New(t, b), numbers).Try("k", 13)
	require.ErrorIs(t, err, errUnlucky)
	require.ErrorContains(t, err, "KSTREAM-SINK-0000000001")
	require.ErrorContains(t, err, "handlers_test.go:")
	require.ErrorContains(t, err, "numbers/0 offset 0")

	d := streamstest.New(t, b, streamstest.WithHandlers(streams.Config{OnUndeliverable: streams.Always(streams.Continue)}))
	in := streamstest.Input(d, numbers)
	in.Send("k", 13)
	in.Send("k", 1)
	require.Equal(t, []int64{1}, streamstest.Output(d, results).Values())
	require.Equal(t, map[streamstest.Skip]int{{Operator: "KSTREAM-SINK-0000000001", Reason: "undeliverable"}: 1}, d.Skipped())
}

func TestASchedulesFailureHasNoRecord(t *testing.T) {
	t.Parallel()
	var got []streams.Failure
	decide := func(f streams.Failure) streams.Decision { got = append(got, f); return streams.Continue }
	b := streams.NewBuilder()
	b.Stream(numbers).Process(func(c *streams.Context[string, int64]) streams.Processor[string, int64] {
		c.Schedule(streams.WallClock, time.Second, func(int64) error { return errUnlucky })
		return streams.ProcessorFunc[string, int64](c.Forward)
	}, streams.As("ticking")).To(results)
	d := streamstest.New(t, b, streamstest.WithHandlers(streams.Config{OnFailure: decide}))
	d.Advance(time.Second)
	require.Len(t, got, 1)
	require.ErrorIs(t, got[0], errUnlucky)
	require.Empty(t, got[0].Topic)
	require.Equal(t, "ticking", got[0].Operator)
}

func TestDeadLettersNeedATopic(t *testing.T) {
	t.Parallel()
	d := streamstest.New(t, unlucky(), streamstest.WithHandlers(streams.Config{OnFailure: streams.Always(streams.DeadLetter)}))
	err := streamstest.Input(d, numbers).Try("k", 13)
	require.ErrorContains(t, err, "Config.DeadLetters")
	require.ErrorIs(t, err, errUnlucky)
}

// A record on which an operator fails goes to a topic of its own, with its place in the
// program; the others go on.
func ExampleWithHandlers() {
	c := streams.Config{OnFailure: streams.Always(streams.DeadLetter), DeadLetters: "dead"}
	d := streamstest.New(new(testing.T), unlucky(), streamstest.WithHandlers(c))
	in := streamstest.Input(d, numbers)
	in.Send("a", 13)
	in.Send("b", 14)
	letter, _ := streamstest.Output(d, dead).Read()
	message, _ := letter.Headers.Last("__streams.errors.message")
	operator, _ := letter.Headers.Last("__millrace.errors.operator")
	fmt.Printf("%s: %s failed: %s\n", letter.Key, operator, message)
	fmt.Println(streamstest.Output(d, results).Values())
	// Output:
	// a: check failed: unlucky
	// [14]
}
