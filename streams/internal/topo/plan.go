package topo

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/store"
)

// TaskID names a task: the sub-topology and the partition it runs.
type TaskID struct {
	Subtopology, Partition int32
}

// String is the id as Kafka Streams writes it, "0_1".
func (t TaskID) String() string { return fmt.Sprintf("%d_%d", t.Subtopology, t.Partition) }

// ParseTaskID reads what String wrote.
func ParseTaskID(s string) (TaskID, error) {
	sub, part, ok := strings.Cut(s, "_")
	a, errA := strconv.ParseInt(sub, 10, 32)
	b, errB := strconv.ParseInt(part, 10, 32)
	if !ok || errA != nil || errB != nil || a < 0 || b < 0 {
		return TaskID{}, fmt.Errorf("%q is not a task id such as 0_1", s)
	}
	return TaskID{int32(a), int32(b)}, nil
}

// Compare orders task ids by sub-topology, then partition.
func (t TaskID) Compare(o TaskID) int {
	if t.Subtopology != o.Subtopology {
		return int(t.Subtopology - o.Subtopology)
	}
	return int(t.Partition - o.Partition)
}

// Plan is a built topology as the runtime needs it: plain data, with all topic
// names as they are in Kafka, that is with the application id in internal ones.
// It is immutable.
type Plan struct {
	ApplicationID string
	Subtopologies []Subtopology // index = id; those of global stores are empty
	// Globals are the global stores, by sub-topology.
	Globals []Global
}

// Subtopology is one connected part of the topology. Its tasks are independent
// of those of other parts, which it meets only through topics.
type Subtopology struct {
	ID int32
	// Sources are all topics it reads, sorted, repartition topics included.
	Sources []Source
	// Sinks are all topics it writes, sorted, repartition topics included.
	Sinks []string
	// Repartitions are the repartition topics among Sources.
	Repartitions []Repartition
	// Stores are its state stores, sorted by name.
	Stores []Store
	// Copartitioned are groups of source topics that must have equal partition
	// counts, each sorted.
	Copartitioned [][]string
}

// Source is one topic that a sub-topology reads.
type Source struct {
	Topic string
	// Reset says where to start without a committed offset.
	Reset Reset
	// IdleAfter is how long the source must be silent, by the wall clock, to hold the
	// others up no more; 0 leaves it to the application.
	IdleAfter time.Duration
	// Where is the file:line of the declaration, for errors.
	Where string
}

// Reset says where a source starts when its group has no committed offset. Its zero
// value is the earliest offset.
type Reset struct {
	By ResetBy
	// Ago is how old the first record may be, for ResetAgo.
	Ago time.Duration
}

// String is the policy in words.
func (r Reset) String() string {
	switch r.By {
	case ResetLatest:
		return "the latest offset"
	case ResetAgo:
		return fmt.Sprintf("the offset %v ago", r.Ago)
	}
	return "the earliest offset"
}

// ResetBy is the kind of a reset policy.
type ResetBy uint8

// The kinds of reset policies.
const (
	ResetEarliest ResetBy = iota
	ResetLatest
	ResetAgo
)

// Repartition is an internal topic that re-keys a stream.
type Repartition struct {
	Topic string
	// Partitions is the explicit count, or 0: derived from the sub-topologies
	// that write to the topic.
	Partitions int32
	// Config is the topic's configuration at creation.
	Config map[string]string
}

// Store is a state store with its changelog topic.
type Store struct {
	Spec store.Spec
	// Changelog is the topic's name; empty if the store has none.
	Changelog string
	// FromSource says that Changelog is the topic of the table's source, which is read
	// to restore the store and never written.
	FromSource bool
	// ChangelogConfig is the topic's configuration at creation.
	ChangelogConfig map[string]string
	// Where is the file:line of the declaration, for errors.
	Where string
}

// Logs says whether changes of the store are written to its changelog.
func (s *Store) Logs() bool { return s.Changelog != "" && !s.FromSource }

// SubtopologyOf returns the sub-topology that reads the topic.
func (p *Plan) SubtopologyOf(topic string) (*Subtopology, bool) {
	for i := range p.Subtopologies {
		for _, s := range p.Subtopologies[i].Sources {
			if s.Topic == topic {
				return &p.Subtopologies[i], true
			}
		}
	}
	return nil, false
}

// SourceTopics lists all topics that the application reads, sorted and without
// repetition.
func (p *Plan) SourceTopics() []string {
	return sortedUnion(p.Subtopologies, func(s *Subtopology) []string {
		out := make([]string, len(s.Sources))
		for i, src := range s.Sources {
			out[i] = src.Topic
		}
		return out
	})
}

// Tasks lists all tasks, sorted, given the partition count of each source topic.
func (p *Plan) Tasks(partitions map[string]int32) []TaskID {
	var out []TaskID
	for _, s := range p.Subtopologies {
		var most int32
		for _, src := range s.Sources {
			most = max(most, partitions[src.Topic])
		}
		for i := range most {
			out = append(out, TaskID{s.ID, i})
		}
	}
	return out
}
