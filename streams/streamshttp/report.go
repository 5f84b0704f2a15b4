package streamshttp

import (
	"fmt"
	"time"

	"github.com/millrace/millrace/streams"
)

// report is the body of a probe's answer.
type report struct {
	OK bool `json:"ok"`
	// State is the application's, in one word.
	State string `json:"state"`
	// Reason is why the answer is no; for people, not for programs.
	Reason string `json:"reason,omitempty"`
	// Tasks counts the tasks of this process by state; only /readyz has it.
	Tasks map[streams.TaskState]int `json:"tasks,omitempty"`
	// Restoring has one entry for each task that is not complete yet.
	Restoring []restoring `json:"restoring,omitempty"`
}

// restoring is how far one task has come.
type restoring struct {
	Task             string  `json:"task"`
	Store            string  `json:"store,omitempty"`
	Done             int64   `json:"done"`
	Total            int64   `json:"total"`
	Percent          float64 `json:"percent"`
	Bytes            int64   `json:"bytes"`
	RecordsPerSecond float64 `json:"records_per_second"`
	// ETA is absent while it is not known yet.
	ETA string `json:"eta,omitempty"`
}

// health is liveness: whether a restart could help. A broker that is away, a
// rebalance or a long restore are no reason to be killed.
func health(s streams.Status) report {
	r := report{OK: true, State: s.State.String()}
	switch s.State {
	case streams.StateFailed:
		r.OK, r.Reason = false, "failed: "+s.Err
	case streams.StateStopped:
		r.OK, r.Reason = false, "stopped"
	}
	return r
}

// startup is whether the process came up: state directory opened, topics checked,
// group joined. From there on liveness takes over.
func startup(s streams.Status) report {
	r := health(s)
	if r.OK && s.State < streams.StateRebalancing {
		r.OK, r.Reason = false, "not started yet"
	}
	return r
}

// ready is whether every task of this process is running. No task at all is ready
// too: a group may have more members than partitions.
func ready(s streams.Status) report {
	r := report{State: s.State.String(), Tasks: map[streams.TaskState]int{}}
	for _, t := range s.Tasks {
		r.Tasks[t.State]++
		if t.State == streams.TaskRestoring {
			r.Restoring = append(r.Restoring, progress(t))
		}
	}
	r.Reason = notReady(s, r)
	r.OK = r.Reason == ""
	return r
}

// notReady is the reason against readiness, or empty. The tasks decide together
// with the state: a snapshot may be taken between the two.
func notReady(s streams.Status, r report) string {
	running := r.Tasks[streams.TaskRunning]
	switch {
	case s.State == streams.StateFailed:
		return "failed: " + s.Err
	case len(r.Restoring) > 0:
		return fmt.Sprintf("%d of %d tasks restoring", len(r.Restoring), len(s.Tasks))
	case s.State != streams.StateRunning:
		return s.State.String()
	case running < len(s.Tasks):
		return fmt.Sprintf("%d of %d tasks running", running, len(s.Tasks))
	}
	return ""
}

// progress describes one restoring task; one that has not begun has only a name.
func progress(t streams.TaskStatus) restoring {
	out := restoring{Task: t.ID}
	if t.Restore == nil {
		return out
	}
	out.Store, out.Done, out.Total = t.Restore.Store, t.Restore.Done, t.Restore.Total
	out.Bytes, out.RecordsPerSecond = t.Restore.Bytes, t.Restore.Rate
	if out.Total > 0 {
		out.Percent = 100 * float64(out.Done) / float64(out.Total)
	}
	if t.Restore.ETA > 0 {
		out.ETA = t.Restore.ETA.Round(time.Second).String()
	}
	return out
}
