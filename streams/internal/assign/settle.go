package assign

import (
	"cmp"
	"slices"
)

// settle says who runs a task now: its ideal owner, unless that would have to
// restore long and somebody else would not.
func (a *assigner) settle(t Task) {
	ideal := a.ideal[t.ID]
	owner := ideal
	if better := a.better(ideal, t); better != nil {
		owner = better
		a.wanted = append(a.wanted, t)
	}
	a.owner[t.ID] = owner
	owner.active = append(owner.active, t.ID)
	owner.process.copies[t.ID] = true
}

// better is who should run a task until its ideal owner is prepared, or nil. If
// nobody is, it is only worth waiting for the ideal owner where less than half as
// much is to restore.
func (a *assigner) better(ideal *member, t Task) *member {
	if !t.Stateful || a.runs[t.ID] == ideal && a.running(ideal, t) || a.caughtUp(ideal, t) {
		return nil
	}
	best := a.closest(t)
	if best == nil || best.process == ideal.process {
		return nil
	}
	lag, ideally := a.lag(best, t), a.lag(ideal, t)
	switch {
	case t.End < 0 && lag < ideally, a.caughtUp(best, t), lag < ideally/2:
		return best
	}
	return nil
}

// closest is the member with most of a task's state; among equals who runs it, then
// who has the fewest tasks. It is nil if nobody has anything.
func (a *assigner) closest(t Task) (best *member) {
	idle := func(m *member) int {
		if a.runs[t.ID] == m {
			return -1
		}
		return len(m.active)
	}
	for _, m := range a.members {
		if !a.near(m, t) {
			continue
		}
		if best == nil || cmp.Or(cmp.Compare(a.lag(m, t), a.lag(best, t)), cmp.Compare(idle(m), idle(best))) < 0 {
			best = m
		}
	}
	return best
}

// addWarmups lets ideal owners restore what they are to run later: so many at a
// time, those first that have begun, the closest first. A standby that is there
// anyway is one, too.
func (a *assigner) addWarmups() {
	slices.SortStableFunc(a.wanted, func(x, y Task) int {
		atX, atY := a.ideal[x.ID], a.ideal[y.ID]
		return cmp.Or(
			cmp.Compare(against(!a.near(atX, x)), against(!a.near(atY, y))),
			cmp.Compare(a.lag(atX, x), a.lag(atY, y)))
	})
	left := a.opt.MaxWarmups
	for _, t := range a.wanted {
		m := a.ideal[t.ID]
		if left == 0 || m.process.copies[t.ID] {
			continue
		}
		left--
		m.standby = append(m.standby, t.ID)
		m.process.copies[t.ID] = true
	}
}
