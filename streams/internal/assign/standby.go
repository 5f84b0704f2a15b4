package assign

import (
	"cmp"
	"slices"
)

// addStandbys keeps copies of stateful tasks.
func (a *assigner) addStandbys(groups [][]Task) {
	tasks := slices.DeleteFunc(slices.Concat(groups...), func(t Task) bool { return !t.Stateful })
	share := (a.opt.Standbys*len(tasks) + len(a.processes) - 1) / len(a.processes)
	for _, t := range tasks {
		for range a.opt.Standbys {
			p := a.shelter(t, share)
			if p == nil {
				a.missing++
				continue
			}
			p.standby++
			p.copies[t.ID] = true
			m := a.keeper(p, t)
			m.standby = append(m.standby, t.ID)
		}
	}
}

// shelter is the process for one more copy of a task, or nil: all have one. First
// comes another rack, then an even share, then state that is there already.
func (a *assigner) shelter(t Task, share int) (best *process) {
	var least [5]int64
	for _, p := range a.processes {
		if p.copies[t.ID] {
			continue
		}
		rank := [5]int64{
			a.clashes(p, t), against(p.standby >= share), against(!p.mentions(t)), a.lag(p.members[0], t),
			int64(p.standby),
		}
		if best == nil || slices.Compare(rank[:], least[:]) < 0 {
			best, least = p, rank
		}
	}
	return best
}

// clashes counts the tags in which the process does not differ from those that have
// a copy already. One that does not say where it is may be anywhere.
func (a *assigner) clashes(p *process, t Task) (n int64) {
	for _, key := range a.opt.RackTags {
		at, said := p.tags[key]
		n += against(!said || slices.ContainsFunc(a.processes, func(q *process) bool {
			return q.copies[t.ID] && q.tags[key] == at
		}))
	}
	return n
}

// keeper is the member of a process to keep a copy: who has the task or says it has
// some of it, then who has the fewest.
func (a *assigner) keeper(p *process, t Task) *member {
	stranger := func(m *member) int64 {
		_, has := m.Offsets[t.ID]
		return against(!has && a.runs[t.ID] != m)
	}
	return slices.MinFunc(p.members, func(x, y *member) int {
		return cmp.Or(cmp.Compare(stranger(x), stranger(y)), cmp.Compare(len(x.standby), len(y.standby)))
	})
}

// against is 1 for what speaks against a choice.
func against(so bool) int64 {
	if so {
		return 1
	}
	return 0
}
