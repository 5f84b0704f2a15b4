package streams

import (
	"fmt"
	"time"

	"github.com/millrace/millrace/streams/internal/node"
	"github.com/millrace/millrace/streams/internal/task"
	"github.com/millrace/millrace/streams/internal/topo"
)

// Processor is an operation of the user's own; see [node.Processor]. One is made for
// each task, and called by that task's goroutine only.
type Processor[K, V any] = node.Processor[K, V]

// ProcessorFunc is a [Processor] without state.
type ProcessorFunc[K, V any] = node.ProcessorFunc[K, V]

// ProcessOption changes [Stream.Process] and [Stream.ProcessValues].
type ProcessOption interface {
	option
	processOption()
}

func (n Name) processOption() {}

// Process sends the records through processors of the user's own: make is called
// once a task, with what a processor needs to know. Keys may change, so that a
// grouping or join behind it goes through a repartition topic.
func (s Stream[K, V]) Process[K2, V2 any](make func(*Context[K2, V2]) Processor[K, V], opts ...ProcessOption) Stream[K2, V2] {
	h := s.h.owned()
	c := declare(h.b, "KSTREAM-PROCESSOR-", make == nil, opts, h.id)
	out := newBoth[K2, V2](c)
	c.SameTypes = sameTypes[K, V, K2, V2]()
	out.b, out.id = h.b, h.b.process(&c)
	h.b.link(out.id, rekeying(make, &c.uses))
	return Stream[K2, V2]{out}
}

// ProcessValues is Process for processors that leave keys as they are, so that no
// repartition follows.
func (s Stream[K, V]) ProcessValues[V2 any](make func(*ValueContext[V2]) Processor[K, V], opts ...ProcessOption) Stream[K, V2] {
	h := s.h.owned()
	c := declare(h.b, "KSTREAM-PROCESSVALUES-", make == nil, opts, h.id)
	out := newValue[V2](h, c)
	c.SameTypes = sameTypes[K, V, K, V2]()
	out.b, out.id = h.b, h.b.process(&c)
	uses := c.uses
	h.b.link(out.id, func(l *linking, id topo.NodeID) {
		env := l.env(id)
		ctx := &ValueContext[V2]{processing: newProcessing(l, id, env, uses)}
		sink := node.ProcessValues(env, fan[K, V2](l, id), func(f node.FixedForward[V2], at func() (int64, *Headers)) Processor[K, V] {
			ctx.forward, ctx.at = f, at
			return make(ctx)
		})
		if ctx.ready(l, sink != nil) {
			input(l, id, sink)
		}
	})
	return Stream[K, V2]{out}
}

// process declares a processor's node and the stores that it uses.
func (b *Builder) process(c *call) topo.NodeID {
	return b.graph.Process(c.Call, b.uses(c))
}

// uses are the stores that a call has declared the use of.
func (b *Builder) uses(c *call) (ids []topo.StoreID) {
	for _, d := range c.uses {
		ids = append(ids, b.state(c, d)...)
	}
	return ids
}

// childrenOf has the sinks of a node's children by their names.
func childrenOf[K, V any](l *linking, id topo.NodeID) map[string]node.Sink[K, V] {
	out := map[string]node.Sink[K, V]{}
	for _, child := range l.graph.Nodes[id].Children {
		out[l.graph.Nodes[child].Name], _ = l.in[child].(node.Sink[K, V])
	}
	return out
}

// Context is what a processor of [Stream.Process] knows about its surroundings, and
// how it sends. It belongs to the goroutine of its task.
type Context[K, V any] struct {
	processing
	out *node.Forwarder[K, V]
}

// Forward sends a record to all operators behind the processor. Where K or V has a
// null of its own nil is null, else NoKey and Null say it. Nil headers are empty.
func (c *Context[K, V]) Forward(r Record[K, V]) error { return c.out.Forward(r) }

// ForwardTo sends a record to one operator behind the processor, by its name.
func (c *Context[K, V]) ForwardTo(child string, r Record[K, V]) error {
	return c.out.ForwardTo(child, r)
}

// ValueContext is [Context] for processors of [Stream.ProcessValues]: what it sends
// has the key of the record being processed.
type ValueContext[V any] struct {
	processing
	forward node.FixedForward[V]
	at      func() (int64, *Headers)
}

// Forward sends a value with the time and the headers of the record being processed.
func (c *ValueContext[V]) Forward(v V) error {
	at, h := c.at()
	return c.forward(v, false, at, h)
}

// ForwardNull sends a null, where V has none of its own.
func (c *ValueContext[V]) ForwardNull() error {
	var none V
	at, h := c.at()
	return c.forward(none, true, at, h)
}

