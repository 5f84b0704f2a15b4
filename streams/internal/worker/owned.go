package worker

import (
	"errors"
	"fmt"
	"time"

	"github.com/millrace/millrace/changelog"
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams/internal/task"
	"github.com/millrace/millrace/streams/internal/topo"
	"github.com/millrace/millrace/streams/internal/txn"
	"github.com/millrace/millrace/streams/record"
)

// owned is a task as its worker has it: the passive task, its stores, and the
// books between it and the poller. It is the task's Runtime, and its part in a
// commit.
type owned struct {
	task   *Task
	worker *Worker
	live   *task.Task
	db     store.DB
	logs   []*logPosition
	inputs []*input // sorted by topic
	begin  func()   // makes it live; nil once that was tried

	time      int64           // of the record or punctuation under way, ms
	headers   []record.Header // of the record under way
	processed uint64
	decided   int  // in this turn: go on with this number of inputs that have records
	pending   bool // something was processed since the last commit
	settling  bool // a commit waits for what operators hold
	offsets   []task.Offset
	measured  time.Time // when the stores were last asked for their size
}

var (
	_ task.Runtime = (*owned)(nil)
	_ txn.Part     = (*owned)(nil)
)

// measureEvery is how often stores are asked for their size.
const measureEvery = time.Second

// link makes the task live on its restored stores. On error it stays lifeless.
func (o *owned) link(starts map[string]Start) error {
	live, err := task.New(o.task.ID, o.task.Topics, timed{o.worker.opt.Program, o}, o, task.Options{})
	if err != nil {
		return err
	}
	for _, topic := range o.task.Topics {
		s := starts[topic]
		o.inputs = append(o.inputs, &input{topic: topic, next: s.Next, end: s.End, idle: o.idleOf(topic), heard: time.Now()})
		if err := live.Resume(topic, s.Offset, s.Metadata); err != nil {
			return err
		}
	}
	o.live = live
	return nil
}

// timed is a program whose tasks note the time and the headers of what they
// process: changelog records without a time of their own have that one.
type timed struct {
	task.Program
	o *owned
}

// Link implements task.Program.
func (p timed) Link(id topo.TaskID, rt task.Runtime) (*task.Linked, error) {
	l, err := p.Program.Link(id, rt)
	if err != nil {
		return nil, err
	}
	for topic, enter := range l.Entries {
		l.Entries[topic] = func(r *task.Raw) error {
			p.o.time, p.o.headers = r.Time, r.Headers
			p.o.at(topic, r.Offset)
			return enter(r)
		}
	}
	return l, nil
}

// at shows the record under way to who watches from outside.
func (o *owned) at(topic string, offset int64) {
	p := &o.worker.pulse
	if d := p.doing.Load(); d == nil || d.task != o.task || d.topic != topic {
		p.doing.Store(&doing{o.task, topic})
	}
	p.offset.Store(offset)
}

// At implements task.Timed.
func (o *owned) At(ms int64) (before int64) {
	before, o.time = o.time, ms
	return before
}

// WallClock implements task.Clocked.
func (o *owned) WallClock() int64 { return time.Now().UnixMilli() }

// RequestCommit implements task.Committer: the commit follows in this round.
func (o *owned) RequestCommit() { o.worker.nextCommit = time.Time{} }

// Engine implements task.Runtime: the bytes of a store, its writes logged.
func (o *owned) Engine(name string) (store.Engine, error) {
	for _, s := range o.task.Sub.Stores {
		if s.Spec.Name != name {
			continue
		}
		e, err := o.db.Engine(s.Spec)
		if err != nil || !s.Logs() {
			return e, err
		}
		return changelog.Write(faulty{e}, s.Spec, o.context(), o.logger(s.Changelog)), nil
	}
	if o.worker.opt.Global != nil {
		return o.worker.opt.Global(name)
	}
	return nil, fmt.Errorf("task %s has no store %q", o.task.ID, name)
}

// context is what changelog records take over from what is under way.
func (o *owned) context() changelog.Context {
	return changelog.Context{
		Now:     func() int64 { return o.time },
		Headers: func() []record.Header { return o.headers },
		Wall:    o.WallClock,
	}
}

// logger sends the records of one changelog and notes their offsets.
func (o *owned) logger(topic string) func(*changelog.Record) error {
	pos := newLogPosition(topic)
	o.logs = append(o.logs, pos)
	return func(r *changelog.Record) error {
		return runtimeError(o.worker.opt.Sender.log(topic, o.task.ID.Partition, pos, r))
	}
}

// Emit implements task.Runtime.
func (o *owned) Emit(out *task.Out) error {
	err := o.worker.opt.Sender.Emit(out)
	if _, refused := errors.AsType[*task.TooLargeError](err); refused {
		return err // that is the record's own fault
	}
	return runtimeError(err)
}

// Skipped implements task.Runtime.
func (o *owned) Skipped(operator, reason string) {
	o.worker.count.skip(SkipKey{operator, reason})
}

// ID implements txn.Part.
func (o *owned) ID() topo.TaskID { return o.task.ID }

// Flush implements txn.Part.
func (o *owned) Flush() error {
	o.worker.pulse.begin(o.task, "")
	defer o.worker.pulse.end()
	return o.live.Flush()
}

// Offsets implements txn.Part.
func (o *owned) Offsets() []txn.Offset {
	o.offsets = o.live.Offsets()
	out := make([]txn.Offset, len(o.offsets))
	for i, x := range o.offsets {
		out[i] = txn.Offset{Topic: x.Topic, Partition: o.task.ID.Partition, Offset: x.Offset, LeaderEpoch: x.LeaderEpoch, Metadata: x.Metadata}
	}
	return out
}

// Position implements txn.Part: the offsets that the broker has acknowledged.
func (o *owned) Position() store.Position {
	pos := make(store.Position, len(o.logs))
	for _, l := range o.logs {
		if next := l.next.Load(); next > 0 {
			pos[l.topic] = next
		}
	}
	for _, s := range o.task.Sub.Stores {
		if s.FromSource {
			o.sourcePosition(pos, s.Changelog)
		}
	}
	return pos
}

// sourcePosition adds where a store stands whose changelog is the table's topic: at
// what was just committed of it.
func (o *owned) sourcePosition(pos store.Position, topic string) {
	for _, x := range o.offsets {
		if x.Topic == topic {
			pos[topic] = x.Offset
		}
	}
}

// CommitState implements txn.Part.
func (o *owned) CommitState(pos store.Position) error { return o.db.Commit(pos) }

// Committed implements txn.Part.
func (o *owned) Committed([]txn.Offset) {
	o.live.Committed(o.offsets)
	o.pending = false
}

// Lost implements txn.Part.
func (o *owned) Lost() bool { return o.task.lost.Load() }

// dirty reports whether there is anything to commit.
func (o *owned) dirty() bool { return o.live != nil && (o.pending || o.db.StagedBytes() > 0) }
