package topics

import (
	"fmt"
	"strings"

	"github.com/millrace/millrace/streams/internal/topo"
)

// MissingError says that source topics do not exist. Nothing creates them but
// their owner.
type MissingError struct {
	Topics []topo.Source
}

// Error names each topic and the line that reads it.
func (e *MissingError) Error() string {
	var names []string
	for _, s := range e.Topics {
		names = append(names, s.Topic+where(s.Where))
	}
	return fmt.Sprintf("source topics are missing: %s; create them, for example with "+
		"kafka-topics.sh --create --topic %s --partitions N, or let the application wait for them with Config.WaitForSources",
		strings.Join(names, ", "), e.Topics[0].Topic)
}

// CopartitionError says that topics that are joined or merged by key have
// different partition counts, so that equal keys would be in different tasks.
type CopartitionError struct {
	Topics []topo.Source // with the place of each declaration
	Counts Counts
}

// Error names the topics, their counts and what can be done.
func (e *CopartitionError) Error() string {
	var parts []string
	for _, s := range e.Topics {
		parts = append(parts, fmt.Sprintf("%s has %d partitions%s", s.Topic, e.Counts[s.Topic], where(s.Where)))
	}
	return "topics that are joined must have equal partition counts: " + strings.Join(parts, ", ") +
		"; recreate one of them, or put a Repartition before the join with the other's count"
}

// PartitionsError says that an internal topic exists with a wrong partition count.
type PartitionsError struct {
	Topic      string
	Want, Have int32
}

// Error names the topic, both counts and what can be done.
func (e *PartitionsError) Error() string {
	return fmt.Sprintf("internal topic %s has %d partitions and this topology needs %d: "+
		"the partitions of a source or the topology changed; reset the application (stop it, delete its internal topics and local state), "+
		"use a new ApplicationID, or restore the former count", e.Topic, e.Have, e.Want)
}

// ConfigError says that an internal topic exists with a configuration that would
// lose data.
type ConfigError struct {
	Topic, Key, Have, Want string
	// Danger says what would happen.
	Danger string
}

// Error names the topic, the setting and the command that repairs it.
func (e *ConfigError) Error() string {
	return fmt.Sprintf("internal topic %s has %s=%s: %s; set it with "+
		"kafka-configs.sh --alter --entity-type topics --entity-name %s --add-config '%s=[%s]'",
		e.Topic, e.Key, e.Have, e.Danger, e.Topic, e.Key, e.Want)
}

// copartitionError collects what the message needs.
func copartitionError(plan *topo.Plan, group []string, counts Counts) error {
	e := &CopartitionError{Counts: make(Counts)}
	for _, topic := range group {
		e.Counts[topic] = counts[topic]
		e.Topics = append(e.Topics, source(plan, topic))
	}
	return e
}

// source finds a topic's declaration.
func source(plan *topo.Plan, topic string) topo.Source {
	if sub, ok := plan.SubtopologyOf(topic); ok {
		for _, s := range sub.Sources {
			if s.Topic == topic {
				return s
			}
		}
	}
	for _, g := range plan.Globals {
		if g.Topic == topic {
			return topo.Source{Topic: topic, Where: g.Where}
		}
	}
	return topo.Source{Topic: topic}
}

// where puts a place into a message, if there is one.
func where(place string) string {
	if place == "" {
		return ""
	}
	return " (" + place + ")"
}
