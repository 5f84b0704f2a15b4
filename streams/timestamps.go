package streams

import (
	"fmt"
	"time"

	"github.com/millrace/millrace/streams/internal/task"
	"github.com/millrace/millrace/streams/internal/topo"
	"github.com/millrace/millrace/streams/serde"
)

// TimeOption says where a source's records get their event time from. Without one it
// is the record's own, and a record without a valid one ends the application.
type TimeOption struct{ rule timeRule }

type timeRule uint8

const (
	ownTime timeRule = iota
	skipInvalid
	partitionTime
	wallTime
)

// SkipInvalidTime leaves records out whose time is negative, and counts them.
func SkipInvalidTime() TimeOption { return TimeOption{skipInvalid} }

// PartitionTimeIfInvalid gives records whose time is negative the highest time that
// their partition had so far. The first record of a partition must have a valid one.
func PartitionTimeIfInvalid() TimeOption { return TimeOption{partitionTime} }

// WallClockTime gives each record the time at which it is processed.
func WallClockTime() TimeOption { return TimeOption{wallTime} }

func (o TimeOption) apply(s *settings) {
	if s.timeRule != ownTime && s.timeRule != o.rule {
		s.fault("two rules are given for event times")
	}
	s.timeRule = o.rule
}
func (TimeOption) sourceOption() {}
func (TimeOption) tableOption()  {}

// TimedBy is the topic with event times of its own: f returns the time of a record,
// in ms since the Unix epoch, given the highest time of the partition so far, or -1. A
// record for which it is negative is left out and counted. It counts for reading only.
func (t Topic[K, V]) TimedBy(f func(r Record[K, V], partitionTime int64) int64) Topic[K, V] {
	t.time = f
	return t
}

// timed is the link of a source whose records get their times by a rule.
func timed[K, V any](t Topic[K, V], rule timeRule, enter link) link {
	if rule == ownTime && t.time == nil {
		return enter
	}
	return func(l *linking, id topo.NodeID) {
		enter(l, id)
		n := &l.graph.Nodes[id]
		stamp := rule.stamp(l.rt, n.Where)
		if t.time != nil {
			stamp = func(r *task.Raw, partition int64) (int64, error) { return t.timeOf(r, partition), nil }
		}
		if l.out.Stamps == nil {
			l.out.Stamps = map[string]task.Stamp{}
		}
		skip := l.env(id).Skip
		for _, topic := range n.TopicNames(l.appID) {
			l.out.Stamps[topic] = func(r *task.Raw, partition int64) (int64, error) {
				ms, err := stamp(r, partition)
				if err == nil && ms < 0 {
					skip("invalid-time")
				}
				return ms, err
			}
		}
	}
}

// stamp is a rule in one task.
func (rule timeRule) stamp(rt task.Runtime, where string) task.Stamp {
	return func(r *task.Raw, partition int64) (int64, error) {
		switch {
		case rule == wallTime:
			if c, ok := rt.(task.Clocked); ok {
				return c.WallClock(), nil
			}
			return time.Now().UnixMilli(), nil
		case r.Time >= 0 || rule == skipInvalid:
			return r.Time, nil
		case partition < 0:
			return 0, fmt.Errorf("%s: %s/%d offset %d has no valid time, and neither had a record of its partition before",
				where, r.Topic, r.Partition, r.Offset)
		}
		return partition, nil
	}
}

// timeOf asks the topic's function. What cannot be decoded keeps its own time: the
// source, which decodes it again, has the error.
func (t Topic[K, V]) timeOf(r *task.Raw, partition int64) int64 {
	rec := Record[K, V]{Time: r.Time, NoKey: r.Key == nil, Null: r.Value == nil, Headers: &Headers{}}
	rec.Headers.Reset(r.Headers)
	var err error
	if rec.Key, err = decoded(t.ks, r.Key); err != nil {
		return r.Time
	}
	if rec.Value, err = decoded(t.vs, r.Value); err != nil {
		return r.Time
	}
	return t.time(rec, partition)
}

func decoded[T any](s serde.Serde[T], b []byte) (v T, err error) {
	if b != nil {
		return s.Decode(b)
	}
	if aware, ok := s.(serde.NullAware[T]); ok {
		v = aware.Null()
	}
	return v, nil
}
