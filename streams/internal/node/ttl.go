package node

import (
	"encoding/binary"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/cached"
	"github.com/millrace/millrace/streams/serde"
)

// MostExpired is how many entries of a store one sweep looks at: it bounds what
// expiry adds to one record. What is left over goes with the next.
const MostExpired = 1000

// Expiry is what becomes of the rows of a table that expire.
type Expiry[K, V any] struct {
	Store  *store.TTL
	TTL    int64 // ms
	Keys   serde.Serde[K]
	Values serde.Serde[V]
	// Cache is the record cache in front of the store, or nil. Then the deletions are
	// its to log and to send.
	Cache *cached.Cache[K, V]
}

// Sweep removes rows that have expired at the time now, in ms, and sends a deletion
// for each, at the time at which the row expired and without headers.
func Sweep[K, V any](env *Env, x Expiry[K, V], next Sink[K, Change[V]]) func(now int64) error {
	s := &sweep[K, V]{Expiry: x, env: env, out: newSlot(next)}
	expire := s.expire
	if x.Cache != nil {
		expire = s.expireCached
	}
	return func(now int64) error {
		s.now = now
		before := env.at(now)
		_, err := x.Store.Sweep(now, MostExpired, expire)
		env.at(before)
		return err
	}
}

type sweep[K, V any] struct {
	Expiry[K, V]
	env *Env
	out *slot[K, Change[V]]
	now int64 // ms
	ctx cached.Context
}

// expire removes one row, as its store has it, and sends the deletion. The store need
// not do so any more, therefore it keeps.
func (s *sweep[K, V]) expire(key, value []byte) (keep bool, err error) {
	at := int64(binary.BigEndian.Uint64(value)) + s.TTL
	s.out.rec.Value = Change[V]{Had: true}
	if s.out.rec.Key, err = s.Keys.Decode(key); err != nil {
		return false, err
	}
	if s.out.rec.Value.Old, err = s.Values.Decode(value[8:]); err != nil {
		return false, err
	}
	s.env.at(at)
	if err := s.Store.Delete(key); err != nil {
		return false, err
	}
	s.out.at(at, nil)
	return true, s.out.send()
}

// expireCached has the cache delete a row, unless it has a later one.
func (s *sweep[K, V]) expireCached(key, _ []byte) (keep bool, err error) {
	k, err := s.Keys.Decode(key)
	if err != nil {
		return false, err
	}
	_, ts, ok, err := s.Cache.Get(k, serde.Window{})
	if err != nil || !ok || ts > s.now-s.TTL {
		return true, err
	}
	e, err := s.Cache.Cell(k, serde.Window{})
	if err != nil {
		return false, err
	}
	s.ctx = cached.Context{Partition: -1, Offset: -1, Time: ts + s.TTL}
	return true, s.Cache.Delete(e, &s.ctx)
}
