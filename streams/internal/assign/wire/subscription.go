package wire

import (
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"

	"github.com/millrace/millrace/streams/internal/topo"
)

// Latest is the newest version that this package writes and reads.
const Latest int32 = 11

// Offset sums with a meaning of their own.
const (
	// Running: the member runs the task.
	Running int64 = -2
	// Unknown: the member has state but does not know how much.
	Unknown int64 = -3
)

// The error codes of subscriptions and assignments.
const (
	OK                  int32 = 0
	IncompleteSources   int32 = 1
	VersionProbing      int32 = 2
	AssignmentFailed    int32 = 3
	ShutdownApplication int32 = 4
)

// unknownVersion is Latest of a member that does not send it.
const unknownVersion int32 = -1

// Subscription is what a member says about itself when it joins.
type Subscription struct {
	// Version is that of the bytes; Latest the newest that the member can read.
	Version, Latest int32
	// ProcessID is common to all members with the same local state.
	ProcessID uuid.UUID
	// Endpoint is host:port for queries, or empty.
	Endpoint string
	// Offsets has, for each stateful task that the member has something of, the sum
	// of the next offsets to restore, or Running, or Unknown.
	Offsets map[topo.TaskID]int64
	// Unique changes with each join, so that the broker rebalances.
	Unique byte
	// ErrorCode is OK or ShutdownApplication.
	ErrorCode int32
	// Tags are the client's, in order.
	Tags []Tag
}

// Tag is one client tag.
type Tag struct{ Key, Value string }

// Encode writes the version that the Subscription says. Tasks are in order.
func (s *Subscription) Encode() ([]byte, error) {
	if s.Version < 1 || s.Version > Latest {
		return nil, fmt.Errorf("subscription version %d is not between 1 and %d", s.Version, Latest)
	}
	w := &writer{}
	w.i32(s.Version)
	if s.Version >= 3 {
		w.i32(s.Latest)
	}
	w.b = append(w.b, s.ProcessID[:]...)
	if s.Version < 7 {
		s.writeTaskLists(w)
	}
	if s.Version >= 2 {
		w.bytes32(s.Endpoint)
	}
	if s.Version >= 7 {
		s.writeSums(w)
	}
	if s.Version >= 8 {
		w.u8(s.Unique)
	}
	if s.Version >= 9 {
		w.i32(s.ErrorCode)
	}
	if s.Version >= 11 {
		w.count(len(s.Tags))
		for _, t := range s.Tags {
			w.bytes32(t.Key)
			w.bytes32(t.Value)
		}
	}
	return w.done()
}

// writeTaskLists writes running tasks, then those with state.
func (s *Subscription) writeTaskLists(w *writer) {
	var running, others []topo.TaskID
	for _, id := range s.tasks() {
		if s.Offsets[id] == Running {
			running = append(running, id)
		} else {
			others = append(others, id)
		}
	}
	for _, list := range [][]topo.TaskID{running, others} {
		w.count(len(list))
		for _, id := range list {
			w.task(id)
		}
	}
}

// tasks are in order, so that equal subscriptions have equal bytes.
func (s *Subscription) tasks() []topo.TaskID {
	return slices.SortedFunc(maps.Keys(s.Offsets), topo.TaskID.Compare)
}

// writeSums has two layouts: grouped by sub-topology up to version 9, flat after.
func (s *Subscription) writeSums(w *writer) {
	tasks := s.tasks()
	if s.Version >= 10 {
		w.count(len(tasks))
		for _, id := range tasks {
			w.task(id)
			w.i64(s.Offsets[id])
			w.u16(-1) // no named topology
		}
		return
	}
	groups := chunk(tasks)
	w.count(len(groups))
	for _, g := range groups {
		w.i32(g[0].Subtopology)
		w.count(len(g))
		for _, id := range g {
			w.i32(id.Partition)
			w.i64(s.Offsets[id])
		}
	}
}

// chunk cuts sorted tasks by sub-topology.
func chunk(tasks []topo.TaskID) (groups [][]topo.TaskID) {
	for i, id := range tasks {
		if i == 0 || tasks[i-1].Subtopology != id.Subtopology {
			groups = append(groups, nil)
		}
		groups[len(groups)-1] = append(groups[len(groups)-1], id)
	}
	return groups
}

// DecodeSubscription reads what Encode or a JVM wrote. Of a version above Latest
// it reads Version and Latest only. Nothing in the result aliases b.
func DecodeSubscription(b []byte) (Subscription, error) {
	r := newReader(b)
	s := Subscription{Version: r.i32(), Latest: unknownVersion, Offsets: make(map[topo.TaskID]int64)}
	if r.err == nil && s.Version < 1 {
		r.fail("subscription version %d", s.Version)
	}
	if s.Version >= 3 {
		s.Latest = r.i32()
	}
	if s.Version <= Latest {
		s.read(r)
	}
	if r.err != nil {
		return Subscription{}, fmt.Errorf("subscription: %w", r.err)
	}
	return s, nil
}

// read reads everything after the two versions.
func (s *Subscription) read(r *reader) {
	copy(s.ProcessID[:], r.next(len(s.ProcessID)))
	if s.Version < 7 {
		for _, sum := range []int64{Running, Unknown} {
			for range r.count(8) {
				s.Offsets[r.task()] = sum
			}
		}
	}
	if s.Version >= 2 {
		s.Endpoint = r.bytes32()
	}
	if s.Version >= 7 {
		s.readSums(r)
	}
	if s.Version >= 8 {
		s.Unique = r.u8()
	}
	if s.Version >= 9 {
		s.ErrorCode = r.i32()
	}
	if s.Version >= 11 {
		for range r.count(8) {
			s.Tags = append(s.Tags, Tag{r.bytes32(), r.bytes32()})
		}
	}
}

// readSums reads what writeSums or a JVM wrote.
func (s *Subscription) readSums(r *reader) {
	if s.Version >= 10 {
		for range r.count(18) {
			id := r.task()
			s.Offsets[id] = r.i64()
			if n := int16(r.u16()); n > 0 { // a named topology: never ours
				r.next(int(n))
			}
		}
		return
	}
	for range r.count(8) {
		sub := r.i32()
		for range r.count(12) {
			id := topo.TaskID{Subtopology: sub, Partition: r.i32()}
			if id.Subtopology < 0 || id.Partition < 0 {
				r.fail("negative task id %s", id)
			}
			s.Offsets[id] = r.i64()
		}
	}
}