// ForwardAt sends a value with a time, in ms since the epoch, and headers of its
// own. Nil headers are empty.
func (c *ValueContext[V]) ForwardAt(v V, ms int64, h *Headers) error {
	return c.forward(v, false, ms, h)
}

// RecordMetadata says where a record came from.
type RecordMetadata struct {
	Topic     string
	Partition int32
	Offset    int64
}

// Clock says which clock drives a schedule.
type Clock = task.PunctuationClock

// The clocks of [Context.Schedule]: StreamTime moves with the records, WallClock by
// itself.
const (
	StreamTime = task.StreamTime
	WallClock  = task.WallClock
)

// Schedule is a function that a processor has called again and again.
type Schedule struct{ cancelled bool }

// Cancel ends the schedule.
func (s *Schedule) Cancel() { s.cancelled = true }

// processing is what the contexts have in common.
type processing struct {
	env    *node.Env
	rt     task.Runtime
	linked *task.Linked
	name   string
	where  string
	views  map[*storeDecl]any
	global func(*storeDecl) (view any, ok bool) // nil in the processor of a global store
	guard  *guard
	faults []error
}

func newProcessing(l *linking, id topo.NodeID, env *node.Env, uses []*storeDecl) processing {
	n := &l.graph.Nodes[id]
	p := processing{env: env, rt: l.rt, linked: l.out, name: n.Name, where: n.Where, views: map[*storeDecl]any{}, global: l.global, guard: l.guard(id)}
	stores := n.Stores
	for _, d := range uses {
		if _, ok := l.globals[d]; ok {
			continue
		}
		if len(stores) > 0 {
			p.views[d] = d.open(l, stores[0])
		}
		stores = stores[min(len(stores), max(1, len(d.rows))):]
	}
	return p
}

// ready says whether the processor was made without faults, and keeps those.
func (p *processing) ready(l *linking, made bool) bool {
	if !made {
		l.fail("%s: the function given to %s made no processor", p.where, p.name)
	}
	l.errs = append(l.errs, p.faults...)
	return made
}

// state implements StoreContext.
func (p *processing) state(d *storeDecl) any {
	view, ok := p.views[d]
	if !ok && p.global != nil {
		view, ok = p.global(d)
	}
	if !ok {
		p.faults = append(p.faults, fmt.Errorf("%s: %s asks for the store %s, which it has not declared; add Uses to the call",
			p.where, p.name, d.name()))
	}
	return view
}

// Metadata says where the record being processed came from; false in a schedule.
func (p *processing) Metadata() (RecordMetadata, bool) {
	c := p.env.Cur
	return RecordMetadata{c.Topic, c.Partition, c.Offset}, c.Offset >= 0
}

// StreamTime is the highest time of all records of this task so far, the one being
// processed included, in ms since the epoch; -1 before the first.
func (p *processing) StreamTime() int64 { return p.env.Cur.StreamTime }

// WallTime is the time now, in ms since the epoch; in a test, of the test's clock.
func (p *processing) WallTime() int64 {
	if c, ok := p.rt.(task.Clocked); ok {
		return c.WallClock()
	}
	return time.Now().UnixMilli()
}

// Skip counts a record that the processor leaves out, by a reason such as "late".
func (p *processing) Skip(reason string) { p.env.Skip(reason) }

// Commit asks for a commit soon, ahead of the commit interval.
func (p *processing) Commit() {
	if c, ok := p.rt.(task.Committer); ok {
		c.RequestCommit()
	}
}

// Schedule has f called every so often, with the time of the clock in ms since the
// epoch; turns that were missed are made up by one call. By stream time the first
// call comes with the next record, by the wall clock after one interval. Every is at
// least a millisecond.
func (p *processing) Schedule(clock Clock, every time.Duration, f func(now int64) error) *Schedule {
	return p.schedule(clock, every, 0, f)
}

// ScheduleFrom is Schedule with the time of the first call, on that clock.
func (p *processing) ScheduleFrom(start time.Time, clock Clock, every time.Duration, f func(now int64) error) *Schedule {
	return p.schedule(clock, every, start.UnixMilli(), f)
}

func (p *processing) schedule(clock Clock, every time.Duration, start int64, f func(now int64) error) *Schedule {
	s := &Schedule{}
	if p.guard != nil && p.guard.judge != nil {
		f = p.guard.schedule(f)
	}
	p.linked.Punctuators = append(p.linked.Punctuators, task.Punctuator{
		Clock: clock, Interval: every, Start: start, Cancelled: &s.cancelled, Call: node.Punctuation(p.env, f),
	})
	return s
}
