package streamstest

import (
	"fmt"
	"slices"

	"github.com/millrace/millrace/changelog"
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/memstore"
	"github.com/millrace/millrace/streams/internal/topo"
)

// Restart stops the application and starts it again on the state it had: tasks
// are made anew, and what operators hold in memory only is gone.
func (d *Driver) Restart() {
	d.t.Helper()
	d.check(d.restart(func(u *unit) error { u.db.Rollback(); return nil }, (*unit).open))
}

// Restore stops the application, throws its state away and starts it again: the
// stores are read back from their changelogs. Stores without one are empty.
func (d *Driver) Restore() {
	d.t.Helper()
	d.check(d.restart((*unit).restore, (*unit).reread))
}

// restart makes all tasks anew. It also revives a driver whose topology failed;
// the record that failed is not sent again.
func (d *Driver) restart(state, global func(*unit) error) error {
	d.failed, d.moved = nil, nil
	for _, u := range d.globals {
		u.db.Rollback()
		if err := global(u); err != nil {
			return err
		}
	}
	for _, u := range d.units {
		if err := state(u); err != nil {
			return err
		}
		if err := u.open(); err != nil {
			return err
		}
	}
	return nil
}

// restore fills a new DB from the changelogs.
func (u *unit) restore() error {
	u.db = memstore.New()
	for _, s := range u.sub.Stores {
		if _, err := u.db.Engine(s.Spec); err != nil {
			return err
		}
		if err := u.replay(s); err != nil {
			return fmt.Errorf("task %s: restoring from %s: %w", u.id, s.Changelog, err)
		}
	}
	return nil
}

// replay applies the task's partition of one changelog, all of it: what a record
// wrote before it failed is there too, as with at-least-once in Kafka.
func (u *unit) replay(s topo.Store) error {
	decoder := changelog.NewDecoder(s.Spec)
	for _, m := range u.d.Messages(s.Changelog) {
		if m.Partition != u.id.Partition || s.FromSource && m.Offset >= u.committed[s.Changelog].Offset {
			continue // another task's, or what this one has yet to process
		}
		muts, err := decoder.Mutations(m.Key, m.Value, m.Time, m.Headers...)
		if err != nil {
			return err
		}
		if err := u.db.Apply(s.Spec.Name, muts, store.Position{s.Changelog: m.Offset + 1}); err != nil {
			return err
		}
	}
	return nil
}

// store finds the declaration of a store.
func (d *Driver) store(name string) (topo.Store, error) {
	var names []string
	for _, s := range d.stores() {
		if s.Spec.Name == name {
			return s, nil
		}
		names = append(names, s.Spec.Name)
	}
	slices.Sort(names)
	return topo.Store{}, fmt.Errorf("the topology has no store %q, it has %q", name, names)
}
