package streams

import (
	"time"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams/internal/node"
	"github.com/millrace/millrace/streams/internal/topo"
)

// Emission says when Suppress lets changes go.
type Emission struct {
	limit  time.Duration
	closes bool
}

// UntilTimeLimit holds the changes of a key back for d of event time after the first
// of them.
func UntilTimeLimit(d time.Duration) Emission { return Emission{limit: d} }

// UntilWindowCloses holds the results of a window back until it is closed, grace
// included, so that each window has one, final result. Deletions are left out.
func UntilWindowCloses() Emission { return Emission{closes: true} }

// SuppressOption changes Suppress.
type SuppressOption interface {
	option
	suppressOption()
}

func (n Name) suppressOption() {}

// suppressSetting is an option for Suppress only.
type suppressSetting func(*settings)

func (f suppressSetting) apply(s *settings) { f(s) }
func (suppressSetting) suppressOption()     {}

// MaxRecords bounds the buffer of Suppress by keys. What is over is sent early, the
// oldest first, unless FailWhenFull says otherwise.
func MaxRecords(n int) SuppressOption {
	return suppressSetting(func(s *settings) {
		if s.maxRecords = &n; n < 0 {
			s.fault("the bound of %d records is negative", n)
		}
	})
}

// MaxBytes is MaxRecords in bytes of keys and values.
func MaxBytes(n int) SuppressOption {
	return suppressSetting(func(s *settings) {
		if s.maxBytes = &n; n < 0 {
			s.fault("the bound of %d bytes is negative", n)
		}
	})
}

// FailWhenFull ends the application when the buffer reaches its bounds.
func FailWhenFull() SuppressOption { return suppressSetting(func(s *settings) { s.failFull = true }) }

// WithoutBufferLogging leaves the buffer of Suppress without a changelog topic: what
// it holds is lost when the task moves.
func WithoutBufferLogging() SuppressOption {
	return suppressSetting(func(s *settings) { s.loggingOff = true })
}

// Suppress holds changes back until e lets them go; of several changes of a key only
// the last goes on. Time is that of the records that reach the operator. The buffer
// is in memory and has a changelog topic.
func (t Table[K, V]) Suppress(e Emission, opts ...SuppressOption) Table[K, V] {
	h := t.t.owned()
	c := declare(h.h.b, "KTABLE-SUPPRESS-", false, opts, h.h.id)
	if e.closes {
		c.fail("UntilWindowCloses is for windowed tables, this one has no windows")
	}
	return Table[K, V]{suppress(h, &c, e, e.limit, func(_ K, ms int64) int64 { return ms })}
}

func suppress[K, V any](t tableHandle[K, V], c *call, e Emission, wait time.Duration, timeOf func(K, int64) int64) tableHandle[K, V] {
	c.span("the time limit", wait, 0)
	if t.asOf != nil {
		c.fail("the table is versioned; only plain ones can hold changes back")
	}
	t.need()
	bounds := node.Bounds{Wait: wait.Milliseconds(), Records: -1, Bytes: -1, Fail: c.failFull}
	if c.maxRecords != nil {
		bounds.Records = *c.maxRecords
	}
	if c.maxBytes != nil {
		bounds.Bytes = *c.maxBytes
	}
	if e.closes && !bounds.Fail && (bounds.Records >= 0 || bounds.Bytes >= 0) {
		c.fail("results of windows that are not closed cannot be sent early; add FailWhenFull, or leave the bounds out")
	}
	b, ks, vs := t.h.b, t.h.keySerde(c), t.h.valueSerde(c)
	c.Call.Name = c.settings.name
	id, st := b.graph.Suppress(c.Call, topo.StoreDecl{Prefix: c.Prefix + storePrefix, Where: c.Where, NoCache: true,
		Spec: store.Spec{Kind: store.KindBuffer, LoggingOff: c.loggingOff}})
	buffer := func(l *linking) *store.Buffer[K, V] {
		return open(l, st, func(e store.Engine, s store.Spec) (*store.Buffer[K, V], error) { return store.NewBuffer(e, s, ks, vs) })
	}
	b.link(id, func(l *linking, id topo.NodeID) {
		l.wantOlds[id] = true
		held := buffer(l)
		l.out.Flush = append(l.out.Flush, held.Flush)
		input(l, id, node.Suppress(l.env(id), held, bounds, timeOf, e.closes, fan[K, node.Change[V]](l, id)))
	})
	out, above := t, t.get
	out.h.id, out.own, out.asOf = id, nil, nil
	out.get = func(l *linking) node.Lookup[K, V] { return node.Suppressed(above(l), buffer(l)) }
	return out
}
