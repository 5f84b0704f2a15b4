package streamstest_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/record"
	"github.com/millrace/millrace/streams/serde"
	"github.com/millrace/millrace/streams/streamstest"
)

func TestSendReturnsWhenAllIsDone(t *testing.T) {
	t.Parallel()
	d, in := newWordCount(t)
	out := streamstest.Output(d, counts)
	require.True(t, out.Empty())
	in.Send("1", "to be or")
	require.Equal(t, []string{"to=1", "be=1", "or=1"}, texts(out.ReadAll()))
	in.Send("2", "not to be")
	require.Equal(t, []int64{1, 2, 2}, out.Values())
	_, ok := out.Read()
	require.False(t, ok)
	require.Equal(t, map[string]int64{"to": 2, "be": 2, "or": 1, "not": 1}, streamstest.Latest(streamstest.Output(d, counts)))
}

// TestPartitionsMakeNoDifference to what comes out, and keys stay together.
func TestPartitionsMakeNoDifference(t *testing.T) {
	t.Parallel()
	d, in := newWordCount(t, streamstest.WithPartitions(4))
	for i, line := range []string{"a b c d e f g h", "a b c d", "a b"} {
		in.Send("k", line, streamstest.ToPartition(int32(i)))
	}
	want := map[string]int64{"a": 3, "b": 3, "c": 2, "d": 2, "e": 1, "f": 1, "g": 1, "h": 1}
	require.Equal(t, want, streamstest.Latest(streamstest.Output(d, counts)))

	used := map[int32]bool{}
	for _, m := range d.Messages("test-words-repartition") {
		require.Equal(t, serde.Partition(m.Key, 4), m.Partition)
		used[m.Partition] = true
	}
	require.Greater(t, len(used), 1)

	words := streamstest.KeyValue(d, "words", serde.String, serde.Int64)
	got, last := map[string]int64{}, ""
	for e, err := range words.All() {
		require.NoError(t, err)
		require.Less(t, last, e.Key, "one order over all partitions")
		got[e.Key], last = e.Value, e.Key
	}
	require.Equal(t, want, got)
	n, _, ok, err := words.Get("a")
	require.NoError(t, err)
	require.True(t, ok)
	require.EqualValues(t, 3, n)
}

func TestClockAndTimes(t *testing.T) {
	t.Parallel()
	d := streamstest.New(t, clickstream(), streamstest.WithClock(time.UnixMilli(1000)))
	in, out := streamstest.Input(d, clicks), streamstest.Output(d, enriched)
	in.Send("u", "a")
	d.Advance(1500 * time.Millisecond)
	require.Equal(t, time.UnixMilli(2500).UTC(), d.Now())
	in.Send("u", "b")
	in.Send("u", "c", streamstest.AtMs(7))
	in.Send("u", "d", streamstest.At(time.UnixMilli(9)))
	var times []int64
	for _, r := range out.ReadAll() {
		times = append(times, r.Time)
	}
	require.Equal(t, []int64{1000, 2500, 7, 9}, times)
}

func TestWindowsSessionsAndSkips(t *testing.T) {
	t.Parallel()
	d := streamstest.New(t, clickstream(), streamstest.WithPartitions(3))
	in := streamstest.Input(d, clicks)
	for _, second := range []int64{10, 20, 69, 55, 200, 15} {
		in.Send("u", "page", streamstest.AtMs(second*1000))
	}
	got := streamstest.Latest(streamstest.Output(d, minutes))
	of := func(minute int64) streams.Windowed[string] {
		return streams.Windowed[string]{Key: "u", Window: streams.Window{Start: minute * 60_000, End: (minute + 1) * 60_000}}
	}
	require.Equal(t, map[streams.Windowed[string]]int64{of(0): 3, of(1): 1, of(3): 1}, got)

	late := 0
	for skip, n := range d.Skipped() {
		require.Equal(t, "late", skip.Reason)
		late += n
	}
	require.Equal(t, 2, late, "one for the window, one for the session")

	n, at, ok, err := streamstest.Window(d, "by-minute", serde.String, serde.Int64).Get("u", 180_000)
	require.NoError(t, err)
	require.True(t, ok)
	require.EqualValues(t, 1, n)
	require.EqualValues(t, 200_000, at)

	var ends []int64
	for e, err := range streamstest.Session(d, "by-visit", serde.String, serde.Int64).Find("u", 0, 1<<60) {
		require.NoError(t, err)
		ends = append(ends, e.Key.Window.End)
	}
	require.Contains(t, ends, int64(200_000))
}

