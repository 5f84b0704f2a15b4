package node

import (
	"math"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/format"
	"github.com/millrace/millrace/streams/record"
	"github.com/millrace/millrace/streams/serde"
)

// Held is the store of an outer join's records that wait for a match.
type Held[K, L, R any] = store.List[format.JoinKey[K], format.Sided[L, R]]

// Unjoined holds the records of a left or outer join until they are joined or
// their window closes. Both sides of the join share it.
type Unjoined[K, L, R, O any] struct {
	env    *Env
	held   *Held[K, L, R]
	window JoinWindow // of the left side
	clock  *JoinClock
	join   func(K, record.Opt[L], record.Opt[R]) O
	same   func(a, b K) (bool, error)
	out    *slot[K, O]
	// first is no later than what is worth looking for, ms; see recall.
	first int64
	due   []store.Entry[format.JoinKey[K], format.Sided[L, R]]
}

// NewUnjoined is the shared part of a left or outer join; w is the left side's
// window, ks the serde of the keys.
func NewUnjoined[K, L, R, O any](env *Env, held *Held[K, L, R], w JoinWindow, clock *JoinClock, ks serde.Serde[K],
	join func(K, record.Opt[L], record.Opt[R]) O, next Sink[K, O]) *Unjoined[K, L, R, O] {
	return &Unjoined[K, L, R, O]{
		env: env, held: held, window: w, clock: clock, join: join,
		same: sameKey(ks), out: newSlot(next), first: unknown,
	}
}

// HoldLeft keeps a record of the left side.
func (u *Unjoined[K, L, R, O]) HoldLeft(k K, v L, time int64) error {
	if err := u.recall(time); err != nil {
		return err
	}
	return u.held.Add(format.JoinKey[K]{Time: time, Left: true, Key: k}, format.Sided[L, R]{IsLeft: true, Left: v})
}

// HoldRight keeps a record of the right side.
func (u *Unjoined[K, L, R, O]) HoldRight(k K, v R, time int64) error {
	if err := u.recall(time); err != nil {
		return err
	}
	return u.held.Add(format.JoinKey[K]{Time: time, Key: k}, format.Sided[L, R]{Right: v})
}

// unknown is the time of the first held record before anybody has looked.
const unknown = math.MinInt64

// recall lowers the time of the first held record to that of another, and finds it at
// the first use: the store may have records of before a restart.
func (u *Unjoined[K, L, R, O]) recall(time int64) error {
	if u.first == unknown {
		u.first = never
		for e, err := range u.held.All() {
			if err != nil {
				return err
			}
			u.first = e.Key.Time
			break
		}
	}
	u.first = min(u.first, time)
	return nil
}

// MetLeft forgets the left records of a key and time, which have been joined.
func (u *Unjoined[K, L, R, O]) MetLeft(k K, time int64) error {
	return u.met(format.JoinKey[K]{Time: time, Left: true, Key: k})
}

// MetRight is MetLeft for the right side.
func (u *Unjoined[K, L, R, O]) MetRight(k K, time int64) error {
	return u.met(format.JoinKey[K]{Time: time, Key: k})
}

func (u *Unjoined[K, L, R, O]) met(k format.JoinKey[K]) error {
	for _, err := range u.held.Get(k) {
		if err != nil {
			return err
		}
		return u.held.Delete(k)
	}
	return nil
}

// Release sends what was held until its window closed, by time, the right side
// first, and forgets it. The headers are those of the record that made it; after is
// how far its side looks forward. Like Kafka Streams, it waits that long for either
// side before it looks at all.
func (u *Unjoined[K, L, R, O]) Release(after int64, h *record.Headers) error {
	if err := u.recall(never); err != nil {
		return err
	}
	if u.first >= u.clock.now-after-u.window.Grace {
		return nil
	}
	if err := u.collect(); err != nil {
		return err
	}
	for i := range u.due {
		e := &u.due[i]
		if err := u.send(e.Key, e.Value, h); err != nil {
			return err
		}
		if err := u.forget(i); err != nil {
			return err
		}
	}
	return nil
}

// closed says whether the window of a record of that time and side is closed.
func (u *Unjoined[K, L, R, O]) closed(time int64, left bool) bool {
	span := u.window.Before
	if left {
		span = u.window.After
	}
	return time < u.clock.now-span-u.window.Grace
}

// collect lists what is due. It notes the time of the last one it saw, as Kafka
// Streams does: what it left behind is found when that one is due.
func (u *Unjoined[K, L, R, O]) collect() error {
	u.due, u.first = u.due[:0], never
	var open [2]bool
	for e, err := range u.held.All() {
		if err != nil {
			return err
		}
		if u.first = e.Key.Time; open[0] && open[1] {
			break
		}
		switch {
		case u.closed(e.Key.Time, e.Key.Left):
			u.due = append(u.due, e)
		case e.Key.Left:
			open[0] = true
		default:
			open[1] = true
		}
	}
	return nil
}

func (u *Unjoined[K, L, R, O]) send(k format.JoinKey[K], v format.Sided[L, R], h *record.Headers) error {
	var left record.Opt[L]
	var right record.Opt[R]
	if v.IsLeft {
		left = record.Some(v.Left)
	} else {
		right = record.Some(v.Right)
	}
	u.out.setKey(k.Key)
	u.out.at(k.Time, h)
	u.out.setValue(u.join(k.Key, left, right))
	return u.out.sendAt(u.env)
}

// forget deletes the list of the i-th of those due, if it was its last.
func (u *Unjoined[K, L, R, O]) forget(i int) error {
	k := u.due[i].Key
	if i+1 < len(u.due) {
		n := u.due[i+1].Key
		same, err := u.same(k.Key, n.Key)
		if err != nil || same && k.Time == n.Time && k.Left == n.Left {
			return err
		}
	}
	return u.held.Delete(k)
}
