package task

import (
	"errors"
	"fmt"
	"slices"

	"github.com/millrace/millrace/streams/internal/topo"
)

// SkipUndecodable is the reason under which records are counted that could not be
// decoded and were left out.
const SkipUndecodable = "undecodable"

// Options are what a Task asks its owner for. The zero value is ready for use.
type Options struct {
	// Undecodable says whether to leave out, and count, a record that cannot be
	// decoded. Nil never does; then such a record is an error.
	Undecodable func(*Raw, *DecodeError) (skip bool)
}

// Task runs one sub-topology over one partition of its source topics. It is
// passive and belongs to one goroutine: all methods are to be called there.
//
// After an error of Process, Punctuate or Flush the task is of no further use,
// because operators may have seen half of a record. Make a new one on the state
// of the last commit.
type Task struct {
	id     topo.TaskID
	rt     Runtime
	opt    Options
	linked *Linked

	queues []*queue // sorted by topic; few, so that a search is a scan
	ready  heap     // those with records
	time   int64    // stream time, ms; -1 unknown
	clocks []schedule
	// scheduled is how many of linked.Punctuators are in clocks.
	scheduled int
}

// New links a task. topics are the source topics that have the task's partition:
// a topic with fewer partitions is left out.
func New(id topo.TaskID, topics []string, p Program, rt Runtime, opt Options) (*Task, error) {
	linked, err := p.Link(id, rt)
	if err != nil {
		return nil, err
	}
	t := &Task{id: id, rt: rt, opt: opt, linked: linked, time: -1}
	for _, topic := range slices.Sorted(slices.Values(topics)) {
		entry, ok := linked.Entries[topic]
		if !ok {
			return nil, fmt.Errorf("task %s: no operator reads the topic %q", id, topic)
		}
		q := newQueue(topic, entry)
		q.stamp = linked.Stamps[topic]
		t.queues = append(t.queues, q)
	}
	t.schedule()
	return t, nil
}

// ID is the task's id.
func (t *Task) ID() topo.TaskID { return t.id }

// StreamTime is the highest record time that was processed, in ms, or that the
// committed metadata told; -1 if there is none.
func (t *Task) StreamTime() int64 { return t.time }

// Resume tells where a source partition starts: the committed offset, or -1, and
// the metadata committed with it. It comes before the first Add.
func (t *Task) Resume(topic string, committed int64, metadata string) error {
	q, err := t.queue(topic)
	if err != nil {
		return err
	}
	m, _ := DecodeMetadata(metadata)
	q.saved, q.next, q.time = committed, committed, m.PartitionTime
	t.time = max(t.time, m.PartitionTime)
	for _, kept := range t.linked.Times {
		if ms, ok := m.Processor[kept.Name]; ok {
			kept.MS = max(kept.MS, ms)
		}
	}
	return nil
}

// Add appends fetched records of one source topic, in order of their offsets. The
// slice and all it points to belong to the task from here on.
func (t *Task) Add(topic string, batch []Raw) error {
	q, err := t.queue(topic)
	if err != nil || len(batch) == 0 {
		return err
	}
	empty := q.size == 0
	q.add(batch)
	if !empty {
		return nil
	}
	return t.wait(q)
}

// Buffered is the number of records of a topic that wait.
func (t *Task) Buffered(topic string) int {
	if q, err := t.queue(topic); err == nil {
		return q.size
	}
	return 0
}

// Ready is the number of source topics that have records waiting. While it is
// neither 0 nor all of them, Process may take a record that is younger than one
// still to be fetched; how long to wait for that is the owner's choice.
func (t *Task) Ready() int { return len(t.ready) }

// Head is the time, in ms, of the record that Process would take.
func (t *Task) Head() (time int64, ok bool) {
	if len(t.ready) == 0 {
		return 0, false
	}
	return t.ready[0].head().Time, true
}

// Process takes the record with the lowest time among the heads of the queues and
// sends it through the topology; then it calls the punctuators that stream time
// has made due. It reports false if there is no record. An error is an *[Error].
func (t *Task) Process() (processed bool, err error) {
	if _, err := t.Release(); err != nil {
		return false, err
	}
	if len(t.ready) == 0 {
		return false, nil
	}
	q := t.ready.pop()
	r := q.head()
	if err := t.enter(q, r); err != nil {
		t.ready.push(q)
		return false, t.fault(r, err)
	}
	q.next, q.epoch = r.Offset+1, r.LeaderEpoch
	q.pop()
	if err := t.wait(q); err != nil {
		return false, err
	}
	if len(t.linked.Punctuators) > t.scheduled {
		t.schedule()
	}
	return true, t.punctuate(StreamTime, t.time)
}

