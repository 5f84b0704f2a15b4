package main

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/millrace/millrace/k8s/rescue/internal/judge"
	"github.com/millrace/millrace/k8s/rescue/internal/scene"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func noEnv(string) string { return "" }

func TestCommandLine(t *testing.T) {
	t.Parallel()
	o, err := parse([]string{"watch"}, noEnv)
	require.NoError(t, err)
	require.True(t, o.watch)
	require.Equal(t, judge.Defaults(), o.rules)
	require.Equal(t, 5*time.Second, o.interval)

	o, err = parse([]string{"once", "--dry-run", "-n", "apps", "-after", "3m", "-max-lost", "0.5"}, func(string) string { return "from-env" })
	require.NoError(t, err)
	require.False(t, o.watch)
	require.True(t, o.dryRun)
	require.Equal(t, "apps", o.namespace)
	require.Equal(t, judge.Rules{After: 3 * time.Minute, MaxLost: 0.5}, o.rules)

	for _, args := range [][]string{
		nil, {"now"}, {"watch", "extra"}, {"once", "-after", "-1s"}, {"watch", "-interval", "0"}, {"once", "-max-lost", "2"},
	} {
		_, err := parse(args, noEnv)
		require.Error(t, err, args)
	}
}

// TestNoCluster says so, instead of looking after nothing.
func TestNoCluster(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "config")
	err := run(t.Context(), []string{"once", "-kubeconfig", missing}, noEnv, new(bytes.Buffer))
	require.ErrorContains(t, err, "no cluster to look after")
}

// TestOnce is the whole program against a fake server.
func TestOnce(t *testing.T) {
	t.Parallel()
	w, out := scene.World(3), new(bytes.Buffer)
	scene.Lose(&w, 2, scene.Start().Add(-time.Hour))
	p := newPatrol(options{dryRun: true, rules: judge.Defaults()}, fake.NewClientset(scene.Objects(w)...), scene.Namespace, prometheus.NewRegistry(), out)
	require.NoError(t, p.Round(t.Context()))
	require.Equal(t, "app-2\tfree\tnode node-app-2 does not exist\n", out.String())
}

// TestServe: the endpoints answer while the work goes on, and end with it.
func TestServe(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := l.Addr().String()
	require.NoError(t, l.Close())
	registry := prometheus.NewRegistry()
	require.NoError(t, serve(t.Context(), options{listen: addr}, registry, func(context.Context) error {
		client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		for _, path := range []string{"/healthz", "/metrics"} {
			resp, err := client.Get("http://" + addr + path)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			require.Equal(t, http.StatusOK, resp.StatusCode)
		}
		return nil
	}))
}

// TestLead: the work runs under the lease, which is let go at the end.
func TestLead(t *testing.T) {
	t.Parallel()
	api := fake.NewClientset()
	ctx, cancel := context.WithCancel(t.Context())
	led := false
	require.NoError(t, lead(ctx, api, scene.Namespace, func(string) string { return "me" }, func(context.Context) error {
		led = true
		lease, err := api.CoordinationV1().Leases(scene.Namespace).Get(ctx, leaseName, metav1.GetOptions{})
		require.NoError(t, err)
		require.Equal(t, "me", *lease.Spec.HolderIdentity)
		cancel()
		return nil
	}))
	require.True(t, led)
}
