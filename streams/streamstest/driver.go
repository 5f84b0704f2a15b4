package streamstest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/store/cached"
	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/internal/task"
	"github.com/millrace/millrace/streams/internal/topo"
)

// maxSteps bounds what one record may set off, so that a topology that feeds
// itself for ever is an error and not a test that hangs.
const maxSteps = 100_000

// Driver runs a topology in the test's own goroutine; see the package.
type Driver struct {
	t               testing.TB
	app             string
	partitions      int32
	clock           int64 // ms since the Unix epoch
	skipUndecodable bool
	handlers        *task.Handlers
	caches          *cached.Budget // nil for none
	single          bool
	build           []streams.BuildOption
	exist           []string // topics that patterns may match

	program task.Program
	plan    *topo.Plan
	units   []*unit // tasks, by id
	globals []*unit // readers of global stores
	topics  map[string]*topic
	moved   []Message // written, not yet handed to the task that reads them
	skipped map[Skip]int
	failed  error
}

// Skip is a reason for which an operator left records out.
type Skip struct {
	// Operator is the operator's name, as Describe shows it.
	Operator string
	// Reason is a word such as "late", "null-key" or "undecodable".
	Reason string
}

// New builds the topology and starts its tasks. All faults of the topology are
// reported together and end the test.
func New(t testing.TB, b *streams.Builder, opts ...Option) *Driver {
	t.Helper()
	d, err := Try(t, b, opts...)
	if err != nil {
		t.Fatalf("streamstest: %v", err)
	}
	return d
}

// Try is New, except that it returns the faults of the topology.
func Try(t testing.TB, b *streams.Builder, opts ...Option) (*Driver, error) {
	d := &Driver{
		t: t, app: "test", partitions: 1, clock: epoch,
		topics: map[string]*topic{}, skipped: map[Skip]int{},
	}
	for _, o := range opts {
		o(d)
	}
	if d.single {
		d.partitions = 1
	}
	built, err := b.Build(d.build...)
	if err != nil {
		return nil, fmt.Errorf("the topology has faults:\n%w", err)
	}
	built = built.Matching(d.exist)
	d.program, d.plan = built.ForApplication(d.app, d.caches)
	t.Cleanup(d.close)
	return d, d.start()
}

// close gives up what operators hold at the end of a test that has failed, so that no
// call of theirs outlives it.
func (d *Driver) close() {
	for _, u := range d.units {
		u.close()
	}
}

// start makes the topics and the tasks.
func (d *Driver) start() error {
	counts := map[string]int32{}
	for _, name := range d.plan.SourceTopics() {
		counts[name] = d.partitions
	}
	for _, sub := range d.plan.Subtopologies {
		for _, r := range sub.Repartitions {
			if r.Partitions > 0 && !d.single {
				counts[r.Topic] = r.Partitions
			}
		}
	}
	for name, n := range counts {
		d.topics[name] = &topic{partitions: n}
	}
	d.makeGlobals(d.program)
	d.makeUnits(counts)
	for _, u := range slices.Concat(d.globals, d.units) {
		if err := u.open(); err != nil {
			return err
		}
	}
	return nil
}

// makeUnits makes the tasks, not linked yet.
func (d *Driver) makeUnits(counts map[string]int32) {
	if d.single {
		all := whole(d.plan)
		d.program = joined{d.program, d.plan}
		d.units = []*unit{newUnit(d, topo.TaskID{}, &all)}
		return
	}
	for _, id := range d.plan.Tasks(counts) {
		d.units = append(d.units, newUnit(d, id, &d.plan.Subtopologies[id.Subtopology]))
	}
}

// Now is the driver's clock. It is the time of records that are sent without one,
// and drives wall-clock punctuators.
func (d *Driver) Now() time.Time { return time.UnixMilli(d.clock).UTC() }

// Advance moves the clock on, calls the wall-clock punctuators that are due, each
// at most once, and processes what they send. Stream time is moved by records
// only.
func (d *Driver) Advance(by time.Duration) {
	d.t.Helper()
	d.check(d.TryAdvance(by))
}

// TryAdvance is Advance, except that it returns the error of processing.
func (d *Driver) TryAdvance(by time.Duration) error {
	d.clock += by.Milliseconds()
	return d.run(func() error {
		for _, u := range d.units {
			if err := u.punctuate(); err != nil {
				return err
			}
		}
		return nil
	})
}

// Skipped counts the records that operators left out, since New, by operator and
// reason.
func (d *Driver) Skipped() map[Skip]int { return maps.Clone(d.skipped) }

// check ends the test on an error.
func (d *Driver) check(err error) {
	if err != nil {
		d.t.Helper()
		d.t.Fatalf("streamstest: %v", err)
	}
}

// run does something that may send records, and processes until all is quiet.
// After an error the driver is of no further use, as a task would be.
func (d *Driver) run(begin func() error) error {
	if d.failed != nil {
		return fmt.Errorf("the topology has failed before: %w", d.failed)
	}
	err := begin()
	if err == nil {
		err = d.settle()
	}
	d.failed = err
	return err
}

func (d *Driver) settle() error {
	for range maxSteps {
		if err := d.deliver(); err != nil {
			return err
		}
		u := d.oldest()
		if u == nil {
			return nil
		}
		if err := u.step(); err != nil {
			return err
		}
	}
	return errors.New("one record set off a hundred thousand more: does the topology write to a topic that it reads?")
}

// oldest is the task whose next record has the lowest time; nil if none waits.
// Kafka's own test driver, which has one task for all, chooses by time as well;
// among equal times its order may differ from ours, which is by task.
func (d *Driver) oldest() (first *unit) {
	var lowest int64
	for _, u := range d.units {
		if at, ok := u.task.Head(); ok && (first == nil || at < lowest) {
			first, lowest = u, at
		}
	}
	return first
}

// deliver hands what was written to the tasks that read it.
func (d *Driver) deliver() error {
	moved := d.moved
	d.moved = d.moved[len(d.moved):]
	for _, m := range moved {
		if g := d.global(m.Topic); g != nil {
			if err := g.take(m); err != nil {
				return err
			}
		}
		if u := d.reader(m.Topic, m.Partition); u != nil {
			if err := u.task.Add(m.Topic, []task.Raw{m.raw()}); err != nil {
				return err
			}
		}
	}
	return nil
}

// reader is the task that reads a partition, or nil.
func (d *Driver) reader(topic string, partition int32) *unit {
	sub, ok := d.plan.SubtopologyOf(topic)
	if !ok {
		return nil
	}
	return d.unitOf(topo.TaskID{Subtopology: sub.ID, Partition: partition})
}

// unread is the error of sending to a topic that nobody reads.
func (d *Driver) unread(topic string) error {
	all := d.plan.SourceTopics()
	for _, g := range d.plan.Globals {
		all = append(all, g.Topic)
	}
	return fmt.Errorf("the topology does not read the topic %q, it reads: %s", topic, strings.Join(all, ", "))
}
