package oracle

import (
	"container/heap"
	"fmt"
	"strings"

	"github.com/millrace/millrace/changelog"
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/cached"
	"github.com/millrace/millrace/store/memstore"
	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/internal/task"
	"github.com/millrace/millrace/streams/internal/topo"
	"github.com/millrace/millrace/streams/record"
)

// sent is a record as it went to a topic.
type sent struct {
	topic      string
	key, value []byte // nil = null
	ts         int64
	headers    []record.Header
}

// driver imitates Kafka's TopologyTestDriver: one partition, all sub-topologies
// in one task, one record at a time.
type driver struct {
	plan      *topo.Plan
	db        store.DB
	specs     map[string]topo.Store
	linked    []*task.Linked
	entries   map[string]task.Entry
	queues    queues
	offsets   map[string]int64
	times     map[string]int64 // the highest of each topic
	stream    int64
	wall      int64
	known     []int // punctuators of each part that are scheduled
	schedules []*schedule
	now       int64 // time of the record in hand
	headers   []record.Header

	out        []sent // since the last step, internal topics left out
	changelogs map[string][]sent
	dropped    int
	sources    map[string]bool
}

func newDriver(t *streams.Topology, application string, caches *cached.Budget) (*driver, error) {
	program, plan := t.ForApplication(application, caches)
	d := &driver{
		plan: plan, db: memstore.New(), specs: map[string]topo.Store{}, entries: map[string]task.Entry{},
		offsets: map[string]int64{}, times: map[string]int64{}, stream: -1, wall: clockStart, changelogs: map[string][]sent{}, sources: map[string]bool{},
	}
	for _, topic := range plan.SourceTopics() {
		d.sources[topic] = true
	}
	for _, sub := range plan.Subtopologies {
		for _, st := range sub.Stores {
			d.specs[st.Spec.Name] = st
		}
		l, err := program.Link(topo.TaskID{Subtopology: sub.ID}, d)
		if err != nil {
			return nil, err
		}
		d.linked, d.known = append(d.linked, l), append(d.known, 0)
		for topic, e := range l.Entries {
			d.entries[topic] = e
		}
	}
	d.scheduleAll()
	return d, nil
}

// Engine, Emit and Skipped make the driver a task's runtime.
func (d *driver) Engine(name string) (store.Engine, error) {
	st := d.specs[name]
	e, err := d.db.Engine(st.Spec)
	if err != nil || st.Changelog == "" {
		return e, err
	}
	context := changelog.Context{
		Now:     func() int64 { return d.now },
		Headers: func() []record.Header { return d.headers },
		Wall:    func() int64 { return 0 }, // the vectors leave these times out
	}
	return changelog.Write(e, st.Spec, context, func(r *changelog.Record) error {
		d.changelogs[st.Changelog] = append(d.changelogs[st.Changelog], sent{topic: st.Changelog, key: clone(r.Key), value: clone(r.Value), ts: r.Time, headers: r.Headers})
		return nil
	}), nil
}

// Emit takes a record for a topic; the headers are copied now, since a later
// sibling may still add to them.
func (d *driver) Emit(o *task.Out) error {
	s := sent{topic: o.Topic, key: clone(o.Key), value: clone(o.Value), ts: o.Time, headers: o.Headers.Clone().All()}
	if !d.internal(o.Topic) {
		d.out = append(d.out, s)
	}
	if d.sources[o.Topic] {
		return d.enqueue(s)
	}
	return nil
}

// Skipped counts what Kafka's dropped-records metrics count. The filter before a
// repartition topic drops null keys without a word there; here it counts them.
func (d *driver) Skipped(operator, reason string) {
	if reason == "null-key" && (strings.HasSuffix(operator, "-filter") || strings.HasPrefix(operator, "KSTREAM-FILTER-")) {
		return
	}
	d.dropped++
}

// internal reports whether a topic is one of the application's own.
func (d *driver) internal(topic string) bool {
	for _, sub := range d.plan.Subtopologies {
		for _, r := range sub.Repartitions {
			if r.Topic == topic {
				return true
			}
		}
	}
	return false
}

func (d *driver) enqueue(s sent) error {
	keep, err := d.stamp(&s)
	if err != nil || !keep {
		return err
	}
	raw := &task.Raw{Topic: s.topic, Offset: d.offsets[s.topic], Time: s.ts, Key: s.key, Value: s.value, Headers: s.headers}
	d.offsets[s.topic]++
	d.queues.add(raw)
	return nil
}

// run processes until all queues are empty.
func (d *driver) run() (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("user function: %v", r)
		}
	}()
	for len(d.queues) > 0 {
		raw := d.queues.take()
		d.stream, d.now, d.headers = max(d.stream, raw.Time), raw.Time, raw.Headers
		for _, l := range d.linked {
			if l.StreamTime != nil {
				l.StreamTime(d.stream)
			}
		}
		if err := d.entries[raw.Topic](raw); err != nil {
			return err
		}
		if err := d.punctuate(task.StreamTime, d.stream); err != nil {
			return err
		}
		if err := d.commit(); err != nil {
			return err
		}
	}
	return nil
}

// commit is what follows each record in Kafka's driver.
func (d *driver) commit() error {
	for _, l := range d.linked {
		for _, flush := range l.Flush {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

// At makes the driver a task.Timed.
func (d *driver) At(ms int64) (before int64) {
	before, d.now = d.now, ms
	return before
}

func clone(b []byte) []byte {
	if b == nil {
		return nil
	}
	return append([]byte{}, b...)
}

// queues is a heap of non-empty topics by the time of their first record.
type queues [][]*task.Raw

// Len, Less, Swap, Push and Pop are container/heap's.
func (q queues) Len() int           { return len(q) }
func (q queues) Less(i, j int) bool { return q[i][0].Time < q[j][0].Time }
func (q queues) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *queues) Push(x any)        { *q = append(*q, x.([]*task.Raw)) }
func (q *queues) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}

func (q *queues) add(r *task.Raw) {
	for i := range *q {
		if (*q)[i][0].Topic == r.Topic {
			(*q)[i] = append((*q)[i], r)
			return
		}
	}
	heap.Push(q, []*task.Raw{r})
}

func (q *queues) take() *task.Raw {
	first := heap.Pop(q).([]*task.Raw)
	if len(first) > 1 {
		heap.Push(q, first[1:])
	}
	return first[0]
}
