package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheBusiestFirst(t *testing.T) {
	t.Parallel()
	r := newResults()
	r.counts["u-2 view 2026-01-01T00:00Z"] = 5
	r.counts["u-1 view 2026-01-01T00:00Z"] = 5
	r.counts["u-3 click 2026-01-01T00:01Z"] = 9
	out := new(bytes.Buffer)
	printBusiest(out, r)
	require.Equal(t, `
The busiest minutes:
  USER   ACTION   MINUTE              COUNT
  u-3    click    2026-01-01T00:01Z   9
  u-1    view     2026-01-01T00:00Z   5
  u-2    view     2026-01-01T00:00Z   5
`, out.String())
}

// TestAnyDifferenceShows: in each of the results, and in what was left out.
func TestAnyDifferenceShows(t *testing.T) {
	t.Parallel()
	equal := func(spoil func(*oracle)) (bool, string) {
		want := visitsOf(0, 10, 100)
		got := visitsOf(0, 10, 100).results
		spoil(want)
		out := new(bytes.Buffer)
		return compare(out, got, want, 0), out.String()
	}
	ok, out := equal(func(*oracle) {})
	require.True(t, ok, out)
	for name, spoil := range map[string]func(*oracle){
		"counts":   func(o *oracle) { o.counts["u-1 view x"]++ },
		"visits":   func(o *oracle) { o.visits["u-1 x"] = Visit{} },
		"enriched": func(o *oracle) { o.enriched[Enriched{UserID: "u-9"}]++ },
		"late":     func(o *oracle) { o.late++ },
	} {
		ok, out := equal(spoil)
		require.False(t, ok, name)
		require.Contains(t, out, "1 DIFFER", name)
	}
}

func TestCredentialsFromTheEnvironment(t *testing.T) {
	t.Parallel()
	get := func(vars map[string]string) func(string) string { return func(n string) string { return vars[n] } }
	c, err := clusterFromEnv("a:1,b:2", get(nil))
	require.NoError(t, err)
	require.Equal(t, []string{"a:1", "b:2"}, c.brokers)

	_, err = clusterFromEnv("a:1", get(map[string]string{"KAFKA_PASSWORD": "x"}))
	require.ErrorContains(t, err, "KAFKA_SASL_MECHANISM")
	_, err = clusterFromEnv("a:1", get(map[string]string{"KAFKA_SASL_MECHANISM": "MAGIC"}))
	require.ErrorContains(t, err, "MAGIC")
	for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
		c, err := clusterFromEnv("a:1", get(map[string]string{"KAFKA_SASL_MECHANISM": mechanism, "KAFKA_USERNAME": "u", "KAFKA_PASSWORD": "p", "KAFKA_TLS": "true"}))
		require.NoError(t, err)
		m, err := c.mechanism()
		require.NoError(t, err)
		require.Equal(t, mechanism, m.Name())
		require.NotNil(t, c.tls)
	}
}
