package node

import (
	"fmt"

	"github.com/millrace/millrace/store/format"
	"github.com/millrace/millrace/streams/record"
	"github.com/millrace/millrace/streams/serde"
)

// Subscriptions is the serde of the messages on a foreign-key join's way to the right
// side. A decoded one aliases the bytes where a source asks for that.
func Subscriptions() serde.Serde[format.Subscription] { return subscriptionSerde{} }

type subscriptionSerde struct{}

// Append implements serde.Serde.
func (subscriptionSerde) Append(dst []byte, s format.Subscription) ([]byte, error) {
	return format.AppendSubscription(dst, s), nil
}

// Decode implements serde.Serde.
func (subscriptionSerde) Decode(b []byte) (format.Subscription, error) {
	return format.ParseSubscription(append([]byte(nil), b...))
}

// DecodeShared implements serde.Borrower.
func (subscriptionSerde) DecodeShared(b []byte) (format.Subscription, error) {
	return format.ParseSubscription(b)
}

// Answers is the serde of the messages on the way back; vs is that of the right rows.
// The partition is not in the bytes. It has a buffer of its own: each task makes one
// for each node.
func Answers[V any](vs serde.Serde[V]) serde.Serde[Answer[V]] { return &answers[V]{vs: vs} }

type answers[V any] struct {
	vs  serde.Serde[V]
	buf []byte
}

// Append implements serde.Serde.
func (s *answers[V]) Append(dst []byte, a Answer[V]) (_ []byte, err error) {
	wire := format.Response{Hash: a.Hash, HasHash: a.HasHash}
	if a.Has {
		if s.buf, err = s.vs.Append(s.buf[:0], a.Value); err != nil {
			return dst, err
		}
		wire.Value = s.buf
	}
	return format.AppendResponse(dst, wire), nil
}

// Decode implements serde.Serde; the value owns its bytes.
func (s *answers[V]) Decode(b []byte) (Answer[V], error) { return decodeAnswer(b, s.vs.Decode) }

// decodeAnswer reads the right row with the serde's way that suits the bytes.
func decodeAnswer[V any](b []byte, value func([]byte) (V, error)) (a Answer[V], err error) {
	wire, err := format.ParseResponse(b)
	if err != nil {
		return a, err
	}
	a = Answer[V]{Hash: wire.Hash, HasHash: wire.HasHash, Partition: -1}
	if wire.Value != nil {
		a.Value, err = value(wire.Value)
		a.Has = err == nil
	}
	return a, err
}

// DecodeShared implements serde.Borrower.
func (s *answers[V]) DecodeShared(b []byte) (Answer[V], error) {
	if borrow, ok := s.vs.(serde.Borrower[V]); ok {
		return decodeAnswer(b, borrow.DecodeShared)
	}
	return s.Decode(b)
}

// EmitTo is [Emit] with the partition to write to, or -1 for that of the key.
type EmitTo func(partition int32, key, value []byte, time int64, h *record.Headers) error

// OutAnswers sends each answer to the partition of the row that asked for it.
func OutAnswers[V any](vs serde.Serde[V], emit EmitTo) Sink[[]byte, Answer[V]] {
	wire := Answers(vs)
	value := make([]byte, 0, 64)
	return func(r *record.Record[[]byte, Answer[V]]) (err error) {
		if value, err = wire.Append(value[:0], r.Value); err != nil {
			return fmt.Errorf("encode the answer: %w", err)
		}
		return emit(r.Value.Partition, r.Key, value, r.Time, r.Headers)
	}
}