func TestJoinHeadersAndNulls(t *testing.T) {
	t.Parallel()
	d := streamstest.New(t, clickstream(), streamstest.WithPartitions(2))
	in, names, out := streamstest.Input(d, clicks), streamstest.Input(d, users), streamstest.Output(d, enriched)
	in.Send("u", "home")
	names.Send("u", "Ann")
	in.Send("u", "cart", streamstest.WithHeaders(record.Header{Key: "trace", Value: []byte("7")}))
	names.SendNull("u")
	in.Send("u", "exit")
	all := out.ReadAll()
	require.Equal(t, []string{"u=someone:home", "u=Ann:cart", "u=someone:exit"}, texts(all))
	require.Nil(t, all[0].Headers)
	trace, ok := all[1].Headers.Last("trace")
	require.True(t, ok)
	require.Equal(t, "7", string(trace))
	in.SendNoKey("nobody's")
	all = out.ReadAll()
	require.Len(t, all, 1)
	require.True(t, all[0].NoKey)
	require.Equal(t, map[streamstest.Skip]int{
		{Operator: "KSTREAM-AGGREGATE-0000000001", Reason: "null-key"}: 1,
		{Operator: "KSTREAM-AGGREGATE-0000000004", Reason: "null-key"}: 1,
	}, d.Skipped(), "the join lets it pass")
}

// TestChangelogsAreReadable, with the times of the values.
func TestChangelogsAreReadable(t *testing.T) {
	t.Parallel()
	d, in := newWordCount(t, streamstest.WithApplicationID("wc"))
	in.Send("1", "a a", streamstest.AtMs(5))
	log := d.Changelog("words")
	require.Len(t, log, 2)
	require.Equal(t, "wc-words-changelog", log[1].Topic)
	require.Equal(t, []byte{0, 0, 0, 0, 0, 0, 0, 2}, log[1].Value)
	require.EqualValues(t, 5, log[1].Time)
	require.EqualValues(t, 1, log[1].Offset)
}

// TestStateSurvives a restart, with its disk and without.
func TestStateSurvives(t *testing.T) {
	t.Parallel()
	d, in := newWordCount(t, streamstest.WithPartitions(3))
	in.Send("1", "a b")
	d.Restart()
	in.Send("1", "a")
	d.Restore()
	in.Send("1", "a b")
	require.Equal(t, map[string]int64{"a": 3, "b": 2}, streamstest.Latest(streamstest.Output(d, counts)))
}

// TestSessionsSurvive: their stores have a horizon of their own to find again.
func TestSessionsSurvive(t *testing.T) {
	t.Parallel()
	d := streamstest.New(t, clickstream())
	in, out := streamstest.Input(d, clicks), streamstest.Output(d, visits)
	in.Send("u", "a", streamstest.AtMs(100_000))
	d.Restore()
	out.ReadAll()
	in.Send("u", "b", streamstest.AtMs(110_000))
	all := out.ReadAll()
	require.Len(t, all, 2, "the old session goes, the merged one comes")
	require.True(t, all[0].Null)
	require.EqualValues(t, 2, all[1].Value)
}

func TestErrorsOfTheTopology(t *testing.T) {
	t.Parallel()
	b := streams.NewBuilder()
	fault := errors.New("boom")
	b.Stream(lines).MapValues(func(s string) string {
		if s == "bad" {
			panic(fault)
		}
		return strings.ToUpper(s)
	}).To(users)
	d := streamstest.New(t, b)
	in := streamstest.Input(d, lines)
	err := in.Try("k", "bad")
	require.ErrorIs(t, err, fault)
	require.ErrorContains(t, err, "lines/0 offset 0")
	require.ErrorContains(t, err, "driver_test.go:")
	require.ErrorContains(t, in.Try("k", "good"), "has failed before")
	d.Restart()
	in.Send("k", "good")
	require.Equal(t, []string{"GOOD"}, streamstest.Output(d, users).Values())
}

