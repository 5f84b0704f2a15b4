package store

import (
	"encoding/binary"
	"fmt"

	"github.com/millrace/millrace/store/keyenc"
)

// Subscriptions is the store of a foreign-key join's subscriptions: for each foreign
// key the primary keys that ask for its row, each with its message and time. Keys and
// messages are bytes: the side that keeps them has no use for the primary key's type.
// It belongs to the goroutine of its task. The changelog has Kafka Streams' own bytes.
type Subscriptions struct {
	engine Engine
	key    []byte // of the row under way
	value  []byte
	lo, hi []byte // of the scan under way
	visit  func(primary, message []byte, ts int64) error
	fault  error
	each   func(key, value []byte) bool // made once, so that scans cost nothing
}

// SubscriptionsSpec is the declaration of such a store, but for its name.
func SubscriptionsSpec() Spec {
	return Spec{Kind: KindKeyValue, Timestamped: true, LogHeaders: true}
}

// NewSubscriptions is the view of an engine whose Spec is SubscriptionsSpec's.
func NewSubscriptions(e Engine) *Subscriptions {
	s := &Subscriptions{engine: e}
	s.each = s.row
	return s
}

// Put keeps a message, with its time in ms. The slices are copied.
func (s *Subscriptions) Put(foreign, primary, message []byte, ts int64) error {
	s.key = keyenc.AppendSubscription(s.key[:0], foreign, primary)
	s.value = append(binary.BigEndian.AppendUint64(s.value[:0], uint64(ts)), message...)
	return s.engine.Put(s.key, s.value)
}

// Delete ends a subscription, which need not be there.
func (s *Subscriptions) Delete(foreign, primary []byte) error {
	s.key = keyenc.AppendSubscription(s.key[:0], foreign, primary)
	return s.engine.Delete(s.key)
}

// Each calls visit for each subscription of a foreign key, in the order of the
// primary keys' bytes; its error ends the round. The slices are lent for the call,
// during which the store must not be written.
func (s *Subscriptions) Each(foreign []byte, visit func(primary, message []byte, ts int64) error) error {
	s.lo = keyenc.SubscriptionPrefix(s.lo[:0], foreign)
	var bounded bool
	if s.hi, bounded = keyenc.PrefixEnd(s.hi[:0], s.lo); !bounded {
		return fmt.Errorf("%w: a foreign key of %d bytes", ErrCorrupt, len(foreign)) // its length is all FF
	}
	s.visit, s.fault = visit, nil
	err := s.engine.Scan(s.lo, s.hi, false, s.each)
	if s.visit = nil; err == nil {
		err = s.fault
	}
	return err
}

func (s *Subscriptions) row(key, value []byte) bool {
	_, primary, err := keyenc.SplitSubscription(key)
	if err == nil && len(value) < 8 {
		err = fmt.Errorf("%w: a subscription of %d bytes has no timestamp", ErrCorrupt, len(value))
	}
	if err == nil {
		err = s.visit(primary, value[8:], int64(binary.BigEndian.Uint64(value)))
	}
	s.fault = err
	return err == nil
}
