package node

import (
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams/record"
	"github.com/millrace/millrace/streams/serde"
)

// SlidingWindows hold records that are at most Difference apart, in ms. Both ends
// belong to the window. Difference is positive, Grace >= 0.
type SlidingWindows struct {
	Difference, Grace int64
	// Once says that a window which one record reaches in two ways is put and sent
	// once. Kafka Streams does it twice, unless a record cache takes the first.
	Once bool
}

// Sliding folds records by key and sliding window: the window that ends at the
// record, those that hold it already, and those that begin just behind an earlier
// record, as far as they are not empty. What is too late for one is skipped once for
// each. Null keys and null values are skipped.
func Sliding[K, V, A any](env *Env, st *store.Window[K, A], w SlidingWindows, f Rule[K, V, A], next Sink[serde.Windowed[K], Change[A]]) Sink[K, V] {
	op := &slidingOp[K, V, A]{env: env, st: st, spec: w, rule: f, out: newSlot(next), observed: -1, starts: map[int64]bool{}}
	op.keep = func(e store.WindowEntry[K, A]) bool {
		op.found = append(op.found, e)
		op.starts[e.Key.Window.Start] = true
		return true
	}
	return func(r *record.Record[K, V]) error {
		if reason := unfit(r, false); reason != "" {
			env.Skip(reason)
			return nil
		}
		return op.process(r)
	}
}

// slidingOp is the state of one sliding operator in one task.
type slidingOp[K, V, A any] struct {
	env      *Env
	st       *store.Window[K, A]
	spec     SlidingWindows
	rule     rule[K, V, A]
	out      *slot[serde.Windowed[K], Change[A]]
	observed int64 // the highest time seen, ms
	found    []store.WindowEntry[K, A]
	keep     func(store.WindowEntry[K, A]) bool // made once
	starts   map[int64]bool                     // of the windows that were found
	missed   bool                               // the record under way was too late for a window
}

// aggregated is an aggregate that a window has or begins with.
type aggregated[A any] struct {
	v    A
	had  bool
	time int64 // of its latest record, ms
	from int64 // start of the window that the store has it under; -1 if it is new
}

func (o *slidingOp[K, V, A]) process(r *record.Record[K, V]) error {
	o.observed = max(o.observed, r.Time)
	if r.Time+1+o.spec.Difference <= o.closed() {
		return o.rule.tooLate(o.env, r)
	}
	o.missed = false
	if err := o.fit(r); err != nil || !o.missed || o.rule.late == nil {
		return err
	}
	return o.rule.late(r)
}

// fit folds the record into the windows that are open to it.
func (o *slidingOp[K, V, A]) fit(r *record.Record[K, V]) error {
	if r.Time < o.spec.Difference {
		return o.early(r)
	}
	return o.slide(r)
}

// closed is the time up to which windows are closed, in ms.
func (o *slidingOp[K, V, A]) closed() int64 { return o.observed - o.spec.Grace }

// held is what a window that was found has.
func held[K, A any](e *store.WindowEntry[K, A]) *aggregated[A] {
	return &aggregated[A]{e.Value, true, e.Time, e.Key.Window.Start}
}

// find lists the windows of the record's key that start in [from, to].
func (o *slidingOp[K, V, A]) find(r *record.Record[K, V], from, to int64, reverse bool) error {
	o.found = o.found[:0]
	clear(o.starts)
	return o.st.Each(r.Key, from, to, reverse, o.keep)
}

// slide folds a record whose own window does not reach below 0. It looks at the
// windows from the latest on, and stops at the first that ends before the record.
func (o *slidingOp[K, V, A]) slide(r *record.Record[K, V]) error {
	t, d := r.Time, o.spec.Difference
	if err := o.find(r, max(0, t-2*d), t+1, true); err != nil {
		return err
	}
	var left, right *aggregated[A]
	previous := int64(-1) // time of the record before, ms
	leftMade, rightMade := false, false
	for i := range o.found {
		e := &o.found[i]
		start := e.Key.Window.Start
		end := start + d
		if end < t {
			left, previous = held(e), e.Time
			break
		}
		if start == t+1 {
			rightMade = true
			continue
		}
		if end > t && right == nil {
			right = held(e)
		}
		if err := o.again(r, start); err != nil {
			return err
		}
		if end == t {
			leftMade = true
			if e.Time >= t {
				return nil // a record of that time made all windows already
			}
			previous = e.Time
		}
	}
	if previous >= 0 && !o.starts[previous+1] && previous+1+d >= t {
		if err := o.follow(r, previous+1, !leftMade && previous+1 == t-d); err != nil {
			return err
		}
	}
	if !leftMade {
		base := o.fresh(t)
		if previous >= 0 && previous >= t-d {
			base = *left
			base.time = t
		}
		if err := o.fold(r, t-d, base); err != nil {
			return err
		}
	}
	return o.begin(r, right, rightMade)
}

