package node

import (
	"fmt"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/format"
	"github.com/millrace/millrace/streams/record"
	"github.com/millrace/millrace/streams/serde"
)

// SkipForeignKey is the reason of an inner join by a foreign key that leaves a row
// out because it refers to none.
const SkipForeignKey = "null-foreign-key"

// SkipOutdated is the reason of an answer that comes after its row has changed.
const SkipOutdated = "outdated"

// ForeignKey is the key of the row that a row of the left table refers to; false is
// none.
type ForeignKey[K, V, K2 any] func(K, V) (K2, bool)

// Subscribe is the first part of a join by a foreign key: each change of the left
// table becomes messages to the rows that it referred to and now refers to. A record
// without key asks nobody, and is answered all the same.
//
// Changes of a versioned table that are not the latest are skipped; so are, in an
// inner join, rows that refer to no other.
func Subscribe[K, V, K2 any](env *Env, fk ForeignKey[K, V, K2], left bool, ks serde.Serde[K], vs serde.Serde[V],
	ks2 serde.Serde[K2], next Sink[K2, format.Subscription]) Sink[K, Change[V]] {
	o := &subscriber[K, V, K2]{env: env, fk: fk, ks: ks, hash: hasher[V]{serde: vs}, same: sameKey(ks2), out: newSlot(next)}
	if left {
		return o.left
	}
	return o.inner
}

type subscriber[K, V, K2 any] struct {
	env     *Env
	fk      ForeignKey[K, V, K2]
	ks      serde.Serde[K]
	hash    hasher[V]
	same    func(a, b K2) (bool, error)
	out     *slot[K2, format.Subscription]
	primary []byte
}

// inner asks for rows that are there, and says goodbye to those that were asked for
// something.
func (o *subscriber[K, V, K2]) inner(r *record.Record[K, Change[V]]) error {
	c := &r.Value
	if c.Stale {
		o.env.Skip(SkipStale)
		return nil
	}
	before, had := o.key(r.Key, c.Old, c.Had)
	now, has := o.key(r.Key, c.New, c.Has)
	if c.Has && !has {
		o.env.Skip(SkipForeignKey)
	}
	switch moved, err := o.moved(before, had, now, has); {
	case err != nil || !had && !has:
		return err
	case !has:
		return o.send(r, record.Some(before), format.DeleteAndAnswer)
	case !moved || !had:
		return o.send(r, record.Some(now), format.AnswerIfPresent)
	}
	if err := o.send(r, record.Some(before), format.DeleteSilently); err != nil {
		return err
	}
	return o.send(r, record.Some(now), format.AnswerAlways)
}

// left always wants an answer, from nobody if the row refers to none.
func (o *subscriber[K, V, K2]) left(r *record.Record[K, Change[V]]) error {
	c := &r.Value
	switch {
	case c.Stale:
		o.env.Skip(SkipStale)
		return nil
	case !c.Had && !c.Has:
		return nil
	}
	before, had := o.key(r.Key, c.Old, c.Had)
	now, has := o.key(r.Key, c.New, c.Has)
	moved, err := o.moved(before, had, now, has)
	if err == nil && moved {
		err = o.send(r, record.Some(before), format.DeleteSilently)
	}
	if err != nil {
		return err
	}
	return o.send(r, record.Opt[K2]{V: now, OK: has}, format.AnswerAlways)
}

// key is the foreign key of one side of a change.
func (o *subscriber[K, V, K2]) key(k K, v V, there bool) (k2 K2, ok bool) {
	if !there {
		return k2, false
	}
	k2, ok = o.fk(k, v)
	return k2, ok && (o.out.noKey == nil || !o.out.noKey(k2))
}

// moved says whether there was a foreign key that is the row's no more.
func (o *subscriber[K, V, K2]) moved(before K2, had bool, now K2, has bool) (bool, error) {
	if !had || !has {
		return had, nil
	}
	same, err := o.same(before, now)
	return !same, err
}

// send sends one message. Both of one change carry the hash of the new row.
func (o *subscriber[K, V, K2]) send(r *record.Record[K, Change[V]], to record.Opt[K2], what format.Instruction) (err error) {
	m := &o.out.rec.Value
	*m = format.Subscription{Version: 1, Instruction: what, PrimaryPartition: o.env.Cur.Partition}
	if m.Hash, m.HasHash, err = o.hash.of(r.Value.New, r.Value.Has); err != nil {
		return err
	}
	if o.primary, err = o.ks.Append(o.primary[:0], r.Key); err != nil {
		return fmt.Errorf("encode the key: %w", err)
	}
	m.PrimaryKey = o.primary
	o.out.rec.Key, o.out.rec.NoKey = to.V, !to.OK
	o.out.at(r.Time, r.Headers)
	return o.out.send()
}

// hasher makes the hash by which an answer finds the row that asked.
type hasher[V any] struct {
	serde serde.Serde[V]
	buf   []byte
}

func (h *hasher[V]) of(v V, there bool) (_ format.Hash, ok bool, err error) {
	if !there {
		return format.Hash{}, false, nil
	}
	if h.buf, err = h.serde.Append(h.buf[:0], v); err != nil {
		return format.Hash{}, false, fmt.Errorf("encode the value: %w", err)
	}
	return format.HashOf(h.buf), true, nil
}

