package streams

import (
	"slices"
	"time"

	"github.com/millrace/millrace/streams/internal/worker"
)

// Status tells how the App is doing at this moment. It is cheap enough to be
// asked every second.
func (a *App) Status() Status {
	a.mu.Lock()
	s := Status{
		ApplicationID: a.cfg.ApplicationID, State: a.phase, Started: a.started,
		InstanceID: a.cfg.InstanceID, Workers: a.cfg.Workers, Generation: -1,
		Skipped: make(map[SkipKey]uint64), Rebalances: make(map[string]uint64),
		CommitSeconds: Histogram{Bounds: worker.Buckets(), Counts: make([]uint64, len(worker.Buckets())+1)},
	}
	if a.err != nil {
		s.Err = a.err.Error()
	}
	rt := a.rt
	a.mu.Unlock()

	s.RestoredRecords, s.RestoredBytes = a.progress.restored()
	if a.caches != nil {
		s.RecordCaches = RecordCaches{Bytes: a.caches.Used(), Limit: a.caches.Limit()}
	}
	if rt != nil {
		rt.describe(&s)
	}
	return s
}

// describe fills in what the runtime knows.
func (rt *engine) describe(s *Status) {
	for _, w := range rt.workers {
		addStatus(s, w.Status())
	}
	rt.describeGlobals(s)
	counts, last := rt.poller.Rebalances()
	s.Rebalances = counts
	if last > 0 {
		s.LastRebalance = time.UnixMilli(last)
	}
	if s.State != StateRunning {
		return
	}
	s.Stores = rt.state.shared.Metrics()
	s.MemberID, s.Generation = rt.poller.Client().GroupMetadata()
	for _, t := range rt.poller.Tasks() {
		s.Tasks = append(s.Tasks, taskStatus(t))
	}
	for _, r := range rt.poller.Standbys() {
		s.Standbys = append(s.Standbys, standbyStatus(r))
	}
	s.State = rt.phase(s.Tasks)
}

// phase refines running by what the group and the tasks are doing.
func (rt *engine) phase(tasks []TaskStatus) State {
	if !rt.poller.Joined() {
		return StateRebalancing
	}
	restoring := func(t TaskStatus) bool { return t.State == TaskRestoring }
	if slices.ContainsFunc(tasks, restoring) {
		return StateRestoring
	}
	return StateRunning
}

// addStatus adds one worker's numbers to the sums.
func addStatus(s *Status, w worker.Status) {
	s.Processed += w.Processed
	s.Emitted += w.Emitted
	s.ProcessErrors += w.Errors
	s.Commits += w.Commits
	s.CommitSeconds.Sum += w.CommitSeconds
	for i, n := range w.CommitCounts {
		s.CommitSeconds.Counts[i] += n
		s.CommitSeconds.Count += n
	}
	for k, n := range w.Skipped {
		s.Skipped[SkipKey(k)] += n
	}
}

func taskStatus(t *worker.Task) TaskStatus {
	s := TaskStatus{
		ID: t.ID.String(), State: TaskState(t.State().String()), Worker: t.Worker.Index(), Sources: slices.Clone(t.Topics),
		Lag: t.Lag(), StreamTime: t.StreamTime(), Processed: t.Processed(), StateBytes: t.StateBytes(),
	}
	if s.State == TaskRestoring {
		p := t.Progress.Status()
		s.Restore = &RestoreStatus{Store: p.Store, Done: p.Done, Total: p.Total, Bytes: p.Bytes, Rate: p.Rate, ETA: p.ETA}
	}
	return s
}
