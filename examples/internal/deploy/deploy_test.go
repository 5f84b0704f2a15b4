package deploy

import (
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/embedded"
	"github.com/millrace/millrace/streams/serde"
	"github.com/millrace/millrace/streams/streamshttp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func env(vars map[string]string) func(string) string {
	return func(name string) string { return vars[name] }
}

// TestNothingSet: every zero is the library's default.
func TestNothingSet(t *testing.T) {
	t.Parallel()
	c, err := Config("app", env(nil))
	require.NoError(t, err)
	require.Equal(t, streams.Config{ApplicationID: "app"}, c)
}

// TestEverythingSet, as the manifests do.
func TestEverythingSet(t *testing.T) {
	t.Parallel()
	ca := filepath.Join(t.TempDir(), "ca.crt")
	srv := httptest.NewTLSServer(http.NotFoundHandler())
	defer srv.Close()
	require.NoError(t, os.WriteFile(ca, pemOf(srv), 0o600))
	c, err := Config("app", env(map[string]string{
		Brokers: "a:9093,b:9093", Mechanism: "SCRAM-SHA-512", Username: "u", Password: "p", CAFile: ca,
		PodName: "app-0", ApplicationID: "other", StateDir: "/state", SessionTimeout: "120s", StopTimeout: "20s",
		CommitInterval: "5s", Workers: "3", MemoryLimit: "512MiB", MaxUnflushed: "64MiB", MaxBuffered: "1048576",
		Standbys: "1", Zone: "zone-a",
	}))
	require.NoError(t, err)
	require.NotNil(t, c.TLS.RootCAs)
	c.TLS = nil
	require.Equal(t, streams.Config{
		ApplicationID: "other", Brokers: []string{"a:9093", "b:9093"}, InstanceID: "app-0", StateDir: "/state",
		SASL:           streams.SASL{Mechanism: "SCRAM-SHA-512", User: "u", Password: "p"},
		SessionTimeout: 2 * time.Minute, StopTimeout: 20 * time.Second, CommitInterval: 5 * time.Second, Workers: 3,
		MemoryLimit: 512 << 20, MaxUnflushedBytes: 64 << 20, MaxBufferedBytes: 1 << 20,
		NumStandbyReplicas: 1, ClientTags: map[string]string{"zone": "zone-a"}, RackAwareTags: []string{"zone"},
	}, c)
}

// TestAllFaultsAtOnce: one start shows them all, and never the password.
func TestAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "ca.crt")
	require.NoError(t, os.WriteFile(empty, []byte("nothing"), 0o600))
	_, err := Config("app", env(map[string]string{
		SessionTimeout: "soon", Workers: "many", MemoryLimit: "512M", Password: "hunter2", CAFile: empty,
	}))
	for _, want := range []string{SessionTimeout, Workers, MemoryLimit, "without " + Mechanism, "holds no certificate"} {
		require.ErrorContains(t, err, want)
	}
	require.NotContains(t, err.Error(), "hunter2")
	_, err = Config("app", env(map[string]string{CAFile: filepath.Join(t.TempDir(), "absent")}))
	require.ErrorContains(t, err, CAFile)
}

func TestSizes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{"1": 1, "7B": 7, "2KiB": 2048, "512MiB": 512 << 20, "3GiB": 3 << 30, "1TiB": 1 << 40} {
		n, err := ParseSize(text)
		require.NoError(t, err, text)
		require.Equal(t, want, n, text)
	}
	for _, text := range []string{"", "0", "-1MiB", "MiB", "1.5GiB", "512M", "9999999TiB", "1 MiB"} {
		_, err := ParseSize(text)
		require.Error(t, err, text)
	}
}

// TestSystemTLS: KAFKA_TLS alone trusts what the system trusts.
func TestSystemTLS(t *testing.T) {
	t.Parallel()
	c, err := Config("app", env(map[string]string{UseTLS: "true"}))
	require.NoError(t, err)
	require.NotNil(t, c.TLS)
	require.Nil(t, c.TLS.RootCAs)
}

// TestRun: the application and its endpoints live and end together.
func TestRun(t *testing.T) {
	t.Parallel()
	broker, err := embedded.Start(embedded.WithTopic("in", 1), embedded.WithTopic("out", 1))
	require.NoError(t, err)
	defer broker.Close()
	app := copier(t, broker.Addrs())
	ctx, cancel := context.WithCancel(t.Context())
	addr, done := make(chan net.Addr, 1), make(chan error, 1)
	go func() { done <- Run(ctx, app, "127.0.0.1:0", streamshttp.OnListen(func(a net.Addr) { addr <- a })) }()
	url := fmt.Sprintf("http://%s", <-addr)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	require.Eventually(t, func() bool {
		resp, err := client.Get(url + "/readyz")
		if err != nil {
			return false
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		return resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
	}, 30*time.Second, 20*time.Millisecond)
	cancel()
	require.NoError(t, <-done)
}

// TestNoPortNoApplication: without its endpoints it does not run.
func TestNoPortNoApplication(t *testing.T) {
	t.Parallel()
	broker, err := embedded.Start(embedded.WithTopic("in", 1), embedded.WithTopic("out", 1))
	require.NoError(t, err)
	defer broker.Close()
	err = Run(t.Context(), copier(t, broker.Addrs()), "0.0.0.0:0")
	require.ErrorIs(t, err, streamshttp.ErrNotLoopback)
}

func copier(t *testing.T, brokers []string) *streams.App {
	t.Helper()
	b := streams.NewBuilder()
	b.Stream(streams.NewTopic("in", serde.String, serde.String)).To(streams.NewTopic("out", serde.String, serde.String))
	app, err := streams.New(b, streams.Config{ApplicationID: "copier", Brokers: brokers, StateDir: t.TempDir(), NoSignals: true})
	require.NoError(t, err)
	return app
}

func pemOf(srv *httptest.Server) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})
}