// wait puts a queue in line by the time of its head. Records that have no time are
// left out.
func (t *Task) wait(q *queue) error {
	for q.size > 0 {
		r := q.head()
		if q.stamp == nil {
			t.ready.push(q)
			return nil
		}
		ms, err := q.stamp(r, q.time)
		if err != nil {
			if err = t.decide(r, err, func() error { ms, err = q.stamp(r, q.time); return err }); err != nil {
				return t.fault(r, err)
			}
			ms = max(ms, -1)
		}
		if ms >= 0 {
			r.Time = ms
			t.ready.push(q)
			return nil
		}
		q.next, q.epoch = r.Offset+1, r.LeaderEpoch
		q.pop()
	}
	return nil
}

// enter sends one record in. Operators see a stream time that includes it; the
// task's own moves only if they could read it.
func (t *Task) enter(q *queue, r *Raw) error {
	time := max(t.time, r.Time)
	if t.linked.StreamTime != nil {
		t.linked.StreamTime(time)
	}
	if err := guard(q.entry, r); err != nil {
		read := false
		err = t.decide(r, err, func() error { e := guard(q.entry, r); read = e == nil; return e })
		if err != nil || !read {
			return err
		}
	}
	q.time, t.time = max(q.time, r.Time), time
	return nil
}

// guard calls an entry and turns a panic into an error.
func guard(entry Entry, r *Raw) (err error) {
	defer recovered(&err)
	return entry(r)
}

// decide asks what to do about a record that cannot be decoded: it is nil if the
// record is left out and counted, or if another attempt went well.
func (t *Task) decide(r *Raw, err error, again func() error) error {
	for attempt := 1; ; attempt++ {
		fault, ok := errors.AsType[*DecodeError](err)
		if !ok {
			return err
		}
		if t.opt.Undecodable != nil && t.opt.Undecodable(r, fault) {
			t.rt.Skipped(fault.Operator, SkipUndecodable)
			return nil
		}
		judge, ok := t.rt.(Judge)
		if !ok || !judge.Judges(Undecodable) {
			return err
		}
		retry, end := judge.Judge(t.undecodable(r, fault, attempt))
		if !retry {
			return end
		}
		if err = again(); err == nil {
			return nil
		}
	}
}

func (t *Task) undecodable(r *Raw, fault *DecodeError, attempt int) *Failure {
	return &Failure{
		Kind: Undecodable, Task: t.id, Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Time: r.Time,
		Key: r.Key, Value: r.Value, Headers: r.Headers, Operator: fault.Operator, Where: fault.Where, Part: fault.Part,
		Reason: SkipUndecodable, Attempt: attempt, Err: fault.Err,
	}
}

// Flush has the operators send what they hold back, parents before children. It
// comes first in a commit.
func (t *Task) Flush() error {
	for _, flush := range t.linked.Flush {
		if err := guardCall(flush); err != nil {
			return t.fault(nil, err)
		}
	}
	return nil
}

// Trim has the operators give memory back that others need more. It is called
// between records, some times a second.
func (t *Task) Trim() error {
	for _, trim := range t.linked.Trim {
		if err := guardCall(trim); err != nil {
			return t.fault(nil, err)
		}
	}
	return nil
}

func guardCall(f func() error) (err error) {
	defer recovered(&err)
	return f()
}

// fault gives an error the position of the record and the operator.
func (t *Task) fault(r *Raw, err error) error {
	e := &Error{Task: t.id, Partition: t.id.Partition, Offset: -1, Err: err}
	if r != nil {
		e.Topic, e.Partition, e.Offset = r.Topic, r.Partition, r.Offset
	}
	if p, ok := errors.AsType[Positioned](err); ok {
		e.Topic, e.Partition, e.Offset = p.Position()
	}
	if at, ok := errors.AsType[Located](err); ok {
		e.Operator, e.Where = at.Location()
	}
	if f, ok := err.(Failure); ok {
		e.Err = f.bare()
	}
	return e
}

func (t *Task) queue(topic string) (*queue, error) {
	for _, q := range t.queues {
		if q.topic == topic {
			return q, nil
		}
	}
	return nil, fmt.Errorf("task %s does not read the topic %q", t.id, topic)
}
