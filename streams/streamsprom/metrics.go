package streamsprom

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/millrace/millrace/streams"
)

// metric is one metric family: what it is called and where it comes from.
type metric struct {
	name, help string
	kind       prometheus.ValueType
	labels     []string
	read       func(streams.Status, sink)
}

const (
	counter = prometheus.CounterValue
	gauge   = prometheus.GaugeValue
)

// metrics is the whole list; dashboards and alerts are checked against it.
func metrics() []metric { return append(ofApplication(), ofStores()...) }

func ofApplication() []metric {
	return []metric{
		{"millrace_state", "1 for the state the application is in, 0 for the others.", gauge, []string{"state"}, states},
		{"millrace_start_time_seconds", "When the application was run, in seconds since the epoch.", gauge, nil, started},
		{"millrace_workers", "Goroutines that process records.", gauge, nil, single(func(s streams.Status) float64 { return float64(s.Workers) })},
		{"millrace_group_generation", "Generation of the consumer group, -1 while no member.", gauge, nil, single(func(s streams.Status) float64 { return float64(s.Generation) })},

		{"millrace_records_processed_total", "Records that went into the topology.", counter, nil, count(func(s streams.Status) uint64 { return s.Processed })},
		{"millrace_records_emitted_total", "Records sent to Kafka, changelog records included.", counter, nil, count(func(s streams.Status) uint64 { return s.Emitted })},
		{"millrace_records_skipped_total", "Records left out, by operator and reason.", counter, []string{"operator", "reason"}, skipped},
		{"millrace_process_errors_total", "Errors raised by processing, handled ones included.", counter, nil, count(func(s streams.Status) uint64 { return s.ProcessErrors })},

		{"millrace_commits_total", "Commits, one for each task with progress.", counter, nil, count(func(s streams.Status) uint64 { return s.Commits })},
		{"millrace_commit_duration_seconds", "How long commits took.", 0, nil, commitDuration},

		{"millrace_rebalances_total", "Changes of the assignment, by cause.", counter, []string{"cause"}, rebalances},
		{"millrace_last_rebalance_timestamp_seconds", "When the assignment last changed, in seconds since the epoch.", gauge, nil, lastRebalance},

		{"millrace_tasks", "Tasks of this process, by state.", gauge, []string{"state"}, taskStates},
		{"millrace_task_processed_records_total", "Records that went into the task since it was assigned.", counter, []string{"task"}, perTask(processed)},
		{"millrace_task_lag_records", "Records between what the task processed and the ends of its source partitions; absent while unknown.", gauge, []string{"task"}, perTask(lag)},
		{"millrace_task_stream_time_seconds", "Largest event time the task has seen, in seconds since the epoch; absent before the first record.", gauge, []string{"task"}, perTask(streamTime)},
		{"millrace_task_state_bytes", "Size of the task's stores on disk.", gauge, []string{"task"}, perTask(stateBytes)},

		{"millrace_standby_lag_records", "Changelog records that the copy of another process's task is behind.", gauge, []string{"task"}, standbyLag},

		{"millrace_restored_records_total", "Records restored from changelogs.", counter, nil, count(func(s streams.Status) uint64 { return s.RestoredRecords })},
		{"millrace_restored_bytes_total", "Bytes of keys and values restored from changelogs.", counter, nil, count(func(s streams.Status) uint64 { return s.RestoredBytes })},
		{"millrace_restore_remaining_records", "Changelog offsets still to be restored by the task.", gauge, []string{"task"}, perTask(restoring(remaining))},
		{"millrace_restore_progress_ratio", "How much of the task's changelogs is restored, from 0 to 1.", gauge, []string{"task"}, perTask(restoring(ratio))},
		{"millrace_restore_eta_seconds", "How long the task's restore still takes at its present rate; absent while unknown.", gauge, []string{"task"}, perTask(restoring(eta))},
	}
}

// single is a metric of one value without labels.
func single(value func(streams.Status) float64) func(streams.Status, sink) {
	return func(s streams.Status, out sink) { out.send(value(s)) }
}

// count is single for counters.
func count(value func(streams.Status) uint64) func(streams.Status, sink) {
	return func(s streams.Status, out sink) { out.send(float64(value(s))) }
}

// perTask is a metric with one value for each task that has one.
func perTask(value func(streams.TaskStatus) (float64, bool)) func(streams.Status, sink) {
	return func(s streams.Status, out sink) {
		for _, t := range s.Tasks {
			if v, ok := value(t); ok {
				out.send(v, t.ID)
			}
		}
	}
}

func standbyLag(s streams.Status, out sink) {
	for _, c := range s.Standbys {
		out.send(float64(c.Lag), c.ID)
	}
}

// restoring lifts a value of a restore to one of a task that has it.
func restoring(value func(streams.RestoreStatus) (float64, bool)) func(streams.TaskStatus) (float64, bool) {
	return func(t streams.TaskStatus) (float64, bool) {
		if t.Restore == nil {
			return 0, false
		}
		return value(*t.Restore)
	}
}

func states(s streams.Status, out sink) {
	for state := streams.StateCreated; state <= streams.StateFailed; state++ {
		out.send(truth(state == s.State), state.String())
	}
}

func taskStates(s streams.Status, out sink) {
	n := map[streams.TaskState]float64{streams.TaskRestoring: 0, streams.TaskRunning: 0, streams.TaskClosing: 0}
	for _, t := range s.Tasks {
		n[t.State]++
	}
	for state, tasks := range n {
		out.send(tasks, string(state))
	}
}

func skipped(s streams.Status, out sink) {
	for key, n := range s.Skipped {
		out.send(float64(n), key.Operator, key.Reason)
	}
}

func rebalances(s streams.Status, out sink) {
	for cause, n := range s.Rebalances {
		out.send(float64(n), cause)
	}
}

func commitDuration(s streams.Status, out sink) { out.histogram(s.CommitSeconds) }
func started(s streams.Status, out sink)        { moment(s.Started, out) }
func lastRebalance(s streams.Status, out sink)  { moment(s.LastRebalance, out) }

// moment sends a time that has come, and nothing for one that has not.
func moment(t time.Time, out sink) {
	if !t.IsZero() {
		out.send(float64(t.UnixMilli()) / 1000)
	}
}

func processed(t streams.TaskStatus) (float64, bool)  { return float64(t.Processed), true }
func stateBytes(t streams.TaskStatus) (float64, bool) { return float64(t.StateBytes), true }
func lag(t streams.TaskStatus) (float64, bool)        { return float64(t.Lag), t.Lag >= 0 }
func streamTime(t streams.TaskStatus) (float64, bool) {
	return float64(t.StreamTime) / 1000, t.StreamTime >= 0
}

func remaining(r streams.RestoreStatus) (float64, bool) {
	return float64(max(r.Total-r.Done, 0)), true
}
func eta(r streams.RestoreStatus) (float64, bool) { return r.ETA.Seconds(), r.ETA > 0 }

// ratio is 1 for an empty changelog: there is nothing left to do.
func ratio(r streams.RestoreStatus) (float64, bool) {
	if r.Total <= 0 {
		return 1, true
	}
	return float64(r.Done) / float64(r.Total), true
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
