package streams

import (
	"errors"

	"github.com/millrace/millrace/streams/internal/node"
	"github.com/millrace/millrace/streams/internal/task"
	"github.com/millrace/millrace/streams/internal/topo"
	"github.com/millrace/millrace/streams/record"
)

// guard stands at one operator and has the application's handlers decide about what
// goes wrong there. Operators have one only if there are such handlers: it costs some
// nanoseconds a record, and errors find their way without.
type guard struct {
	l               *linking
	judge           task.Judge
	operator, where string
}

// guard is that of a node; it has no judge if no handler asks for one.
func (l *linking) guard(id topo.NodeID) *guard {
	n := &l.graph.Nodes[id]
	g := &guard{l: l, operator: n.Name, where: n.Where}
	if judge, ok := l.rt.(task.Judge); ok && (judge.Judges(task.Unprocessable) || judge.Judges(task.Undeliverable)) {
		g.judge = judge
	}
	return g
}

// guarded is an operator's sink behind a guard. What fails further down has been
// decided there, so that what arrives here is the operator's own.
func guarded[K, V any](l *linking, id topo.NodeID, s node.Sink[K, V]) node.Sink[K, V] {
	g := l.guard(id)
	if g.judge == nil {
		if l.graph.Nodes[id].Type != topo.SinkNode {
			return s
		}
		return func(r *record.Record[K, V]) error { return g.place(s(r)) }
	}
	return func(r *record.Record[K, V]) error {
		err := attempt(s, r)
		for n := 1; err != nil; n++ {
			again, end := g.decide(err, n)
			if !again {
				return end
			}
			err = attempt(s, r)
		}
		return nil
	}
}

// attempt calls a sink and turns a panic into an error.
func attempt[K, V any](s node.Sink[K, V], r *record.Record[K, V]) (err error) {
	defer func() { task.Recovered(&err, recover()) }()
	return s(r)
}

// place gives an error of encoding the place of its sink.
func (g *guard) place(err error) error {
	if err == nil || kindOf(err) != task.Undeliverable {
		return err
	}
	if _, placed := errors.AsType[task.Located](err); placed {
		return err
	}
	return g.failure(task.Undeliverable, err, 1)
}

// decide asks the handler. An error that was decided about already, or that is the
// runtime's, goes up as it is.
func (g *guard) decide(err error, attempt int) (again bool, end error) {
	if _, decided := errors.AsType[task.Failure](err); decided {
		return false, err
	}
	if _, foreign := errors.AsType[*task.RuntimeError](err); foreign {
		return false, err
	}
	return g.judge.Judge(g.failure(kindOf(err), err, attempt))
}

// kindOf tells what a sink cannot write from what an operator cannot process.
func kindOf(err error) task.FailureKind {
	_, encoding := errors.AsType[*node.EncodeError](err)
	_, large := errors.AsType[*task.TooLargeError](err)
	if encoding || large {
		return task.Undeliverable
	}
	return task.Unprocessable
}

// schedule is a schedule's function behind the guard.
func (g *guard) schedule(f func(now int64) error) func(now int64) error {
	return func(now int64) error {
		for n := 1; ; n++ {
			err := attemptAt(f, now)
			if err == nil {
				return nil
			}
			if again, end := g.decide(err, n); !again {
				return end
			}
		}
	}
}

func attemptAt(f func(now int64) error, now int64) (err error) {
	defer func() { task.Recovered(&err, recover()) }()
	return f(now)
}

// skip counts a record that the operator drops, and asks the handler about it. Its
// error ends the task when the record has gone through.
func (g *guard) skip(reason string) {
	g.l.rt.Skipped(g.operator, reason)
	f := g.failure(task.Dropped, nil, 1)
	f.Reason = reason
	if _, err := g.judge.Judge(f); err != nil {
		g.l.drop = errors.Join(g.l.drop, err)
	}
}

// failure is what there is to say about the record under way. Where a cache sends on a
// change later, its bytes are gone.
func (g *guard) failure(kind task.FailureKind, err error, attempt int) *task.Failure {
	cur := g.l.cur
	f := &task.Failure{
		Kind: kind, Topic: cur.Topic, Partition: cur.Partition, Offset: cur.Offset, Time: cur.Time, Headers: cur.Headers,
		Operator: g.operator, Where: g.where, Reason: kind.String(), Attempt: attempt, Err: err,
	}
	if cur.Offset < 0 {
		f.Topic = ""
	}
	if r := g.l.raw; r != nil {
		f.Key, f.Value, f.Headers = r.Key, r.Value, r.Headers
	}
	return f
}
