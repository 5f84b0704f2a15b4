package streamsprom_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/streamsprom"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// app is an application that is always in the same state.
type app streams.Status

func (a app) Status() streams.Status { return streams.Status(a) }

// busy has something for every metric to say.
func busy() app {
	return app{
		ApplicationID: "useractivity",
		State:         streams.StateRestoring,
		Started:       time.UnixMilli(1_700_000_000_500),
		LastRebalance: time.UnixMilli(1_700_000_001_000),
		Generation:    3,
		Workers:       2,
		Processed:     1000, Emitted: 2000, ProcessErrors: 1, Commits: 7,
		Skipped: map[streams.SkipKey]uint64{
			{Operator: "KSTREAM-AGGREGATE-0000000002", Reason: "late"}:     5,
			{Operator: "KSTREAM-AGGREGATE-0000000002", Reason: "null-key"}: 2,
		},
		CommitSeconds: streams.Histogram{Bounds: []float64{0.01, 0.1, 1}, Counts: []uint64{4, 2, 0, 1}, Sum: 2.5, Count: 7},
		Rebalances:    map[string]uint64{"assigned": 2, "lost": 1},
		Tasks: []streams.TaskStatus{
			{ID: "0_0", State: streams.TaskRunning, Lag: 12, StreamTime: 1_700_000_000_250, Processed: 900, StateBytes: 4096},
			{ID: "0_1", State: streams.TaskRestoring, Lag: -1, StreamTime: -1, Restore: &streams.RestoreStatus{
				Store: "counts", Done: 250, Total: 1000, Rate: 100, ETA: 7500 * time.Millisecond,
			}},
		},
		Standbys:        []streams.StandbyStatus{{ID: "1_2", Lag: 30}, {ID: "1_3", Restoring: true, Lag: 4000}},
		RestoredRecords: 250, RestoredBytes: 8000,
	}
}

// TestEveryMetric compares the exposition, as Prometheus would read it.
func TestEveryMetric(t *testing.T) {
	t.Parallel()
	const want = `
# HELP millrace_commit_duration_seconds How long commits took.
# TYPE millrace_commit_duration_seconds histogram
millrace_commit_duration_seconds_bucket{application="useractivity",le="0.01"} 4
millrace_commit_duration_seconds_bucket{application="useractivity",le="0.1"} 6
millrace_commit_duration_seconds_bucket{application="useractivity",le="1"} 6
millrace_commit_duration_seconds_bucket{application="useractivity",le="+Inf"} 7
millrace_commit_duration_seconds_sum{application="useractivity"} 2.5
millrace_commit_duration_seconds_count{application="useractivity"} 7
# HELP millrace_records_skipped_total Records left out, by operator and reason.
# TYPE millrace_records_skipped_total counter
millrace_records_skipped_total{application="useractivity",operator="KSTREAM-AGGREGATE-0000000002",reason="late"} 5
millrace_records_skipped_total{application="useractivity",operator="KSTREAM-AGGREGATE-0000000002",reason="null-key"} 2
# HELP millrace_rebalances_total Changes of the assignment, by cause.
# TYPE millrace_rebalances_total counter
millrace_rebalances_total{application="useractivity",cause="assigned"} 2
millrace_rebalances_total{application="useractivity",cause="lost"} 1
# HELP millrace_restore_eta_seconds How long the task's restore still takes at its present rate; absent while unknown.
# TYPE millrace_restore_eta_seconds gauge
millrace_restore_eta_seconds{application="useractivity",task="0_1"} 7.5
# HELP millrace_restore_progress_ratio How much of the task's changelogs is restored, from 0 to 1.
# TYPE millrace_restore_progress_ratio gauge
millrace_restore_progress_ratio{application="useractivity",task="0_1"} 0.25
# HELP millrace_restore_remaining_records Changelog offsets still to be restored by the task.
# TYPE millrace_restore_remaining_records gauge
millrace_restore_remaining_records{application="useractivity",task="0_1"} 750
# HELP millrace_standby_lag_records Changelog records that the copy of another process's task is behind.
# TYPE millrace_standby_lag_records gauge
millrace_standby_lag_records{application="useractivity",task="1_2"} 30
millrace_standby_lag_records{application="useractivity",task="1_3"} 4000
# HELP millrace_start_time_seconds When the application was run, in seconds since the epoch.
# TYPE millrace_start_time_seconds gauge
millrace_start_time_seconds{application="useractivity"} 1.7000000005e+09
# HELP millrace_task_lag_records Records between what the task processed and the ends of its source partitions; absent while unknown.
# TYPE millrace_task_lag_records gauge
millrace_task_lag_records{application="useractivity",task="0_0"} 12
# HELP millrace_task_stream_time_seconds Largest event time the task has seen, in seconds since the epoch; absent before the first record.
# TYPE millrace_task_stream_time_seconds gauge
millrace_task_stream_time_seconds{application="useractivity",task="0_0"} 1.70000000025e+09
# HELP millrace_tasks Tasks of this process, by state.
# TYPE millrace_tasks gauge
millrace_tasks{application="useractivity",state="closing"} 0
millrace_tasks{application="useractivity",state="restoring"} 1
millrace_tasks{application="useractivity",state="running"} 1
`
	require.NoError(t, testutil.CollectAndCompare(streamsprom.NewCollector(busy()), strings.NewReader(want),
		"millrace_commit_duration_seconds", "millrace_records_skipped_total", "millrace_rebalances_total",
		"millrace_restore_eta_seconds", "millrace_restore_progress_ratio", "millrace_restore_remaining_records",
		"millrace_standby_lag_records", "millrace_start_time_seconds", "millrace_task_lag_records", "millrace_task_stream_time_seconds", "millrace_tasks"))
}

