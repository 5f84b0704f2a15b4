package main

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTopologyIsTheJVMs: testdata/Twin.java is this job in Kafka Streams 4.3.1, and
// jvm-topology.txt is what that printed. The same operators under the same names,
// the same internal topics: one can take over from the other.
func TestTopologyIsTheJVMs(t *testing.T) {
	t.Parallel()
	golden, err := os.ReadFile("testdata/jvm-topology.txt")
	require.NoError(t, err)
	want, internal, ok := strings.Cut(string(golden), "Internal topics:\n")
	require.True(t, ok)
	built, err := topology().Build()
	require.NoError(t, err)
	require.Equal(t, want, built.Describe())

	var topics []string
	for _, line := range strings.Split(strings.TrimSpace(internal), "\n") {
		name, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		topics = append(topics, name)
	}
	plan := built.Plan("APP")
	var got []string
	for _, sub := range plan.Subtopologies {
		for _, r := range sub.Repartitions {
			got = append(got, r.Topic)
		}
		for _, s := range sub.Stores {
			got = append(got, s.Changelog)
		}
	}
	require.ElementsMatch(t, topics, got)
}
