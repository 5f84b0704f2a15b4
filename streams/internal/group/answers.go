package group

import (
	"cmp"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/millrace/millrace/streams/internal/assign"
	"github.com/millrace/millrace/streams/internal/assign/wire"
	"github.com/millrace/millrace/streams/internal/topo"
)

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
func (l *leader) answers(t target) (*answers, error) {
	active, standby := l.hosts(t.members)
	out, prober := &answers{}, l.prober()
	for _, m := range l.members {
		w := wire.Assignment{
			Version: l.used, Common: l.common, ByHost: active, StandbyByHost: standby,
			Standby: make(map[topo.TaskID][]Partition), NextRebalance: wire.NoRebalance,
		}
		if t.probe && m == prober {
			w.NextRebalance = time.Now().Add(l.opt.ProbingInterval).UnixMilli()
		}
		parts := l.fill(&w, m, t.members[m.name])
		if err := out.add(m.id, w, parts); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// prober is the one member that asks to assign again later: the leader itself.
func (l *leader) prober() *member {
	i := slices.IndexFunc(l.members, func(m *member) bool { return m.ProcessID == l.opt.ProcessID })
	return l.members[max(i, 0)]
}

// fill gives a member its tasks, except those that are not released yet: the
// member comes again for them. It returns the partitions, in the order that the
// list of tasks follows.
func (l *leader) fill(w *wire.Assignment, m *member, gets assign.Assignment) []Partition {
	type entry struct {
		Partition
		task topo.TaskID
	}
	var entries []entry
	for _, id := range gets.Active {
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
	for _, id := range gets.Standby {
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

// hosts are the maps for queries, by what is to be: nil if nobody has an endpoint.
func (l *leader) hosts(of map[string]assign.Assignment) (active, standby map[Host][]Partition) {
	for _, m := range l.members {
		h, ok := m.host()
		if !ok {
			continue
		}
		if active == nil {
			active, standby = make(map[Host][]Partition), make(map[Host][]Partition)
		}
		for _, id := range of[m.name].Active {
			active[h] = append(active[h], l.partitions(id)...)
		}
		for _, id := range of[m.name].Standby {
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
