package streamstest_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/serde"
	"github.com/millrace/millrace/streams/streamstest"
)

// click is one input of the properties below, in ms from 0.
type click struct {
	user string
	at   int64
}

// randomClicks come from few users, sometimes out of order but never late.
func randomClicks(rng *rand.Rand, n int) (out []click) {
	now := int64(1_000_000)
	for range n {
		now += rng.Int64N(20_000)
		out = append(out, click{fmt.Sprintf("u-%d", rng.IntN(6)), now - rng.Int64N(8_000)})
	}
	return out
}

// outcome is what a run of clickstream ended with.
type outcome struct {
	minutes, visits map[streams.Windowed[string]]int64
	names           int
}

// play runs clicks through clickstream; between them it may disturb the driver.
func play(t *testing.T, all []click, disturb func(*streamstest.Driver), opts ...streamstest.Option) outcome {
	d := streamstest.New(t, clickstream(), opts...)
	in := streamstest.Input(d, clicks)
	for _, c := range all {
		in.Send(c.user, "page", streamstest.AtMs(c.at))
		disturb(d)
	}
	require.Empty(t, d.Skipped())
	return outcome{
		minutes: streamstest.Latest(streamstest.Output(d, minutes)),
		visits:  streamstest.Latest(streamstest.Output(d, visits)),
		names:   len(streamstest.Output(d, enriched).ReadAll()),
	}
}

// counted is the minutes computed directly.
func counted(all []click) map[streams.Windowed[string]]int64 {
	out := map[streams.Windowed[string]]int64{}
	for _, c := range all {
		start := c.at / 60_000 * 60_000
		out[streams.Windowed[string]{Key: c.user, Window: streams.Window{Start: start, End: start + 60_000}}]++
	}
	return out
}

// TestRestartsChangeNothing: neither a restart nor a restore from the changelogs,
// at any moment, changes a result, on one partition or several; and the windows
// are those of a direct computation.
func TestRestartsChangeNothing(t *testing.T) {
	t.Parallel()
	for range 8 {
		seed := rand.Uint64()
		rng := rand.New(rand.NewPCG(seed, 0))
		all := randomClicks(rng, 60)
		calm := play(t, all, func(*streamstest.Driver) {})
		require.Equal(t, counted(all), calm.minutes, "seed %d", seed)
		require.Equal(t, len(all), calm.names)
		rough := play(t, all, func(d *streamstest.Driver) {
			switch rng.IntN(6) {
			case 0:
				d.Restart()
			case 1:
				d.Restore()
			}
		}, streamstest.WithPartitions(1+rng.IntN(5)))
		require.Equal(t, calm, rough, "seed %d", seed)
		cached := play(t, all, func(d *streamstest.Driver) {
			if rng.IntN(6) == 0 {
				d.Restore()
			}
		}, streamstest.WithCache(rng.Int64N(10_000)))
		require.Equal(t, calm, cached, "seed %d", seed)
	}
}

// TestStoresAgreeWithOutputs: what stores hold is what was last sent.
func TestStoresAgreeWithOutputs(t *testing.T) {
	t.Parallel()
	d := streamstest.New(t, clickstream(), streamstest.WithPartitions(3))
	in := streamstest.Input(d, clicks)
	for i := range int64(20) {
		in.Send(fmt.Sprintf("u-%d", i%4), "page", streamstest.AtMs(i*2_000))
	}
	stored := map[streams.Windowed[string]]int64{}
	for e, err := range streamstest.Window(d, "by-minute", serde.String, serde.Int64).All() {
		require.NoError(t, err)
		stored[e.Key] = e.Value
	}
	require.Equal(t, streamstest.Latest(streamstest.Output(d, minutes)), stored)

	sessions := map[streams.Windowed[string]]int64{}
	for e, err := range streamstest.Session(d, "by-visit", serde.String, serde.Int64).All() {
		require.NoError(t, err)
		sessions[e.Key] = e.Value
	}
	require.Equal(t, streamstest.Latest(streamstest.Output(d, visits)), sessions)
}

// TestRepartitionTopicsKeepTheirOwnCount, and make as many tasks behind them.
func TestRepartitionTopicsKeepTheirOwnCount(t *testing.T) {
	t.Parallel()
	b := streams.NewBuilder()
	b.Stream(lines).
		GroupBy(func(_, v string) string { return v }, serde.String, streams.WithPartitions(5)).
		Count(streams.As("words")).
		ToStream().
		To(counts)
	d := streamstest.New(t, b, streamstest.WithPartitions(2))
	in := streamstest.Input(d, lines)
	for i := range 40 {
		in.Send("k", fmt.Sprintf("word-%d", i), streamstest.At(time.UnixMilli(int64(i))))
	}
	for _, m := range d.Changelog("words") {
		require.Equal(t, serde.Partition(m.Key, 5), m.Partition)
	}
	require.Len(t, streamstest.Latest(streamstest.Output(d, counts)), 40)
}

// TestStoresWithoutChangelog are lost with their disk, and only then.
func TestStoresWithoutChangelog(t *testing.T) {
	t.Parallel()
	b := streams.NewBuilder()
	b.Stream(lines).GroupByKey().Count(streams.As("n"), streams.WithoutLogging()).ToStream().To(counts)
	d := streamstest.New(t, b)
	in, out := streamstest.Input(d, lines), streamstest.Output(d, counts)
	in.Send("k", "v")
	d.Restart()
	in.Send("k", "v")
	d.Restore()
	in.Send("k", "v")
	require.Empty(t, d.Changelog("n"))
	require.Equal(t, []int64{1, 2, 1}, out.Values())
}
