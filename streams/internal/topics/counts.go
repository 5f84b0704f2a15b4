package topics

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/millrace/millrace/streams/internal/topo"
)

// Counts are partition counts by topic.
type Counts map[string]int32

// Partitions decides the partition count of every source topic of the plan, given
// those of the external ones, in the order in which Kafka Streams does it: first
// repartition topics along their chains, then copartitioned groups.
func Partitions(plan *topo.Plan, external Counts) (Counts, error) {
	counts := maps.Clone(external)
	if counts == nil {
		counts = make(Counts)
	}
	internal := repartitions(plan)
	if err := decide(plan, internal, counts); err != nil {
		return nil, err
	}
	var faults []error
	for _, sub := range plan.Subtopologies {
		for _, group := range sub.Copartitioned {
			faults = append(faults, align(plan, group, internal, counts))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return counts, nil
}

// repartitions are the plan's repartition topics by name.
func repartitions(plan *topo.Plan) map[string]topo.Repartition {
	out := make(map[string]topo.Repartition)
	for _, sub := range plan.Subtopologies {
		for _, r := range sub.Repartitions {
			out[r.Topic] = r
		}
	}
	return out
}

// decide gives each repartition topic the largest count among what its writers
// read. A writer may itself read a repartition topic, so this goes on until
// nothing changes. The two topics of a foreign-key join depend on each other; in such
// a circle what is decided already counts, as in Kafka Streams.
func decide(plan *topo.Plan, internal map[string]topo.Repartition, counts Counts) error {
	for name, r := range internal {
		if r.Partitions > 0 {
			counts[name] = r.Partitions
		}
	}
	for decideAll(plan, internal, counts, false) || decideAll(plan, internal, counts, true) {
	}
	for _, name := range slices.Sorted(maps.Keys(internal)) {
		if counts[name] == 0 {
			return fmt.Errorf("repartition topic %s: its partition count depends on itself; give the operator an explicit count", name)
		}
	}
	return nil
}

// decideAll decides what follows from what was decided before, and says whether that
// was anything.
func decideAll(plan *topo.Plan, internal map[string]topo.Repartition, counts Counts, circles bool) bool {
	found := Counts{}
	for name := range internal {
		if counts[name] > 0 {
			continue
		}
		if n, ok := upstream(plan, name, counts, circles); ok {
			found[name] = n
		}
	}
	maps.Copy(counts, found)
	return len(found) > 0
}

// upstream is the largest count of all that the topic's writers read; ok is false
// while one of them is undecided, or with circles all of them, or if nothing writes to
// the topic.
func upstream(plan *topo.Plan, topic string, counts Counts, circles bool) (most int32, ok bool) {
	for _, sub := range plan.Subtopologies {
		if !slices.Contains(sub.Sinks, topic) {
			continue
		}
		for _, s := range sub.Sources {
			if counts[s.Topic] == 0 && !circles {
				return 0, false
			}
			most = max(most, counts[s.Topic])
		}
	}
	return most, most > 0
}

// align makes the topics of a copartitioned group equal in count, or says why
// that is impossible. External topics and explicit counts are not ours to change.
func align(plan *topo.Plan, group []string, internal map[string]topo.Repartition, counts Counts) error {
	fixed := slices.DeleteFunc(slices.Clone(group), func(t string) bool {
		r, ok := internal[t]
		return ok && r.Partitions == 0
	})
	want := largest(group, counts)
	if len(fixed) > 0 {
		want = counts[fixed[0]]
	}
	for _, t := range fixed {
		if counts[t] != want {
			return copartitionError(plan, group, counts)
		}
	}
	for _, t := range group {
		counts[t] = want
	}
	return nil
}

// largest is the largest count in a group.
func largest(group []string, counts Counts) (most int32) {
	for _, t := range group {
		most = max(most, counts[t])
	}
	return most
}

// changelogs adds the count of each changelog: the number of tasks of its
// sub-topology.
func changelogs(plan *topo.Plan, counts Counts) {
	for _, sub := range plan.Subtopologies {
		var tasks int32
		for _, s := range sub.Sources {
			tasks = max(tasks, counts[s.Topic])
		}
		for _, s := range sub.Stores {
			// A source topic that serves as changelog keeps its own count.
			if s.Changelog != "" && counts[s.Changelog] == 0 {
				counts[s.Changelog] = tasks
			}
		}
	}
}
