package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// output can be read while the demo writes to it.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// TestServe: the job keeps running, answers, and ends well when it is asked to.
func TestServe(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	out, done := new(output), make(chan error, 1)
	go func() {
		done <- run(ctx, []string{"-events", "2000", "-serve", "-http", "127.0.0.1:0", "-state", t.TempDir()}, noEnv, out)
	}()
	defer func() {
		cancel()
		require.NoError(t, <-done, out.String())
	}()
	require.Eventually(t, func() bool { return bytes.Contains([]byte(out.String()), []byte("The job goes on")) },
		time.Minute, 20*time.Millisecond, "it compares its results and stays")

	url := regexp.MustCompile(`http://[^/]+`).FindString(out.String())
	for path, want := range map[string]string{
		"/healthz": `"ok": true`, "/startupz": `"ok": true`, "/readyz": `"running": `,
		"/metrics": `millrace_state{application="useractivity",state="running"} 1`,
	} {
		code, body := get(t, url+path)
		require.Equal(t, http.StatusOK, code, path)
		require.Contains(t, body, want)
	}
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := c.Get(url)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(body)
}

// TestServeNeedsAnAddressItMayBind: the job does not run without its endpoints.
func TestServeNeedsAnAddressItMayBind(t *testing.T) {
	t.Parallel()
	err := run(t.Context(), []string{"-events", "0", "-serve", "-http", "0.0.0.0:0", "-state", t.TempDir()}, noEnv, io.Discard)
	require.ErrorContains(t, err, "not a loopback address")
}