// TestPlainCounters: the totals reach their names.
func TestPlainCounters(t *testing.T) {
	t.Parallel()
	r := prometheus.NewPedanticRegistry()
	r.MustRegister(streamsprom.NewCollector(busy()))
	families, err := r.Gather()
	require.NoError(t, err, "pedantic: descriptions and metrics agree")
	got := map[string]float64{}
	for _, f := range families {
		if m := f.GetMetric(); len(m) == 1 && m[0].Counter != nil {
			got[f.GetName()] = m[0].Counter.GetValue()
		}
	}
	for name, want := range map[string]float64{
		"millrace_records_processed_total": 1000, "millrace_records_emitted_total": 2000, "millrace_process_errors_total": 1,
		"millrace_commits_total": 7, "millrace_restored_records_total": 250, "millrace_restored_bytes_total": 8000,
	} {
		require.Equal(t, want, got[name], name)
	}
}

// TestLint: names, units, suffixes and help texts as promtool wants them.
func TestLint(t *testing.T) {
	t.Parallel()
	problems, err := testutil.CollectAndLint(streamsprom.NewCollector(busy()))
	require.NoError(t, err)
	require.Empty(t, problems)
}

// TestOneStateAtATime: alerts compare with 1.
func TestOneStateAtATime(t *testing.T) {
	t.Parallel()
	require.NoError(t, testutil.CollectAndCompare(streamsprom.NewCollector(app{State: streams.StateRunning}), strings.NewReader(`
# HELP millrace_state 1 for the state the application is in, 0 for the others.
# TYPE millrace_state gauge
millrace_state{application="",state="created"} 0
millrace_state{application="",state="failed"} 0
millrace_state{application="",state="rebalancing"} 0
millrace_state{application="",state="restoring"} 0
millrace_state{application="",state="running"} 1
millrace_state{application="",state="starting"} 0
millrace_state{application="",state="stopped"} 0
millrace_state{application="",state="stopping"} 0
`), "millrace_state"))
}

// TestTwoApplicationsOneRegistry: the label keeps them apart.
func TestTwoApplicationsOneRegistry(t *testing.T) {
	t.Parallel()
	r := prometheus.NewRegistry()
	require.NoError(t, r.Register(streamsprom.NewCollector(app{ApplicationID: "a"})))
	require.NoError(t, r.Register(streamsprom.NewCollector(app{ApplicationID: "b"})))
	require.Error(t, r.Register(streamsprom.NewCollector(app{ApplicationID: "b"})))
	_, err := r.Gather()
	require.NoError(t, err)
}

// TestHandlerUnderLoad: scrapes at the same time do not disturb each other.
func TestHandlerUnderLoad(t *testing.T) {
	t.Parallel()
	h := streamsprom.Handler(busy())
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
			if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "millrace_workers{application=\"useractivity\"} 2") {
				t.Error(w.Code, w.Body.String())
			}
		})
	}
	wg.Wait()
}

// TestHandlerShowsTheProcess: memory and goroutines come with it.
func TestHandlerShowsTheProcess(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	streamsprom.Handler(app{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	require.Contains(t, w.Body.String(), "go_goroutines ")
}
