package group

import (
	"errors"
	"fmt"
	"slices"

	"github.com/millrace/millrace/streams/internal/assign/wire"
	"github.com/millrace/millrace/streams/internal/topo"
)

// Partition is one partition of a source topic.
type Partition = wire.Partition

// Host is an endpoint of a member, for queries.
type Host = wire.Host

// ErrRefused is in Assignment.Err when the leader told this member to stop.
var ErrRefused = errors.New("the group's leader gave an error instead of an assignment")

// Assignment is what this member is to run from now on. The receiver owns it.
type Assignment struct {
	// Active has the source partitions of each task, sorted.
	Active map[topo.TaskID][]Partition
	// Standby are tasks to keep a copy of, with their source partitions.
	Standby map[topo.TaskID][]Partition
	// ByHost and StandbyByHost say who has what, if members have endpoints.
	ByHost, StandbyByHost map[Host][]Partition
	// RejoinNow asks for kgo.Client.ForceRebalance: the leader withheld tasks until
	// their present owners have released them.
	RejoinNow bool
	// NextRebalance is when to rejoin, ms since the epoch; wire.NoRebalance is never.
	NextRebalance int64
	// ErrorCode is the leader's: wire.OK or the reason to stop.
	ErrorCode int32
	// Err says, if not nil, why the application must stop.
	Err error
}

// parse decodes an assignment and checks that leader and member mean the same.
func (b *Balancer) parse(data []byte) (Assignment, error) {
	parts, user, err := wire.DecodeAssigned(data)
	if err != nil {
		return Assignment{}, err
	}
	if len(user) == 0 && len(parts) == 0 {
		return Assignment{NextRebalance: wire.NoRebalance}, nil
	}
	w, err := wire.DecodeAssignment(user)
	if err != nil {
		return Assignment{}, err
	}
	if w.ErrorCode != wire.OK {
		return Assignment{ErrorCode: w.ErrorCode, NextRebalance: wire.NoRebalance, Err: refusal(w.ErrorCode)}, nil
	}
	probe, err := b.follow(w)
	if err != nil {
		return Assignment{}, err
	}
	active, err := b.pair(w.Active, parts)
	if err != nil {
		return Assignment{}, err
	}
	return Assignment{
		Active: active, Standby: w.Standby, ByHost: w.ByHost, StandbyByHost: w.StandbyByHost,
		NextRebalance: w.NextRebalance,
		RejoinNow:     probe || w.NextRebalance == 0 || b.overlooked(w),
	}, nil
}

// refusal explains the leader's error code.
func refusal(code int32) error {
	why := map[int32]string{
		wire.IncompleteSources:   "it did not find all source topics; create them and start again",
		wire.AssignmentFailed:    "it could not assign the tasks; its log says why",
		wire.ShutdownApplication: "a member asked the whole application to shut down",
	}[code]
	if why == "" {
		why = "an unknown one"
	}
	return fmt.Errorf("%w: code %d, %s", ErrRefused, code, why)
}

// follow adapts this member's version to the group's: down if somebody is older,
// up again once all can. It reports whether to rejoin with the new version.
func (b *Balancer) follow(w wire.Assignment) (rejoin bool, err error) {
	switch {
	case w.Version > b.version:
		return false, fmt.Errorf("%w: the leader used version %d, but this member sent %d", wire.ErrMalformed, w.Version, b.version)
	case w.Common > wire.Latest:
		return false, fmt.Errorf("%w: the leader takes version %d as common, but this member knows only %d", wire.ErrMalformed, w.Common, wire.Latest)
	}
	if w.Version == b.version && w.Common <= b.version {
		return false, nil
	}
	b.version = max(w.Common, 1)
	return true, nil
}

// pair gives each task its partitions: the i-th entry of the list belongs to the
// i-th partition. The leader speaks of its own topology; ours must mean the same.
func (b *Balancer) pair(tasks []topo.TaskID, parts []Partition) (map[topo.TaskID][]Partition, error) {
	if len(tasks) != len(parts) {
		return nil, fmt.Errorf("%w: %d task entries for %d partitions", wire.ErrMalformed, len(tasks), len(parts))
	}
	out := make(map[topo.TaskID][]Partition)
	for i, p := range parts {
		id := tasks[i]
		if sub, ok := b.opt.Plan.SubtopologyOf(p.Topic); !ok || sub.ID != id.Subtopology || p.Partition != id.Partition {
			return nil, fmt.Errorf("the leader of group %s assigned %s/%d to task %s, which in this topology is not so: all members must run the same topology; "+
				"stop the members with the other one, or use a new ApplicationID", b.opt.Plan.ApplicationID, p.Topic, p.Partition, id)
		}
		out[id] = append(out[id], p)
	}
	return out, nil
}

// overlooked: the leader knows endpoints, but not ours; joining again tells it.
func (b *Balancer) overlooked(w wire.Assignment) bool {
	own, ok := parseHost(b.opt.Endpoint)
	if !ok || len(w.ByHost)+len(w.StandbyByHost) == 0 || len(w.Active)+len(w.Standby) == 0 {
		return false
	}
	_, active := w.ByHost[own]
	_, standby := w.StandbyByHost[own]
	return !active && !standby
}

// sorted are the partitions of a task in the protocol's order.
func sorted(parts []Partition) []Partition {
	slices.SortFunc(parts, Partition.Compare)
	return parts
}
