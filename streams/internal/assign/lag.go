package assign

import "math"

// running reports whether the task runs here now: moving it would stop it.
func (a *assigner) running(m *member, t Task) bool {
	if a.runs[t.ID] != m {
		return false
	}
	_, restoring := m.Offsets[t.ID]
	return !restoring || !t.Stateful
}

// near reports whether the member's process has anything of a task, or has it now.
func (a *assigner) near(m *member, t Task) bool {
	at := a.runs[t.ID]
	return m.process.mentions(t) || at != nil && at.process == m.process
}

// mentions reports whether the process has anything of a task's state.
func (p *process) mentions(t Task) bool {
	_, has := p.sums[t.ID]
	return has
}

// lag is how many offsets a member's process would have to restore. Who claims more
// than there is has something else, and restores all. While the end is unknown a lag
// is negative, and the lower the closer.
func (a *assigner) lag(m *member, t Task) int64 {
	if !t.Stateful {
		return 0
	}
	sum := m.process.sums[t.ID]
	at := a.runs[t.ID]
	here := at != nil && at.process == m.process && a.running(at, t)
	switch {
	case t.End < 0 && here:
		return math.MinInt64
	case t.End < 0:
		return -sum
	case here:
		return 0
	case sum > t.End:
		return t.End
	}
	return t.End - sum
}

// caughtUp reports whether the member could take over at once.
func (a *assigner) caughtUp(m *member, t Task) bool {
	return a.opt.AcceptableLag == Any || t.End >= 0 && a.lag(m, t) <= a.opt.AcceptableLag
}