// ReceiveSubscriptions keeps the subscriptions of the left side and sends them on. One
// without foreign key is not kept; unless it wants an answer, it is skipped.
func ReceiveSubscriptions[K2 any](env *Env, st *store.Subscriptions, ks2 serde.Serde[K2], next Sink[K2, format.Subscription]) Sink[K2, format.Subscription] {
	var key, message []byte
	return func(r *record.Record[K2, format.Subscription]) (err error) {
		s := &r.Value
		switch {
		case r.NoKey && s.Instruction != format.AnswerAlways:
			env.Skip(SkipNullKey)
			return nil
		case r.NoKey:
			return next(r)
		}
		if key, err = ks2.Append(key[:0], r.Key); err != nil {
			return fmt.Errorf("encode the foreign key: %w", err)
		}
		if s.Instruction == format.DeleteSilently || s.Instruction == format.DeleteAndAnswer {
			err = st.Delete(key, s.PrimaryKey)
		} else {
			message = format.AppendSubscription(message[:0], *s)
			err = st.Put(key, s.PrimaryKey, message, r.Time)
		}
		if err != nil {
			return err
		}
		return next(r)
	}
}

// Answer is what the right side of a join by a foreign key tells a left row: the right
// row, if there is one, and the hash of the left one as it was when it asked. The key
// of a record with an Answer is the left row's.
type Answer[V any] struct {
	Hash    format.Hash
	HasHash bool
	Value   V
	Has     bool
	// Partition is that of the left row; -1 if an old release asked, and the key
	// tells.
	Partition int32
}

// AnswerSubscriptions looks the right row up for each subscription and answers as that
// wants. The time is the later one of both.
func AnswerSubscriptions[K2, V2 any](_ *Env, get Lookup[K2, V2], next Sink[[]byte, Answer[V2]]) Sink[K2, format.Subscription] {
	out := newSlot(next)
	return func(r *record.Record[K2, format.Subscription]) (err error) {
		s := &r.Value
		if s.Instruction == format.DeleteSilently {
			return nil
		}
		var found record.Opt[V2]
		time := r.Time
		if !r.NoKey {
			var at int64
			if found.V, at, found.OK, err = get(r.Key); err != nil {
				return err
			}
			if found.OK {
				time = max(time, at)
			}
		}
		switch {
		case s.Instruction == format.DeleteAndAnswer:
			found = record.Opt[V2]{} // its time counts, as in Kafka Streams
		case s.Instruction == format.AnswerIfPresent && !found.OK:
			return nil
		}
		answer(out, s.PrimaryKey, s, found)
		out.at(time, r.Headers)
		return out.send()
	}
}

func answer[V2 any](out *slot[[]byte, Answer[V2]], primary []byte, s *format.Subscription, v record.Opt[V2]) {
	out.rec.Key = primary
	out.rec.Value = Answer[V2]{Hash: s.Hash, HasHash: s.HasHash, Value: v.V, Has: v.OK, Partition: s.PrimaryPartition}
}

// TellSubscribers sends each change of the right table to all left rows that refer to
// it, in the order of their keys' bytes. The time is that of the change, also if a left
// row is later, as in Kafka Streams.
func TellSubscribers[K2, V2 any](env *Env, st *store.Subscriptions, ks2 serde.Serde[K2], next Sink[[]byte, Answer[V2]]) Sink[K2, Change[V2]] {
	o := &teller[K2, V2]{out: newSlot(next)}
	visit := o.tell // made once, so that records cost nothing
	var key []byte
	return func(r *record.Record[K2, Change[V2]]) (err error) {
		switch {
		case r.NoKey:
			env.Skip(SkipNullKey)
			return nil
		case r.Value.Stale:
			env.Skip(SkipStale)
			return nil
		}
		if key, err = ks2.Append(key[:0], r.Key); err != nil {
			return fmt.Errorf("encode the key: %w", err)
		}
		o.change = r
		return st.Each(key, visit)
	}
}

type teller[K2, V2 any] struct {
	out    *slot[[]byte, Answer[V2]]
	change *record.Record[K2, Change[V2]] // under way
}

func (o *teller[K2, V2]) tell(primary, message []byte, _ int64) error {
	s, err := format.ParseSubscription(message)
	if err != nil {
		return fmt.Errorf("%w: %w", store.ErrCorrupt, err)
	}
	c := &o.change.Value
	answer(o.out, primary, &s, record.Opt[V2]{V: c.New, OK: c.Has})
	o.out.at(o.change.Time, o.change.Headers)
	return o.out.send()
}

// ForeignJoin is the last part of a join by a foreign key: it joins each answer with
// the left row, unless that has changed since it asked; then another answer is on its
// way, and this one is skipped. Without a right row a left join calls f with an empty
// Opt, and an inner join deletes. The time is the answer's.
func ForeignJoin[K, V, V2, R any](env *Env, get Lookup[K, V], vs serde.Serde[V], left bool, f func(K, V, record.Opt[V2]) R, next Sink[K, R]) Sink[K, Answer[V2]] {
	out, hash := newSlot(next), &hasher[V]{serde: vs}
	return func(r *record.Record[K, Answer[V2]]) error {
		a := &r.Value
		v, _, ok, err := get(r.Key)
		if err != nil {
			return err
		}
		now, has, err := hash.of(v, ok)
		if err != nil {
			return err
		}
		if now != a.Hash || has != a.HasHash {
			env.Skip(SkipOutdated)
			return nil
		}
		follow(out, r)
		if ok && (a.Has || left) {
			out.setValue(f(r.Key, v, record.Opt[V2]{V: a.Value, OK: a.Has}))
		} else {
			out.setNull()
		}
		return out.send()
	}
}
