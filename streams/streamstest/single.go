package streamstest

import (
	"slices"

	"github.com/millrace/millrace/streams/internal/task"
	"github.com/millrace/millrace/streams/internal/topo"
)

// SingleTask runs the topology as Kafka Streams' TopologyTestDriver does: all
// sub-topologies are one task and each topic has one partition, also a repartition
// topic that asks for more. Records of all topics then wait in one line, by time, and
// stream time is shared by all sub-topologies, which no application sees. It is for
// comparing results with those of that driver.
func SingleTask() Option { return func(d *Driver) { d.single = true } }

// whole is a plan's sub-topologies as one.
func whole(p *topo.Plan) topo.Subtopology {
	var all topo.Subtopology
	for _, s := range p.Subtopologies {
		all.Sources = append(all.Sources, s.Sources...)
		all.Sinks = append(all.Sinks, s.Sinks...)
		all.Repartitions = append(all.Repartitions, s.Repartitions...)
		all.Stores = append(all.Stores, s.Stores...)
	}
	return all
}

// joined is a program that links all sub-topologies as one task.
type joined struct {
	task.Program
	plan *topo.Plan
}

// Link implements task.Program.
func (p joined) Link(_ topo.TaskID, rt task.Runtime) (*task.Linked, error) {
	all := &merged{Linked: &task.Linked{Entries: map[string]task.Entry{}, Stamps: map[string]task.Stamp{}}}
	for _, s := range p.plan.Subtopologies {
		if len(s.Sources) == 0 {
			continue // of a global store
		}
		l, err := p.Program.Link(topo.TaskID{Subtopology: s.ID}, rt)
		if err != nil {
			return nil, err
		}
		all.add(l)
	}
	all.StreamTime = all.streamTime
	all.Flush = append(all.Flush, func() error { all.gather(); return nil })
	all.gather()
	return all.Linked, nil
}

// merged is what several parts were linked to.
type merged struct {
	*task.Linked
	parts []*task.Linked
	known []int // punctuators of each part that are among the merged ones
}

func (m *merged) add(l *task.Linked) {
	m.parts, m.known = append(m.parts, l), append(m.known, 0)
	m.Flush, m.Times = append(m.Flush, l.Flush...), append(m.Times, l.Times...)
	for topic, stamp := range l.Stamps {
		m.Stamps[topic] = stamp
	}
	for topic, enter := range l.Entries {
		m.Entries[topic] = func(r *task.Raw) error {
			err := enter(r)
			m.gather()
			return err
		}
	}
}

// gather takes up the punctuators that operators have asked for meanwhile.
func (m *merged) gather() {
	for i, part := range m.parts {
		m.Punctuators = append(m.Punctuators, part.Punctuators[m.known[i]:]...)
		m.known[i] = len(part.Punctuators)
	}
}

func (m *merged) streamTime(ms int64) {
	for _, part := range m.parts {
		if part.StreamTime != nil {
			part.StreamTime(ms)
		}
	}
}

// unitOf is the task of an id, or nil. A single task is that of all ids.
func (d *Driver) unitOf(id topo.TaskID) *unit {
	if d.single {
		return d.units[0]
	}
	at := slices.IndexFunc(d.units, func(u *unit) bool { return u.id == id })
	if at < 0 {
		return nil
	}
	return d.units[at]
}
