package main

import (
	"bytes"
	"context"
	"flag"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/millrace/millrace/streams/embedded"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func noEnv(string) string { return "" }

// TestTheWholeDemo with fewer events: three lives, everything equal.
func TestTheWholeDemo(t *testing.T) {
	t.Parallel()
	out := new(bytes.Buffer)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	err := run(ctx, []string{"-events", "5000", "-state", t.TempDir()}, noEnv, out)
	require.NoError(t, err, out.String())
	require.Equal(t, 3*4, strings.Count(out.String(), ": equal"))
	require.Contains(t, out.String(), "The busiest minutes:")
	require.Contains(t, out.String(), "nothing restored")
}

// TestAgainOnTheSameKafka: a second run finds the events of the first, adds none,
// and restores what it has no state for.
func TestAgainOnTheSameKafka(t *testing.T) {
	t.Parallel()
	b, err := embedded.Start()
	require.NoError(t, err)
	defer b.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for _, want := range []string{"4000 events", "Topic user-events has 5000 events already; none are added."} {
		out := new(bytes.Buffer)
		err := run(ctx, []string{"-events", "5000", "-bootstrap", b.Addrs()[0]}, noEnv, out)
		require.NoError(t, err, out.String())
		require.Contains(t, out.String(), want)
		require.Contains(t, out.String(), "Everything is equal.")
	}
}

func TestArguments(t *testing.T) {
	t.Parallel()
	s, err := parse([]string{"-events", "7", "-base", "2026-01-02T03:04:05Z"}, noEnv)
	require.NoError(t, err)
	require.Equal(t, 7, s.events)
	require.EqualValues(t, 1767323045, s.base.Unix())
	s, err = parse(nil, func(name string) string { return map[string]string{"KAFKA_BOOTSTRAP_SERVERS": "kafka:9092"}[name] })
	require.NoError(t, err)
	require.Equal(t, "kafka:9092", s.bootstrap)
	for _, args := range [][]string{{"-events", "-1"}, {"more"}, {"-base", "x"}} {
		_, err := parse(args, noEnv)
		require.Error(t, err, args)
	}
	require.ErrorIs(t, run(t.Context(), []string{"-help"}, noEnv, new(bytes.Buffer)), flag.ErrHelp)
}