// follow makes the window that starts just behind the record before. If that is the
// record's own it is made once more, and counts once more as late.
func (o *slidingOp[K, V, A]) follow(r *record.Record[K, V], start int64, own bool) error {
	if own && o.spec.Once && start+o.spec.Difference >= o.closed() {
		return nil
	}
	return o.fold(r, start, o.fresh(r.Time))
}

// early folds a record that is nearer to 0 than a window is long: the window that
// starts at 0 takes the place of the one that would end at the record.
func (o *slidingOp[K, V, A]) early(r *record.Record[K, V]) error {
	t := r.Time
	if err := o.find(r, 0, t+1, false); err != nil {
		return err
	}
	var first, right *aggregated[A]
	previous, rightMade := int64(-1), false
	for i := range o.found {
		e := &o.found[i]
		switch start := e.Key.Window.Start; {
		case start == 0:
			if first = held(e); e.Time < t {
				previous = e.Time
			}
		case start <= t:
			right = held(e)
			if err := o.again(r, start); err != nil {
				return err
			}
		default:
			rightMade = true
		}
	}
	if right == nil && first != nil && first.time > t {
		right = first
	}
	if err := o.begin(r, right, rightMade); err != nil {
		return err
	}
	if previous >= 0 && !o.starts[previous+1] {
		if err := o.fold(r, previous+1, o.fresh(t)); err != nil {
			return err
		}
	}
	if first == nil {
		return o.fold(r, 0, o.fresh(t))
	}
	return o.again(r, 0)
}

// fresh is what a window without records begins with.
func (o *slidingOp[K, V, A]) fresh(t int64) aggregated[A] {
	v, had := o.rule.seed()
	return aggregated[A]{v, had, t, -1}
}

// again folds the record into a window that is there.
func (o *slidingOp[K, V, A]) again(r *record.Record[K, V], start int64) error {
	v, ts, ok, err := o.st.Get(r.Key, start)
	if err != nil {
		return err
	}
	if !ok { // it has expired, or this record has made it null
		return o.fold(r, start, o.fresh(r.Time))
	}
	return o.fold(r, start, aggregated[A]{v, true, ts, start})
}

// fold folds the record into a window that holds base so far.
func (o *slidingOp[K, V, A]) fold(r *record.Record[K, V], start int64, base aggregated[A]) error {
	end := start + o.spec.Difference
	if end < o.closed() {
		o.env.Skip(SkipLate)
		o.missed = true
		return nil
	}
	old, err := o.apart(r.Key, base)
	if err != nil {
		return err
	}
	c := Change[A]{Old: old, Had: base.had}
	c.New = o.rule.add(r.Key, r.Value, base.v, base.had)
	time := max(r.Time, base.time)
	if c.Has = !o.rule.isNull(c.New); c.Has {
		err = o.st.Put(r.Key, start, c.New, time)
	} else {
		err = o.st.Delete(r.Key, start)
	}
	if err != nil {
		return err
	}
	return o.send(r, start, c, time)
}

// apart is the base once more, if the aggregator may change the one it gets.
func (o *slidingOp[K, V, A]) apart(k K, base aggregated[A]) (A, error) {
	if !o.rule.alias || !base.had {
		return base.v, nil
	}
	return o.rule.apart(o.st, k, base.from)
}

// begin makes the window that starts just behind the record out of the later
// records that another window holds, if there are any.
func (o *slidingOp[K, V, A]) begin(r *record.Record[K, V], right *aggregated[A], made bool) error {
	if made || right == nil || right.time <= r.Time {
		return nil
	}
	start := r.Time + 1
	if err := o.st.Put(r.Key, start, right.v, right.time); err != nil {
		return err
	}
	return o.send(r, start, Change[A]{New: right.v, Has: true}, right.time)
}

func (o *slidingOp[K, V, A]) send(r *record.Record[K, V], start int64, c Change[A], time int64) error {
	o.out.rec.Key = serde.Windowed[K]{Key: r.Key, Window: serde.Window{Start: start, End: start + o.spec.Difference}}
	o.out.rec.Value = c
	o.out.at(time, r.Headers)
	return o.out.sendAt(o.env)
}