func TestUndecodableRecords(t *testing.T) {
	t.Parallel()
	numbers := streams.NewTopic("numbers", serde.String, serde.Int64)
	double := func() *streams.Builder {
		b := streams.NewBuilder()
		b.Stream(numbers).MapValues(func(n int64) int64 { return 2 * n }).To(counts)
		return b
	}
	d := streamstest.New(t, double())
	err := d.SendRaw("numbers", []byte("k"), []byte("x"))
	require.ErrorContains(t, err, "numbers/0 offset 0: KSTREAM-SOURCE-0000000000")
	require.ErrorContains(t, err, "decode the value")

	d = streamstest.New(t, double(), streamstest.SkipUndecodable())
	require.NoError(t, d.SendRaw("numbers", []byte("k"), []byte("x")))
	require.NoError(t, d.SendRaw("numbers", []byte("k"), nil))
	streamstest.Input(d, numbers).Send("k", 21)
	require.Equal(t, []int64{42}, streamstest.Output(d, counts).Values())
	require.Equal(t, 2, d.Skipped()[streamstest.Skip{Operator: "KSTREAM-SOURCE-0000000000", Reason: "undecodable"}])
}

// TestATopologyThatFeedsItselfForEver is an error, not a test that hangs.
func TestATopologyThatFeedsItselfForEver(t *testing.T) {
	t.Parallel()
	b := streams.NewBuilder()
	b.Stream(lines).To(lines)
	d := streamstest.New(t, b)
	require.ErrorContains(t, streamstest.Input(d, lines).Try("k", "v"), "does the topology write to a topic that it reads?")
}

// TestMistakesEndTheTest with a text that says what to do.
func TestMistakesEndTheTest(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		want string
		do   func(testing.TB)
	}{
		"a topology with faults": {"the topology has faults", func(t testing.TB) {
			b := streams.NewBuilder()
			b.Stream(lines).Filter(nil).To(counts2())
			streamstest.New(t, b)
		}},
		"a topic nobody reads": {`does not read the topic "users", it reads: lines, test-words-repartition`, func(t testing.TB) {
			d, _ := newWordCount(t)
			streamstest.Input(d, users)
		}},
		"an unknown store": {`has no store "wrods", it has ["words"]`, func(t testing.TB) {
			d, _ := newWordCount(t)
			streamstest.KeyValue(d, "wrods", serde.String, serde.Int64)
		}},
		"a store of another kind": {`the store "words" is a`, func(t testing.TB) {
			d, _ := newWordCount(t)
			streamstest.Window(d, "words", serde.String, serde.Int64)
		}},
		"a partition too many": {"has 1 partitions, no number 3; see WithPartitions", func(t testing.TB) {
			_, in := newWordCount(t)
			in.Send("k", "v", streamstest.ToPartition(3))
		}},
		"an output that does not decode": {"counts/0 offset 0: decode the value", func(t testing.TB) {
			d, in := newWordCount(t)
			in.Send("k", "v")
			streamstest.Output(d, streams.NewTopic("counts", serde.String, serde.Int32)).Read()
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, fatal(t, c.do), c.want)
		})
	}
}

func counts2() streams.Topic[string, string] {
	return streams.NewTopic("counts", serde.String, serde.String)
}

// TestStoresAreForReading here.
func TestStoresAreForReading(t *testing.T) {
	t.Parallel()
	d, in := newWordCount(t)
	in.Send("k", "a b")
	words := streamstest.KeyValue(d, "words", serde.String, serde.Int64)
	require.ErrorContains(t, words.Put("a", 9, 9), "send records to change them")
	require.Error(t, words.Delete("a"))
	var keys []string
	for e, err := range words.ReverseAll() {
		require.NoError(t, err)
		keys = append(keys, e.Key)
	}
	require.Equal(t, []string{"b", "a"}, keys)
}

// TestNullsOfNullableTopics go in and out as nil.
func TestNullsOfNullableTopics(t *testing.T) {
	t.Parallel()
	texts := serde.Nullable(serde.String)
	maybe := streams.NewTopic("maybe", serde.String, texts)
	b := streams.NewBuilder()
	b.Stream(maybe).MapValues(func(s *string) *string { return s }).To(streams.NewTopic("out", serde.String, texts))
	d := streamstest.New(t, b)
	streamstest.Input(d, maybe).Send("k", nil)
	r, ok := streamstest.Output(d, streams.NewTopic("out", serde.String, texts)).Read()
	require.True(t, ok)
	require.True(t, r.Null)
	require.Nil(t, r.Value)
}

// TestRunsAreEqual: nothing depends on maps or clocks.
func TestRunsAreEqual(t *testing.T) {
	t.Parallel()
	run := func() []streamstest.Message {
		d, in := newWordCount(t, streamstest.WithPartitions(5))
		in.Send("1", "the quick brown fox jumps over the lazy dog")
		return d.Messages("counts")
	}
	require.Equal(t, run(), run())
}
