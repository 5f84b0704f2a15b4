package streamshttp_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/streamshttp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// app is an application that is always in the same state.
type app streams.Status

func (a app) Status() streams.Status { return streams.Status(a) }

// ask sends a request and returns the status and the decoded body.
func ask(t *testing.T, h http.Handler, method, path string) (int, map[string]any) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
	body := map[string]any{}
	if w.Header().Get("Content-Type") == "application/json; charset=utf-8" {
		require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &body))
	}
	return w.Code, body
}

// TestProbesByState: each probe's answer in every state of a life.
func TestProbesByState(t *testing.T) {
	t.Parallel()
	const yes, no = http.StatusOK, http.StatusServiceUnavailable
	for state, want := range map[streams.State]struct{ health, startup, ready int }{
		streams.StateCreated:     {yes, no, no},
		streams.StateStarting:    {yes, no, no},
		streams.StateRebalancing: {yes, yes, no},
		streams.StateRestoring:   {yes, yes, no},
		streams.StateRunning:     {yes, yes, yes},
		streams.StateStopping:    {yes, yes, no},
		streams.StateStopped:     {no, no, no},
		streams.StateFailed:      {no, no, no},
	} {
		h := streamshttp.Handler(app{State: state})
		for path, code := range map[string]int{"/healthz": want.health, "/startupz": want.startup, "/readyz": want.ready} {
			got, body := ask(t, h, http.MethodGet, path)
			require.Equal(t, code, got, "%s while %s", path, state)
			require.Equal(t, state.String(), body["state"])
			require.Equal(t, code == yes, body["ok"])
			require.Equal(t, code == no, body["reason"] != nil, "a no has a reason, a yes has none")
		}
	}
}

// TestReadyShowsTheRestore: which task, how far, how long.
func TestReadyShowsTheRestore(t *testing.T) {
	t.Parallel()
	h := streamshttp.Handler(app{State: streams.StateRestoring, Tasks: []streams.TaskStatus{
		{ID: "0_0", State: streams.TaskRunning},
		{ID: "0_1", State: streams.TaskRestoring, Restore: &streams.RestoreStatus{
			Store: "counts", Done: 250, Total: 1000, Bytes: 4096, Rate: 150, ETA: 5 * time.Second,
		}},
		{ID: "0_2", State: streams.TaskRestoring},
	}})
	code, body := ask(t, h, http.MethodGet, "/readyz")
	require.Equal(t, http.StatusServiceUnavailable, code)
	require.Equal(t, "2 of 3 tasks restoring", body["reason"])
	require.Equal(t, map[string]any{"running": 1.0, "restoring": 2.0}, body["tasks"])
	require.Equal(t, []any{
		map[string]any{
			"task": "0_1", "store": "counts", "done": 250.0, "total": 1000.0, "percent": 25.0,
			"bytes": 4096.0, "records_per_second": 150.0, "eta": "5s",
		},
		map[string]any{"task": "0_2", "done": 0.0, "total": 0.0, "percent": 0.0, "bytes": 0.0, "records_per_second": 0.0},
	}, body["restoring"])
}

// TestReadyWantsEveryTask: the state alone is not believed.
func TestReadyWantsEveryTask(t *testing.T) {
	t.Parallel()
	h := streamshttp.Handler(app{State: streams.StateRunning, Tasks: []streams.TaskStatus{
		{ID: "0_0", State: streams.TaskRunning}, {ID: "0_1", State: streams.TaskClosing},
	}})
	code, body := ask(t, h, http.MethodGet, "/readyz")
	require.Equal(t, http.StatusServiceUnavailable, code)
	require.Equal(t, "1 of 2 tasks running", body["reason"])
}

// TestFailureIsTold: the body carries the error that ended the application.
func TestFailureIsTold(t *testing.T) {
	t.Parallel()
	h := streamshttp.Handler(app{State: streams.StateFailed, Err: "fenced by another member"})
	for _, path := range []string{"/healthz", "/startupz", "/readyz"} {
		_, body := ask(t, h, http.MethodGet, path)
		require.Equal(t, "failed: fenced by another member", body["reason"])
	}
}

// TestOnlyReading: probes and metrics answer GET and HEAD, and nothing else.
func TestOnlyReading(t *testing.T) {
	t.Parallel()
	metrics := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("up 1\n")) })
	h := streamshttp.Handler(app{State: streams.StateRunning}, streamshttp.WithMetrics(metrics))
	for _, path := range []string{"/healthz", "/startupz", "/readyz", "/metrics"} {
		for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions} {
			code, _ := ask(t, h, method, path)
			require.Equal(t, http.StatusMethodNotAllowed, code, "%s %s", method, path)
		}
		code, _ := ask(t, h, http.MethodGet, path)
		require.Equal(t, http.StatusOK, code)
	}
}

// TestMetricsAreOptional: without a handler there is no such page.
func TestMetricsAreOptional(t *testing.T) {
	t.Parallel()
	code, _ := ask(t, streamshttp.Handler(app{State: streams.StateRunning}), http.MethodGet, "/metrics")
	require.Equal(t, http.StatusNotFound, code)
}
