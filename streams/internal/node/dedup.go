package node

import (
	"math"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams/record"
)

// DedupSpan says which records are duplicates, in ms: those with the id of one that
// passed less than Within before or after. Grace is how far behind the highest time
// a record can still be judged.
type DedupSpan struct{ Within, Grace int64 }

// Keeps is how long the store must keep its windows, in ms: a record that is Grace
// late is compared with what passed in the window before its own.
func (s DedupSpan) Keeps() int64 { return 2*s.Within + s.Grace }

// Dedup lets the first record of each id pass and leaves out, and counts, those that
// follow within the span. A duplicate does not prolong it. Time is event time: of two
// records that come in the wrong order the one that comes first passes.
//
// st has tumbling windows of length Within, each with the time of the one record of
// an id that passed in it: two in one window would be duplicates. So a record costs
// two or three look-ups and no scan.
//
// Records that are later than the grace are sent to late if it is not nil, and
// counted. Keyless ones are skipped. What by gives no id for, that is nil, passes, and
// so does a null that V cannot show.
func Dedup[K, V, I any](env *Env, st *store.Window[I, bool], s DedupSpan, by func(K, V) I, late, next Sink[K, V]) Sink[K, V] {
	op := &dedup[I]{st: st, span: s, observed: math.MinInt64}
	nulls, noID := nullable[V](), nullTest[I]()
	return func(r *record.Record[K, V]) error {
		switch {
		case r.NoKey:
			env.Skip(SkipNullKey)
			return nil
		case unseen(r, nulls):
			return next(r)
		}
		id := by(r.Key, r.Value)
		if noID != nil && noID(id) {
			return next(r)
		}
		verdict, err := op.judge(id, r.Time)
		if err != nil || verdict == "" {
			return then(err, next, r)
		}
		env.Skip(verdict)
		if verdict == SkipLate && late != nil {
			return late(r)
		}
		return nil
	}
}

func then[K, V any](err error, next Sink[K, V], r *record.Record[K, V]) error {
	if err != nil {
		return err
	}
	return next(r)
}

// dedup is the memory of one operator in one task.
type dedup[I any] struct {
	st       *store.Window[I, bool]
	span     DedupSpan
	observed int64 // the highest time seen, ms
}

// judge returns the reason to leave out a record of that id, or "" and remembers it.
func (o *dedup[I]) judge(id I, t int64) (reason string, err error) {
	if err := o.recall(t); err != nil {
		return "", err
	}
	if t < o.observed-o.span.Grace {
		return SkipLate, nil
	}
	within := o.span.Within
	own := t / within * within
	for start := own - within; start <= min(own+within, o.observed); start += within {
		_, passed, ok, err := o.st.Get(id, start)
		if err != nil {
			return "", err
		}
		if ok && passed-t < within && t-passed < within {
			return SkipDuplicate, nil
		}
	}
	return "", o.st.Put(id, own, true, t)
}

// recall moves the highest time on. After a restart it begins with the start of the
// store's last window, which is a little earlier than it was: what is judged in
// between is judged by the same windows.
func (o *dedup[I]) recall(t int64) error {
	if o.observed != math.MinInt64 {
		o.observed = max(o.observed, t)
		return nil
	}
	last, ok, err := o.st.StreamTime()
	if err != nil {
		return err
	}
	o.observed = t
	if ok {
		o.observed = max(t, last)
	}
	return nil
}
