package group

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/millrace/millrace/streams/internal/assign"
	"github.com/millrace/millrace/streams/internal/assign/wire"
	"github.com/millrace/millrace/streams/internal/topo"
)

// askTimeout bounds what the leader asks the brokers: the whole group waits.
const askTimeout = 20 * time.Second

// leader assigns all tasks once.
type leader struct {
	opt     Options
	members []*member
	// used is the version of all answers, common the newest that all can read.
	used, common int32

	tasks  []topo.TaskID
	counts map[string]int32
	// answered is false if the broker wanted no assignment.
	answered bool
}

var _ kgo.GroupMemberBalancerOrError = (*leader)(nil)

// newLeader decodes what all members sent. One that cannot be decoded is an error:
// to leave it out would take its tasks from a member that goes on working.
func newLeader(opt Options, members []kmsg.JoinGroupResponseMember) (*leader, error) {
	l := &leader{opt: opt, used: wire.Latest, common: wire.Latest}
	for _, m := range members {
		decoded, err := newMember(m)
		if err != nil {
			return nil, err
		}
		l.members = append(l.members, decoded)
		l.used = min(l.used, decoded.Version)
		l.common = min(l.common, latestOf(decoded))
	}
	return l, nil
}

// latestOf is what a member can read: versions before 3 do not say.
func latestOf(m *member) int32 {
	if m.Version < 3 {
		return m.Version
	}
	return max(m.Latest, 1)
}

// Balance is never called: the client prefers BalanceOrError.
func (l *leader) Balance(topics map[string]int32) kgo.IntoSyncAssignment {
	plan, _ := l.BalanceOrError(topics)
	return plan
}

// BalanceOrError makes the answers for all members. An error makes the group try
// again later; what cannot get better by itself is told to all members instead.
func (l *leader) BalanceOrError(known map[string]int32) (kgo.IntoSyncAssignment, error) {
	if slices.ContainsFunc(l.members, func(m *member) bool { return m.ErrorCode == wire.ShutdownApplication }) {
		return l.refuse(wire.ShutdownApplication)
	}
	ctx, cancel := context.WithTimeout(context.Background(), askTimeout)
	defer cancel()
	missing, err := l.count(ctx, known)
	if err != nil {
		return nil, fmt.Errorf("partition counts of the source topics: %w", err)
	}
	if missing != "" {
		l.opt.Logger.Error("a source topic is missing; the group stops", "topic", missing)
		return l.refuse(wire.IncompleteSources)
	}
	l.answered = true
	l.tasks = l.opt.Plan.Tasks(l.counts)
	return l.answers(l.assign(ctx))
}

// count settles the partition counts. What the client knows may lag behind, and
// so may what Counts answers: topics only ever grow.
func (l *leader) count(ctx context.Context, known map[string]int32) (missing string, err error) {
	l.counts = make(map[string]int32)
	if l.opt.Counts != nil {
		asked, err := l.opt.Counts(ctx)
		if err != nil {
			return "", err
		}
		known = larger(known, asked)
	}
	for _, t := range l.opt.Plan.SourceTopics() {
		if known[t] > 0 {
			l.counts[t] = known[t]
			continue
		}
		if l.opt.Counts == nil {
			return "", errors.New("topic " + t + " is not known to this client yet")
		}
		missing = t
	}
	return missing, nil
}

// larger takes the larger count of each topic.
func larger(a, b map[string]int32) map[string]int32 {
	out := make(map[string]int32)
	for _, m := range []map[string]int32{a, b} {
		for t, n := range m {
			out[t] = max(out[t], n)
		}
	}
	return out
}

// assign decides the target: who is to run what in the end.
func (l *leader) assign(ctx context.Context) map[string]assign.Assignment {
	ends := l.ends(ctx)
	var tasks []assign.Task
	for _, id := range l.tasks {
		t := assign.Task{ID: id, Stateful: l.stateful(id), End: -1}
		if end, ok := ends[id]; ok {
			t.End = end
		}
		tasks = append(tasks, t)
	}
	claims := l.claims()
	var members []assign.Member
	for _, m := range l.members {
		if !m.future() {
			members = append(members, assign.Member{ID: m.name, Process: m.ProcessID, Active: claims[m], Offsets: m.sums()})
		}
	}
	return assign.Assign(members, tasks, assign.Options{AcceptableLag: assign.Any}).Members
}

// stateful tasks are those with something to restore.
func (l *leader) stateful(id topo.TaskID) bool {
	return slices.ContainsFunc(l.opt.Plan.Subtopologies[id.Subtopology].Stores, func(s topo.Store) bool { return s.Changelog != "" })
}

