package memstore

import (
	"errors"
	"fmt"
	"maps"

	"github.com/millrace/millrace/store"
)

// Beside is a DB that keeps the stores that are InMemory in memory, and all others in
// the one given, which it owns. topics are the changelogs of the former: their positions
// are not kept on the disk, so that those stores are restored from the start each time.
func Beside(disk store.DB, topics ...string) store.DB {
	b := &beside{disk: disk, memory: New(), topics: map[string]bool{}, stores: map[string]bool{}}
	for _, t := range topics {
		b.topics[t] = true
	}
	return b
}

// beside is a DB in two parts. A commit that fails on the disk changes nothing; one in
// memory does not fail.
type beside struct {
	disk   store.DB
	memory *DB
	topics map[string]bool
	stores map[string]bool // the names of those in memory
}

var _ store.Snapshotter = (*beside)(nil)

func (b *beside) Engine(spec store.Spec) (store.Engine, error) {
	if spec.InMemory {
		b.stores[spec.Name] = true
		return b.memory.Engine(spec)
	}
	return b.disk.Engine(spec)
}

func (b *beside) Position() store.Position {
	pos := b.disk.Position()
	maps.Copy(pos, b.memory.Position())
	return pos
}

// split sorts positions by where their stores are.
func (b *beside) split(pos store.Position) (disk, memory store.Position) {
	disk, memory = store.Position{}, store.Position{}
	for topic, next := range pos {
		if b.topics[topic] {
			memory[topic] = next
		} else {
			disk[topic] = next
		}
	}
	return disk, memory
}

func (b *beside) Commit(pos store.Position) error {
	disk, memory := b.split(pos)
	if err := b.disk.Commit(disk); err != nil {
		return err
	}
	return b.memory.Commit(memory)
}

func (b *beside) Rollback() {
	b.disk.Rollback()
	b.memory.Rollback()
}

func (b *beside) StagedBytes() int { return b.disk.StagedBytes() + b.memory.StagedBytes() }

func (b *beside) Apply(name string, muts []store.Mutation, pos store.Position) error {
	if b.stores[name] {
		return b.memory.Apply(name, muts, pos)
	}
	return b.disk.Apply(name, muts, pos)
}

func (b *beside) Flush() error { return b.disk.Flush() }

func (b *beside) Size() int64 { return b.disk.Size() + b.memory.Size() }

func (b *beside) Close() error { return errors.Join(b.disk.Close(), b.memory.Close()) }

// Snapshot implements store.Snapshotter, if the DB on the disk does. Its two halves are
// of one commit if none is under way.
func (b *beside) Snapshot() (store.Snapshot, error) {
	source, ok := b.disk.(store.Snapshotter)
	if !ok {
		return nil, fmt.Errorf("the database on the disk, a %T, has no snapshots", b.disk)
	}
	disk, err := source.Snapshot()
	if err != nil {
		return nil, err
	}
	memory, err := b.memory.Snapshot()
	if err != nil {
		return nil, errors.Join(err, disk.Close())
	}
	return &besideSnapshot{disk, memory, maps.Clone(b.stores)}, nil
}

// besideSnapshot is a snapshot in two parts.
type besideSnapshot struct {
	disk, memory store.Snapshot
	stores       map[string]bool
}

func (s *besideSnapshot) Reader(name string) (store.Reader, error) {
	if s.stores[name] {
		return s.memory.Reader(name)
	}
	return s.disk.Reader(name)
}

func (s *besideSnapshot) Position() store.Position {
	pos := s.disk.Position()
	maps.Copy(pos, s.memory.Position())
	return pos
}

func (s *besideSnapshot) Close() error { return errors.Join(s.disk.Close(), s.memory.Close()) }
