package node

import (
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/cached"
	"github.com/millrace/millrace/streams/record"
)

// cells is where aggregates are kept: by key and, in windows, by start.
// [store.Window] is one as it is.
type cells[K, A any] interface {
	Get(k K, start int64) (v A, ts int64, ok bool, err error)
	Put(k K, start int64, v A, ts int64) error
	Delete(k K, start int64) error
}

// table is the cells of an aggregate without windows.
type table[K, A any] struct{ view *store.TimestampedKV[K, A] }

func (t table[K, A]) Get(k K, _ int64) (A, int64, bool, error) { return t.view.Get(k) }
func (t table[K, A]) Put(k K, _ int64, v A, ts int64) error    { return t.view.Put(k, v, ts) }
func (t table[K, A]) Delete(k K, _ int64) error                { return t.view.Delete(k) }

// rule is how records become an aggregate, for aggregate and reduce alike. had
// says that there is an aggregate already; a reduce begins without.
type rule[K, V, A any] struct {
	seed  func() (acc A, had bool)
	add   func(k K, v V, acc A, had bool) A
	merge func(k K, a A, had bool, b A) A // sessions only
	null  func(A) bool                    // nil if A has no null
	// alias says that the aggregator might change the old value in place.
	alias bool
	// shared says whether a result may be the value that was folded in; nil if not.
	shared func(acc A, v V) bool
	// late gets the records that come too late for a window; nil if nobody asks.
	late Sink[K, V]
}

func aggregateRule[K, V, A any](init func() A, add func(K, V, A) A) rule[K, V, A] {
	null := nullTest[A]()
	return rule[K, V, A]{
		seed: func() (A, bool) {
			acc := init()
			return acc, null == nil || !null(acc)
		},
		add:   func(k K, v V, acc A, _ bool) A { return add(k, v, acc) },
		null:  null,
		alias: cached.Aliases[A](),
	}
}

func reduceRule[K, V any](f func(acc, v V) V) rule[K, V, V] {
	add := func(_ K, v, acc V, had bool) V {
		if !had {
			return v
		}
		return f(acc, v)
	}
	return rule[K, V, V]{
		seed:   func() (zero V, had bool) { return zero, false },
		add:    add,
		merge:  func(k K, a V, had bool, b V) V { return add(k, b, a, had) },
		null:   nullTest[V](),
		alias:  cached.Aliases[V](),
		shared: sharedTest[V](),
	}
}

func (f *rule[K, V, A]) isNull(a A) bool { return f.null != nil && f.null(a) }

// update folds a record into the aggregate of its key and of the window that
// starts at start. It returns the change and its time: that of the record, or of
// the aggregate before if that is later.
func (f *rule[K, V, A]) update(st cells[K, A], r *record.Record[K, V], start int64) (c Change[A], time int64, err error) {
	acc, time, had, err := st.Get(r.Key, start)
	if err != nil {
		return c, 0, err
	}
	if c.Old, c.Had = acc, had; !had {
		acc, had = f.seed()
		c.Old, c.Had, time = acc, had, r.Time
	}
	if f.alias && c.Had {
		if c.Old, err = f.apart(st, r.Key, start); err != nil {
			return c, 0, err
		}
	}
	time = max(time, r.Time)
	c.New = f.add(r.Key, r.Value, acc, had)
	if c.Has = !f.isNull(c.New); !c.Has {
		return c, time, st.Delete(r.Key, start)
	}
	return c, time, st.Put(r.Key, start, c.New, time)
}

// apart makes the old value once more, out of the store's bytes, or the initial
// one if there are none: the first is the aggregator's, who may change it.
func (f *rule[K, V, A]) apart(st cells[K, A], k K, start int64) (A, error) {
	old, _, ok, err := st.Get(k, start)
	if err == nil && !ok {
		old, _ = f.seed()
	}
	return old, err
}
