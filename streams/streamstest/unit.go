package streamstest

import (
	"maps"
	"slices"

	"github.com/millrace/millrace/changelog"
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/memstore"
	"github.com/millrace/millrace/streams/internal/task"
	"github.com/millrace/millrace/streams/internal/topo"
	"github.com/millrace/millrace/streams/record"
)

// unit is one task with its state: what a worker is to it in an application.
type unit struct {
	d         *Driver
	id        topo.TaskID
	sub       *topo.Subtopology
	db        store.DB
	program   task.Program // if it is not the driver's
	task      *task.Task
	now       int64           // time of the record or punctuation under way, ms
	headers   []record.Header // of the record under way
	position  store.Position
	committed map[string]task.Offset
}

var (
	_ task.Runtime = (*unit)(nil)
	_ task.Timed   = (*unit)(nil)
	_ task.Judge   = (*unit)(nil)
)

func newUnit(d *Driver, id topo.TaskID, sub *topo.Subtopology) *unit {
	return &unit{
		d: d, id: id, sub: sub, db: memstore.New(),
		position: store.Position{}, committed: map[string]task.Offset{},
	}
}

// close gives up what operators hold, if the task is linked.
func (u *unit) close() {
	if u.task != nil {
		u.task.Close()
	}
}

// open links the task on the state that there is, at the committed offsets.
func (u *unit) open() (err error) {
	u.close()
	opt := task.Options{}
	if u.d.skipUndecodable {
		opt.Undecodable = func(*task.Raw, *task.DecodeError) bool { return true }
	}
	program := u.program
	if program == nil {
		program = u.d.program
	}
	if u.task, err = task.New(u.id, u.topics(), noting{program, u}, u, opt); err != nil {
		return err
	}
	for topic, o := range u.committed {
		if err := u.task.Resume(topic, o.Offset, o.Metadata); err != nil {
			return err
		}
	}
	return u.task.Punctuate(u.d.clock) // starts the schedules
}

// topics are the source topics that have the task's partition.
func (u *unit) topics() (out []string) {
	for _, s := range u.sub.Sources {
		if u.id.Partition < u.d.topics[s.Topic].partitions {
			out = append(out, s.Topic)
		}
	}
	return out
}

// step processes one record and commits.
func (u *unit) step() error {
	u.now, _ = u.task.Head()
	if _, err := u.task.Process(); err != nil {
		return err
	}
	return u.commit()
}

// punctuate calls what is due by the driver's clock, and commits.
func (u *unit) punctuate() error {
	u.now, u.headers = u.d.clock, nil
	if err := u.task.Punctuate(u.d.clock); err != nil {
		return err
	}
	return u.commit()
}

func (u *unit) commit() error {
	if err := u.task.Flush(); err != nil {
		return err
	}
	offsets := u.task.Offsets()
	if err := u.db.Commit(maps.Clone(u.position)); err != nil {
		return err
	}
	for _, o := range offsets {
		u.committed[o.Topic] = o
	}
	u.task.Committed(offsets)
	return nil
}

// WallClock implements task.Clocked: the driver's clock.
func (u *unit) WallClock() int64 { return u.d.clock }

// Engine implements task.Runtime: a store whose writes go to its changelog.
func (u *unit) Engine(name string) (store.Engine, error) {
	for _, s := range u.sub.Stores {
		if s.Spec.Name != name {
			continue
		}
		e, err := u.db.Engine(s.Spec)
		if err != nil || !s.Logs() {
			return e, err
		}
		return changelog.Write(e, s.Spec, u.context(), u.logger(s.Changelog)), nil
	}
	return u.d.globalEngine(name)
}

// context is what changelog records take over from what is under way.
func (u *unit) context() changelog.Context {
	return changelog.Context{
		Now:     func() int64 { return u.now },
		Headers: func() []record.Header { return u.headers },
		Wall:    u.WallClock,
	}
}

// noting is a program whose tasks note the headers of what they process.
type noting struct {
	task.Program
	u *unit
}

// Link implements task.Program.
func (p noting) Link(id topo.TaskID, rt task.Runtime) (*task.Linked, error) {
	l, err := p.Program.Link(id, rt)
	if err != nil {
		return nil, err
	}
	for topic, enter := range l.Entries {
		l.Entries[topic] = func(r *task.Raw) error {
			p.u.headers = r.Headers
			return enter(r)
		}
	}
	return l, nil
}

// logger writes to the task's partition of a changelog.
func (u *unit) logger(topic string) func(*changelog.Record) error {
	return func(r *changelog.Record) error {
		m := u.d.write(Message{
			Topic: topic, Partition: u.id.Partition, Time: r.Time,
			Key: keep(r.Key), Value: keep(r.Value), Headers: slices.Clone(r.Headers),
		}, nil)
		u.position[topic] = m.Offset + 1
		return nil
	}
}

// At implements task.Timed.
func (u *unit) At(ms int64) (before int64) {
	before, u.now = u.now, ms
	return before
}

// Emit implements task.Runtime.
func (u *unit) Emit(o *task.Out) error {
	u.d.write(Message{
		Topic: o.Topic, Partition: o.Partition, Time: o.Time,
		Key: keep(o.Key), Value: keep(o.Value), Headers: keepHeaders(o.Headers),
	}, o.HashKey)
	return nil
}

// Partitions implements task.Partitioned.
func (u *unit) Partitions(topic string) (int32, error) {
	if t, ok := u.d.topics[topic]; ok {
		return t.partitions, nil
	}
	return u.d.partitions, nil
}

// Judges implements task.Judge.
func (u *unit) Judges(kind task.FailureKind) bool { return u.d.handlers.Judges(kind) }

// Judge implements task.Judge.
func (u *unit) Judge(f *task.Failure) (again bool, err error) {
	f.Task = u.id
	return u.d.handlers.Judge(u, f)
}

// Skipped implements task.Runtime.
func (u *unit) Skipped(operator, reason string) { u.d.skipped[Skip{operator, reason}]++ }
