package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams"
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
	from := func(vars map[string]string) (cluster, error) {
		s, err := parse(nil, func(n string) string { return vars[n] })
		if err != nil {
			return cluster{}, err
		}
		return clusterOf(s.config)
	}
	c, err := from(map[string]string{"KAFKA_BOOTSTRAP_SERVERS": "a:1,b:2"})
	require.NoError(t, err)
	require.Equal(t, []string{"a:1", "b:2"}, c.brokers)

	_, err = from(map[string]string{"KAFKA_PASSWORD": "x"})
	require.ErrorContains(t, err, "KAFKA_SASL_MECHANISM")
	_, err = from(map[string]string{"KAFKA_SASL_MECHANISM": "MAGIC"})
	require.ErrorContains(t, err, "MAGIC")
	for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
		c, err := from(map[string]string{"KAFKA_SASL_MECHANISM": mechanism, "KAFKA_USERNAME": "u", "KAFKA_PASSWORD": "p", "KAFKA_TLS": "true"})
		require.NoError(t, err)
		m, err := c.mechanism()
		require.NoError(t, err)
		require.Equal(t, mechanism, m.Name())
		require.NotNil(t, c.tls)
	}
}

// TestConfigurationOfADeployment: the variables of the StatefulSet arrive, and the
// demo's own settings do not.
func TestConfigurationOfADeployment(t *testing.T) {
	t.Parallel()
	vars := map[string]string{
		"KAFKA_BOOTSTRAP_SERVERS": "a:1", "POD_NAME": "useractivity-2", "MILLRACE_STATE_DIR": "/state", "MILLRACE_HTTP": ":8080",
		"MILLRACE_SESSION_TIMEOUT": "100s", "MILLRACE_MEMORY_LIMIT": "512MiB",
	}
	s, err := parse([]string{"-serve", "-events", "0", "-http-remote"}, func(n string) string { return vars[n] })
	require.NoError(t, err)
	require.Equal(t, ":8080", s.http)
	c, err := clusterOf(s.config)
	require.NoError(t, err)
	cfg := jobConfig(c, s, nil)
	require.Equal(t, "useractivity", cfg.ApplicationID)
	require.Equal(t, "useractivity-2", cfg.InstanceID)
	require.Equal(t, "/state", cfg.StateDir)
	require.Equal(t, 100*time.Second, cfg.SessionTimeout)
	require.EqualValues(t, 512<<20, cfg.MemoryLimit)
	require.Zero(t, cfg.CommitInterval, "the library's default")
	require.Zero(t, cfg.CacheBytes, "the library's default")

	demo, err := parse(nil, noEnv)
	require.NoError(t, err)
	require.EqualValues(t, streams.NoCaches, jobConfig(c, demo, nil).CacheBytes, "the demo counts every update")
}
