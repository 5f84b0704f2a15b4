package group

import (
	"context"
	"slices"

	"github.com/millrace/millrace/streams/internal/assign"
	"github.com/millrace/millrace/streams/internal/assign/wire"
	"github.com/millrace/millrace/streams/internal/topo"
)

// target is who is to run what, once everybody has let go of what is not theirs.
type target struct {
	members map[string]assign.Assignment // by name
	// probe asks to assign again later: something waits for its state, or it was
	// not known how much there is.
	probe bool
}

// assign decides the target.
func (l *leader) assign(ctx context.Context) target {
	ends, err := l.ends(ctx)
	if err != nil {
		l.opt.Logger.Warn("the ends of the changelogs are unknown; tasks stay where they are for now", "err", err)
	}
	var tasks []assign.Task
	for _, id := range l.tasks {
		t := assign.Task{ID: id, Stateful: l.stateful(id)}
		if t.Stateful {
			t.End = ends[id]
			if err != nil {
				t.End = -1
			}
		}
		tasks = append(tasks, t)
	}
	result := assign.Assign(l.candidates(), tasks, l.opt.Assign)
	l.report(tasks, result)
	if result.Missing > 0 {
		l.opt.Logger.Warn("there are not enough processes for all standby replicas", "wanted", l.opt.Assign.Standbys, "missing", result.Missing)
	}
	return target{members: result.Members, probe: result.Warming > 0 || err != nil}
}

// report says what a rebalance is about, once for the whole group.
func (l *leader) report(tasks []assign.Task, result assign.Result) {
	owner := make(map[topo.TaskID]string)
	copies := 0
	for name, gets := range result.Members {
		copies += len(gets.Standby)
		for _, id := range gets.Active {
			owner[id] = name
		}
	}
	moving, idle := 0, len(tasks)
	for m, ids := range l.claims() {
		idle -= len(ids)
		for _, id := range ids {
			if owner[id] != m.name {
				moving++
			}
		}
	}
	l.opt.Logger.Info("tasks assigned", "members", len(l.members), "tasks", len(tasks),
		"moving", moving, "new", idle, "copies", copies, "waiting_for_copies", result.Warming)
}

// candidates are the members as the assignor sees them, without those whose state
// this leader cannot read.
func (l *leader) candidates() (out []assign.Member) {
	claims := l.claims()
	for _, m := range l.members {
		if !m.future() {
			out = append(out, assign.Member{ID: m.name, Process: m.ProcessID, Active: claims[m], Offsets: m.sums(), Tags: m.tags()})
		}
	}
	return out
}

// ends asks how long the changelogs are.
func (l *leader) ends(ctx context.Context) (map[topo.TaskID]int64, error) {
	stateful := slices.DeleteFunc(slices.Clone(l.tasks), func(id topo.TaskID) bool { return !l.stateful(id) })
	if l.opt.EndOffsets == nil || len(stateful) == 0 {
		return nil, nil
	}
	return l.opt.EndOffsets(ctx, stateful)
}

// stateful tasks are those with something to restore.
func (l *leader) stateful(id topo.TaskID) bool {
	return slices.ContainsFunc(l.opt.Plan.Subtopologies[id.Subtopology].Stores, func(s topo.Store) bool { return s.Changelog != "" })
}

// claims says who runs what now. If two claim a task, one of them was out of the
// group for a while and does not know it: the later generation is right.
func (l *leader) claims() map[*member][]topo.TaskID {
	out := make(map[*member][]topo.TaskID)
	for _, id := range l.tasks {
		var best *member
		for _, m := range l.members {
			if l.runs(m, id) && (best == nil || m.generation > best.generation) {
				best = m
			}
		}
		if best != nil {
			out[best] = append(out[best], id)
		}
	}
	return out
}

// runs reports whether the member has the task now. A stateful task says so itself;
// a stateless one shows in the partitions only.
func (l *leader) runs(m *member, id topo.TaskID) bool {
	return m.Offsets[id] == wire.Running || slices.ContainsFunc(l.partitions(id), func(p Partition) bool { return m.owned[p] })
}

// partitions are the source partitions of a task, sorted.
func (l *leader) partitions(id topo.TaskID) (parts []Partition) {
	for _, s := range l.opt.Plan.Subtopologies[id.Subtopology].Sources {
		if id.Partition < l.counts[s.Topic] {
			parts = append(parts, Partition{Topic: s.Topic, Partition: id.Partition})
		}
	}
	return sorted(parts)
}
