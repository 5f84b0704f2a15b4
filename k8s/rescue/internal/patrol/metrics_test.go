package patrol

import (
	"bytes"
	"os"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/k8s/rescue/internal/judge"
	"github.com/millrace/millrace/k8s/rescue/internal/scene"
)

// TestExposition: what Prometheus gets is what testdata says; alerts and dashboards
// are checked against that file.
func TestExposition(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	m := NewMetrics(registry)
	w := scene.World(3)
	scene.Lose(&w, 2, long())
	m.verdicts(judge.Decide(w, judge.Defaults()))
	m.claims.WithLabelValues("app").Inc()
	m.pods.WithLabelValues("app").Inc()
	m.members.WithLabelValues("app").Inc()

	golden, err := os.ReadFile("testdata/exposition.prom")
	require.NoError(t, err)
	require.NoError(t, testutil.GatherAndCompare(registry, bytes.NewReader(golden)))
	problems, err := testutil.GatherAndLint(registry)
	require.NoError(t, err)
	require.Empty(t, problems)
}
