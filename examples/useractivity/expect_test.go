package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// seconds after the base.
func sec(s float64) int64 { return testBase + int64(s*1000) }

// visitsOf runs one user's events through the oracle; the partition's clock is
// moved by another user.
func visitsOf(times ...float64) *oracle {
	o := newOracle()
	for _, s := range times {
		o.event(0, Event{"u-1", "view"}, sec(s))
	}
	return o
}

func (o *oracle) visitSizes() (sizes map[string]int) {
	sizes = map[string]int{}
	for user, sessions := range o.sessions {
		for _, s := range sessions {
			sizes[user] += s.Events
		}
	}
	return sizes
}

// TestSessionsOfOneUser: what is one session and what is two.
func TestSessionsOfOneUser(t *testing.T) {
	t.Parallel()
	require.Len(t, visitsOf(0, 30).visits, 1, "the gap itself still joins")
	require.Len(t, visitsOf(0, 30.001).visits, 2)
	require.Len(t, visitsOf(0, 40, 20).visits, 1, "an event between two sessions makes them one")
	o := visitsOf(0, 40, 20)
	require.Equal(t, map[string]Visit{
		"u-1 2023-11-14T22:13:20.000Z/2023-11-14T22:14:00.000Z": {Events: 3},
	}, o.visits)
	require.EqualValues(t, 2+3, o.updates[visitsTopic], "two sessions, then two deletions and the one that they became")
}

// TestSameMillisecond: the session stays the same, so that nothing is deleted.
func TestSameMillisecond(t *testing.T) {
	t.Parallel()
	o := visitsOf(0, 0)
	require.Equal(t, 2, o.visitSizes()["u-1"])
	require.EqualValues(t, 2, o.updates[visitsTopic])
}

// TestLateForASession: by the end of the session that it would make, not by its own
// time, and by the partition's clock.
func TestLateForASession(t *testing.T) {
	t.Parallel()
	o := visitsOf(0)
	o.event(0, Event{"u-2", "view"}, sec(50))
	o.event(0, Event{"u-1", "view"}, sec(-1))
	require.Zero(t, o.late, "its session ends at 0, exactly gap and grace ago")
	o.event(0, Event{"u-3", "view"}, sec(-1))
	require.EqualValues(t, 1, o.late, "alone, it ends before that")
	o.event(1, Event{"u-4", "view"}, sec(-1))
	require.EqualValues(t, 1, o.late, "another partition has its own clock")
}

func TestCountsByMinute(t *testing.T) {
	t.Parallel()
	o := newOracle()
	for _, s := range []float64{0, 39.999, 40, -21} { // 22:13:20 is the base
		o.event(0, Event{"u-1", "view"}, sec(s))
	}
	require.Equal(t, map[string]int64{
		"u-1 view 2023-11-14T22:12Z": 1, "u-1 view 2023-11-14T22:13Z": 2, "u-1 view 2023-11-14T22:14Z": 1,
	}, o.counts)
}

func TestEnrichesWithAndWithoutProfile(t *testing.T) {
	t.Parallel()
	o := newOracle()
	o.profiles["u-1"] = Profile{"Ann", "pro"}
	o.event(0, Event{"u-1", "view"}, sec(0))
	o.event(0, Event{"u-2", "view"}, sec(0))
	require.Equal(t, map[Enriched]int64{
		{"u-1", "view", "Ann", "pro"}: 1, {"u-2", "view", "", ""}: 1,
	}, o.enriched)
}

func TestDifferences(t *testing.T) {
	t.Parallel()
	same := func(s string) string { return s }
	got := map[string]int{"a": 1, "b": 2, "d": 4}
	want := map[string]int{"a": 1, "b": 3, "c": 3}
	names, n := differences(got, want, 2, same)
	require.Equal(t, []string{"b", "c"}, names)
	require.Equal(t, 3, n)
	_, n = differences(got, got, 2, same)
	require.Zero(t, n)
}
