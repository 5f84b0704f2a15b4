package streamshttp_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/streamshttp"
)

// start serves on a free port until the test ends, and returns the address.
func start(t *testing.T, addr string, opts ...streamshttp.ServeOption) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	bound, done := make(chan net.Addr, 1), make(chan error, 1)
	opts = append(opts, streamshttp.OnListen(func(a net.Addr) { bound <- a }))
	go func() {
		done <- streamshttp.Serve(ctx, addr, streamshttp.Handler(app{State: streams.StateRunning}), opts...)
	}()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
	select {
	case a := <-bound:
		return a.String()
	case err := <-done:
		done <- err
		t.Fatal("Serve ended at once: ", err)
	}
	return ""
}

func TestServeAnswersUntilTheEnd(t *testing.T) {
	t.Parallel()
	addr := start(t, "127.0.0.1:0")
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get("http://" + addr + "/readyz")
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, http.StatusOK, resp.StatusCode)
}

// TestNoHostIsLoopback: the usual ":8080" must not open the door to the network.
func TestNoHostIsLoopback(t *testing.T) {
	t.Parallel()
	host, _, err := net.SplitHostPort(start(t, ":0"))
	require.NoError(t, err)
	require.True(t, net.ParseIP(host).IsLoopback(), host)
}

func TestOtherAddressesNeedPermission(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{"0.0.0.0:0", "[::]:0", "192.0.2.1:80", "example.org:80"} {
		err := streamshttp.Serve(t.Context(), addr, http.NotFoundHandler())
		require.ErrorIs(t, err, streamshttp.ErrNotLoopback, addr)
		require.ErrorContains(t, err, "AllowNonLoopback")
	}
	host, _, err := net.SplitHostPort(start(t, "0.0.0.0:0", streamshttp.AllowNonLoopback()))
	require.NoError(t, err)
	require.False(t, net.ParseIP(host).IsLoopback(), host)
}

func TestBadAddresses(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, streamshttp.Serve(t.Context(), "8080", nil), `address "8080"`)
	taken := start(t, "127.0.0.1:0")
	require.ErrorContains(t, streamshttp.Serve(t.Context(), taken, nil), "in use")
}

// TestHeadersAreCapped: a client cannot fill memory with its request.
func TestHeadersAreCapped(t *testing.T) {
	t.Parallel()
	conn, err := net.Dial("tcp", start(t, "127.0.0.1:0"))
	require.NoError(t, err)
	defer conn.Close()
	_, err = fmt.Fprintf(conn, "GET /readyz HTTP/1.1\r\nHost: x\r\nX-Fill: %s\r\n\r\n", strings.Repeat("a", 4*streamshttp.MaxHeaderBytes))
	require.NoError(t, err)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	require.Equal(t, http.StatusRequestHeaderFieldsTooLarge, resp.StatusCode)
}
