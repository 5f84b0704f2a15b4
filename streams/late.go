package streams

import (
	"reflect"

	"github.com/millrace/millrace/streams/internal/node"
	"github.com/millrace/millrace/streams/internal/topo"
)

const latePrefix = "KSTREAM-LATE-"

// lateness is what a program wants to become of records that come too late: nil if
// nothing. It names no DSL type, as handle.
type lateness[K, V any] func(h handle[K, V], parent topo.NodeID)

// late is the lateness of a call of OnLate: f declares what follows. Its stream has
// the place of that call.
func late[K, V any](b *Builder, f func(handle[K, V]), opts []NodeOption) lateness[K, V] {
	c := declare(b, latePrefix, f == nil, opts)
	if f == nil {
		return nil
	}
	return func(h handle[K, V], parent topo.NodeID) {
		c := c
		c.Parents = []topo.NodeID{parent}
		out := h
		out.rekeyed = false // they have been through the repartition topic, if there is one
		out.id = h.b.graph.Aside(c.Call)
		h.b.link(out.id, func(l *linking, id topo.NodeID) { input(l, id, fan[K, V](l, id)) })
		f(out)
	}
}

// declare adds the late records' node to the operator that leaves them out.
func (f lateness[K, V]) declare(h handle[K, V], operator topo.NodeID) {
	if f != nil {
		f(h, operator)
	}
}

// lateSink is where an operator sends what comes too late; nil if nobody asks.
func lateSink[K, V any](l *linking, id topo.NodeID) node.Sink[K, V] {
	sinks := sinksOf[K, V](l, id, true)
	if len(sinks) == 0 {
		return nil
	}
	return node.Fan(sinks)
}

// OnLate has f declare what becomes of the records that come too late for a window,
// which are otherwise only counted, by the reason "late". The stream that f gets has
// them as they came in: key, value, time and headers, each once, though it may have
// been in time for others of its windows. f is called for each aggregation of these
// groups, while it is declared. Records without key, and null values that V cannot
// show, are not among them.
//
// Late is what comes after the end of the window and its grace, in terms of the
// highest time that the aggregation has seen. The operator is Millrace's own; its
// generated name begins with KSTREAM-LATE-.
func (g WindowedGroup[K, V]) OnLate(f func(late Stream[K, V]), opts ...NodeOption) WindowedGroup[K, V] {
	g.g = g.g.owned()
	g.late = late(g.g.h.b, lateStream(f), opts)
	return g
}

// OnLate has f declare what becomes of the records that would only make or extend
// sessions that are closed; see [WindowedGroup.OnLate].
func (g SessionGroup[K, V]) OnLate(f func(late Stream[K, V]), opts ...NodeOption) SessionGroup[K, V] {
	g.g = g.g.owned()
	g.late = late(g.g.h.b, lateStream(f), opts)
	return g
}

func lateStream[K, V any](f func(Stream[K, V])) func(handle[K, V]) {
	if f == nil {
		return nil
	}
	return func(h handle[K, V]) { f(Stream[K, V]{h}) }
}

// OnLateLeft has f declare what becomes of the records of the left side of a join of
// streams that come too late to be kept for the other side: window and grace or more
// behind the highest time of their own side. Such a record is joined with what the
// other side has already, but no later record will find it. f is called while the
// join is declared, with a stream of the types of that side; others are a fault of the
// builder. See [WindowedGroup.OnLate].
func OnLateLeft[K, V any](f func(late Stream[K, V]), opts ...NodeOption) JoinOption {
	return joinSetting(func(s *settings) { s.lateLeft = onLate[K, V]{lateStream(f), opts} })
}

// OnLateRight is [OnLateLeft] for the right side.
func OnLateRight[K, V any](f func(late Stream[K, V]), opts ...NodeOption) JoinOption {
	return joinSetting(func(s *settings) { s.lateRight = onLate[K, V]{lateStream(f), opts} })
}

// onLate is what an option for late records was given.
type onLate[K, V any] struct {
	f    func(handle[K, V])
	opts []NodeOption
}

// lateSide declares the late records of one side of a join, whose operator keeps them
// otherwise.
func lateSide[K, V any](c *call, h handle[K, V], given any, option string, operator topo.NodeID) {
	if given == nil {
		return
	}
	o, ok := given.(onLate[K, V])
	if !ok {
		c.fail("%s takes late records of other types than this side has; give it a func(streams.Stream[%v, %v])",
			option, reflect.TypeFor[K](), reflect.TypeFor[V]())
		return
	}
	late(h.b, o.f, o.opts).declare(h, operator)
}
