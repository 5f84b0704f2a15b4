package streamstest

import (
	"maps"
	"slices"

	"github.com/millrace/millrace/store"
)

// InternalTopic is a topic that an application makes for itself, or a source topic
// that it uses as if it had.
type InternalTopic struct {
	// Name is the name in Kafka, application id and all.
	Name string
	// Changelog says that it holds the changes of a store; otherwise it re-keys a
	// stream.
	Changelog bool
	// Partitions is the count that the program gives, or 0.
	Partitions int32
	// Config is the configuration with which the topic is made. It is nil for a source
	// topic.
	Config map[string]string
}

// InternalTopics lists the topology's internal topics, sorted by name.
func (d *Driver) InternalTopics() (out []InternalTopic) {
	for _, sub := range d.plan.Subtopologies {
		for _, r := range sub.Repartitions {
			out = append(out, InternalTopic{Name: r.Topic, Partitions: r.Partitions, Config: maps.Clone(r.Config)})
		}
		for _, s := range sub.Stores {
			if !s.Logs() {
				s.ChangelogConfig = nil
			}
			if s.Changelog != "" {
				out = append(out, InternalTopic{Name: s.Changelog, Changelog: true, Config: maps.Clone(s.ChangelogConfig)})
			}
		}
	}
	slices.SortFunc(out, func(a, b InternalTopic) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return out
}

// Topics lists the topics that the topology reads and those that anything was
// written to, sorted.
func (d *Driver) Topics() []string { return slices.Sorted(maps.Keys(d.topics)) }

// Stores lists the topology's stores, sorted by name.
func (d *Driver) Stores() []store.Spec {
	byName := map[string]store.Spec{}
	for _, s := range d.stores() {
		byName[s.Spec.Name] = s.Spec
	}
	var out []store.Spec
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		out = append(out, byName[name])
	}
	return out
}

// Store is the bytes of any store, all partitions of it, for reading: views such as
// [store.NewReadOnlyVersioned] show it typed. An unknown name ends the test and lists
// the stores that exist.
func (d *Driver) Store(name string) (store.Reader, store.Spec) {
	d.t.Helper()
	decl, err := d.store(name)
	d.check(err)
	all, spec := d.spread(name, decl.Spec.Kind)
	return all, spec
}