// ends asks how long the changelogs are. Without an answer tasks stay where they
// are, which is right most of the time.
func (l *leader) ends(ctx context.Context) map[topo.TaskID]int64 {
	stateful := slices.DeleteFunc(slices.Clone(l.tasks), func(id topo.TaskID) bool { return !l.stateful(id) })
	if l.opt.EndOffsets == nil || len(stateful) == 0 {
		return nil
	}
	ends, err := l.opt.EndOffsets(ctx, stateful)
	if err != nil {
		l.opt.Logger.Warn("the ends of the changelogs are unknown; tasks are assigned by their former owners only", "err", err)
		return nil
	}
	return ends
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

// free reports whether a task is free for its new owner: while a partition is
// in somebody else's list, two members would process it at once.
func (l *leader) free(id topo.TaskID, owner *member) bool {
	for _, m := range l.members {
		if m == owner {
			continue
		}
		for _, p := range l.partitions(id) {
			if m.owned[p] {
				return false
			}
		}
	}
	return true
}

// answers turns the target into what each member is told now.
func (l *leader) answers(target map[string]assign.Assignment) (*answers, error) {
	active, standby := l.hosts(target)
	out := &answers{}
	for _, m := range l.members {
		w := wire.Assignment{
			Version: l.used, Common: l.common, ByHost: active, StandbyByHost: standby,
			Standby: make(map[topo.TaskID][]Partition), NextRebalance: wire.NoRebalance,
		}
		parts := l.fill(&w, m, target[m.name])
		if err := out.add(m.id, w, parts); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// fill gives a member its tasks, except those that are not released yet: the
// member comes again for them. It returns the partitions, in the order that the
// list of tasks follows.
func (l *leader) fill(w *wire.Assignment, m *member, target assign.Assignment) []Partition {
	type entry struct {
		Partition
		task topo.TaskID
	}
	var entries []entry
	for _, id := range target.Active {
		if !l.free(id, m) {
			w.NextRebalance = 0
			if _, has := m.sums()[id]; has && l.stateful(id) {
				w.Standby[id] = l.partitions(id) // keep its state meanwhile
			}
			continue
		}
		for _, p := range l.partitions(id) {
			entries = append(entries, entry{p, id})
		}
	}
	for _, id := range target.Standby {
		w.Standby[id] = l.partitions(id)
	}
	slices.SortFunc(entries, func(x, y entry) int { return x.Compare(y.Partition) })
	var parts []Partition
	for _, e := range entries {
		parts = append(parts, e.Partition)
		w.Active = append(w.Active, e.task)
	}
	return parts
}

// hosts are the maps for queries, by the target: nil if nobody has an endpoint.
func (l *leader) hosts(target map[string]assign.Assignment) (active, standby map[Host][]Partition) {
	for _, m := range l.members {
		h, ok := m.host()
		if !ok {
			continue
		}
		if active == nil {
			active, standby = make(map[Host][]Partition), make(map[Host][]Partition)
		}
		for _, id := range target[m.name].Active {
			active[h] = append(active[h], l.partitions(id)...)
		}
		for _, id := range target[m.name].Standby {
			standby[h] = append(standby[h], l.partitions(id)...)
		}
	}
	for _, m := range []map[Host][]Partition{active, standby} {
		for _, parts := range m {
			sorted(parts)
		}
	}
	return active, standby
}

// refuse tells all members to stop.
func (l *leader) refuse(code int32) (kgo.IntoSyncAssignment, error) {
	out := &answers{}
	for _, m := range l.members {
		w := wire.Assignment{Version: l.used, Common: l.common, ErrorCode: code, NextRebalance: wire.NoRebalance}
		if err := out.add(m.id, w, nil); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// answers are the leader's, by member.
type answers struct {
	list []kmsg.SyncGroupRequestGroupAssignment
}

// add encodes the answer for one member.
func (a *answers) add(id string, w wire.Assignment, parts []Partition) error {
	data, err := w.Encode()
	if err != nil {
		return err
	}
	a.list = append(a.list, kmsg.SyncGroupRequestGroupAssignment{MemberID: id, MemberAssignment: wire.EncodeAssigned(parts, data)})
	return nil
}

// IntoSyncAssignment implements kgo.IntoSyncAssignment.
func (a *answers) IntoSyncAssignment() []kmsg.SyncGroupRequestGroupAssignment {
	slices.SortFunc(a.list, func(x, y kmsg.SyncGroupRequestGroupAssignment) int { return cmp.Compare(x.MemberID, y.MemberID) })
	return a.list
}
