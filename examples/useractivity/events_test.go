package main

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const testBase = 1_700_000_000_000

// all is every part in the order of sending.
func all(p [parts][]raw) []raw { return slices.Concat(p[:]...) }

func TestSameEventsEachTime(t *testing.T) {
	t.Parallel()
	require.Equal(t, generate(5000, testBase), generate(5000, testBase))
	moved := all(generate(5000, testBase+1000))
	for i, e := range all(generate(5000, testBase)) {
		require.Equal(t, e.Event, moved[i].Event, "the base moves the times and nothing else")
		require.Equal(t, e.Time+1000, moved[i].Time)
	}
}

func TestEveryEventIsDealtOut(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 7, 1000, 20_000} {
		require.Len(t, all(generate(n, testBase)), n)
	}
	require.Len(t, generate(20_000, testBase)[0], 16_000, "most of them in the first part")
}

// TestSomeComeLate: the stream has what makes it hard.
func TestSomeComeLate(t *testing.T) {
	t.Parallel()
	newest, late, veryLate := int64(0), 0, 0
	events := all(generate(20_000, testBase))
	for _, e := range events {
		switch behind := newest - e.Time; {
		case behind > outOfOrderBy.Milliseconds():
			veryLate++
		case behind > 0:
			late++
		}
		newest = max(newest, e.Time)
	}
	require.InDelta(t, 0.10, float64(late)/float64(len(events)), 0.02)
	require.InDelta(t, 0.01, float64(veryLate)/float64(len(events)), 0.005)
	require.Less(t, newest-testBase, span.Milliseconds())
}

// TestPartsBeginPunctually: a restart changes nothing about what is late, because
// every partition sees the newest time first.
func TestPartsBeginPunctually(t *testing.T) {
	t.Parallel()
	newest := int64(0)
	for _, part := range generate(20_000, testBase) {
		users := map[string]bool{}
		for _, e := range part[:usersFor(20_000)] {
			require.GreaterOrEqual(t, e.Time, newest)
			newest = e.Time
			users[e.UserID] = true
		}
		require.Len(t, users, usersFor(20_000))
		for _, e := range part {
			newest = max(newest, e.Time)
		}
	}
}

// TestProfilesLeaveSomeOut: a left join has both cases.
func TestProfilesLeaveSomeOut(t *testing.T) {
	t.Parallel()
	last := map[string]string{}
	for _, p := range profiles(40) {
		last[p.user] = p.Plan
	}
	require.Len(t, last, 36)
	require.Equal(t, "pro", last["u-000"], "the second one counts")
	require.Equal(t, "free", last["u-001"])
	require.NotContains(t, last, "u-009")
}

func TestBaseTimeIsRecentAndPast(t *testing.T) {
	t.Parallel()
	base, err := baseTime("")
	require.NoError(t, err)
	require.WithinRange(t, base.Add(span), time.Now().Add(-2*time.Hour), time.Now())
	_, err = baseTime("yesterday")
	require.ErrorContains(t, err, "-base")
}
