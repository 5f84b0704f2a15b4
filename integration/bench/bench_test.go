package main

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/millrace/millrace/streams/embedded"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestData: the records are those of the peer's loader, byte for byte. The values here
// were read from topics that it had filled.
func TestData(t *testing.T) {
	t.Parallel()
	sets := datasets()
	small := sets["small"]
	require.Equal(t, `{"id":000000007,"grp":"k`, string(small.appendValue(nil, 7)[:24]))
	require.Len(t, small.appendValue(nil, 7), 100)
	require.Len(t, sets["restore"].appendValue(nil, 7), 1024)
	require.Equal(t, "k000000042", string(appendKey(nil, 42)))
	require.Equal(t, small.ok(11), small.appendValue(nil, 11)[okAt] == '1')
	require.Equal(t, string(appendKey(nil, small.group(11))), string(small.appendValue(nil, 11)[groupFrom:groupTo]))
	var ok int
	for i := range small.records {
		if small.ok(i) {
			ok++
		}
	}
	require.Equal(t, 1_499_330, ok, "the peer's documentation says how many pass")
	seen := map[int64]bool{}
	for i := range sets["table"].records {
		seen[sets["table"].keyNo(i)] = true
	}
	require.Len(t, seen, 100_000, "a permutation has every key")
}

// TestWorkloads runs every workload at a small size and compares its output with the
// independent computation.
func TestWorkloads(t *testing.T) {
	t.Parallel()
	broker, err := embedded.Start()
	require.NoError(t, err)
	defer broker.Close()
	c, err := connect(broker.Addrs(), "")
	require.NoError(t, err)
	defer c.close()
	s := session{cluster: c, log: io.Discard}
	s.run.sets, s.run.codec = scaled(4000, 3000), "none"
	require.NoError(t, s.load(t.Context(), allSets(nil)...))
	for _, name := range strings.Fields(workloadNames) {
		o := s.run
		o.name, o.check, o.linger, o.stateDir = name, true, -1, t.TempDir()
		r, err := c.run(t.Context(), o)
		require.NoError(t, err, name)
		require.True(t, r.Committed, name)
		require.Equal(t, "equal", r.Checked, name)
		require.Positive(t, r.RecordsPerS, name)
	}
	o := s.run
	o.stateDir = t.TempDir()
	r, err := c.restore(t.Context(), o, 64<<20)
	require.NoError(t, err)
	require.EqualValues(t, 3000, r.Records)
}

// TestChecks: what is wrong is seen.
func TestChecks(t *testing.T) {
	t.Parallel()
	set := datasets()["small"]
	set.records = 2
	none := func(func(key, value []byte, ms int64) error) error { return nil }
	twice := func(yield func(key, value []byte, ms int64) error) error {
		for range 2 {
			if err := yield(appendKey(nil, set.keyNo(0)), []byte{0, 0, 0, 0, 0, 0, 0, 1}, 0); err != nil {
				return err
			}
		}
		return nil
	}
	require.Error(t, checkUpper(set, false)(outputs{output: none}))
	require.ErrorContains(t, checkCounts(set, set.keyNo, false)(outputs{output: none}), "counts of 0 keys, and 2")
	require.ErrorContains(t, checkCounts(set, set.keyNo, true)(outputs{output: twice}), "goes from 1 to 1")
	require.Error(t, checkWindows(set, true)(outputs{output: none}))
	require.Error(t, checkTableJoin(set, datasets()["table"])(outputs{output: none}))
	require.Error(t, checkStreamJoin(set, set)(outputs{output: none}))
}

// TestLatencySummary: percentiles are those of the sorted latencies.
func TestLatencySummary(t *testing.T) {
	t.Parallel()
	var l latencies
	seen := make([]int64, 0, 1000)
	for i := range int64(1000) {
		seen = append(seen, 999-i)
	}
	l.summarize(seen)
	require.Equal(t, []int64{500, 900, 990, 999, 999}, []int64{l.P50, l.P90, l.P99, l.P999, l.Max})
}

// TestTable: the median by CPU is shown, and a workload without a quiet pair is not.
func TestTable(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	middle := median([]result{{CPUMicros2: 3}, {CPUMicros2: 1}, {CPUMicros2: 2, RecordsPerS: 77}})
	require.NoError(t, writeTable(&b, []comparison{
		{name: "map", ours: middle, its: result{CPUMicros2: 5}, pairs: 3}, {name: "count", discarded: 6},
	}))
	require.Contains(t, b.String(), "77")
	require.Contains(t, b.String(), "2.5x")
	require.Contains(t, b.String(), "no quiet pair of 6")
}

// TestCommandLine: a mistake is told.
func TestCommandLine(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	require.ErrorIs(t, run(ctx, []string{"-peer", "nowhere", "-work", t.TempDir(), "limits"}), errNoPeer)
	require.Error(t, run(ctx, nil))
	s := session{}
	require.ErrorContains(t, s.do(ctx, "fly", nil), "no command")
	require.ErrorContains(t, s.load(ctx, "unknown"), "no data set")
}
