package streamstest

import (
	"fmt"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/memstore"
	"github.com/millrace/millrace/streams/internal/task"
	"github.com/millrace/millrace/streams/internal/topo"
)

// makeGlobals makes what reads the topics of global stores, all partitions of them.
func (d *Driver) makeGlobals(program task.Program) {
	for _, g := range d.plan.Globals {
		d.topics[g.Topic] = &topic{partitions: d.partitions}
		u := newUnit(d, topo.TaskID{Subtopology: g.Subtopology}, &topo.Subtopology{
			ID: g.Subtopology, Sources: []topo.Source{{Topic: g.Topic, Where: g.Where}}, Stores: []topo.Store{g.Store},
		})
		u.program = program
		d.globals = append(d.globals, u)
	}
}

// global is what reads a topic into a global store, or nil.
func (d *Driver) global(topic string) *unit {
	for _, u := range d.globals {
		if u.sub.Sources[0].Topic == topic {
			return u
		}
	}
	return nil
}

// globalEngine is a global store as tasks see it.
func (d *Driver) globalEngine(name string) (store.Engine, error) {
	for _, u := range d.globals {
		if s := u.sub.Stores[0]; s.Spec.Name == name {
			e, err := u.db.Engine(s.Spec)
			return store.ReadOnly(e), err
		}
	}
	return nil, fmt.Errorf("the topology has no store %q", name)
}

// take applies a record of its topic at once, as Kafka's driver does.
func (u *unit) take(m Message) error {
	if err := u.task.Add(m.Topic, []task.Raw{m.raw()}); err != nil {
		return err
	}
	return u.step()
}

// reread fills a new store from the topic, as a process does that has lost its disk.
func (u *unit) reread() error {
	u.db = memstore.New()
	clear(u.committed)
	if err := u.open(); err != nil {
		return err
	}
	for _, m := range u.d.Messages(u.sub.Sources[0].Topic) {
		if err := u.take(m); err != nil {
			return err
		}
	}
	return nil
}

// reads says whether the topology reads a topic, in whatever way.
func (d *Driver) reads(topic string) bool {
	_, ok := d.plan.SubtopologyOf(topic)
	return ok || d.global(topic) != nil
}

// stores lists the declarations of all stores.
func (d *Driver) stores() (out []topo.Store) {
	for _, sub := range d.plan.Subtopologies {
		out = append(out, sub.Stores...)
	}
	for _, g := range d.plan.Globals {
		out = append(out, g.Store)
	}
	return out
}
