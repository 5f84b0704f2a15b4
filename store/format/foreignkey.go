package format

import "fmt"

// Instruction says what the right side of a foreign-key join does with a
// subscription.
type Instruction uint8

// The instructions, numbered as on the wire.
const (
	// DeleteSilently ends a subscription.
	DeleteSilently Instruction = iota
	// DeleteAndAnswer ends a subscription and answers with null.
	DeleteAndAnswer
	// AnswerAlways subscribes and answers, with null if there is no right value.
	AnswerAlways
	// AnswerIfPresent subscribes and answers if there is a right value.
	AnswerIfPresent
)

// versionMask leaves the sign bit of the version out, which says "no hash".
const (
	versionMask = 0x7f
	noHash      = 0x80
)

// subscriptionVersion is what this release writes: with the primary partition.
const subscriptionVersion = 1

// Subscription is the message by which a row of the left table asks for a row of
// the right one; also the value of the subscription store.
type Subscription struct {
	// Version is 1, or 0 in messages of old releases.
	Version     uint8
	Instruction Instruction
	// Hash is of the left value, if HasHash; a deleted value has none.
	Hash    Hash
	HasHash bool
	// PrimaryKey is the serialised key of the left row.
	PrimaryKey []byte
	// PrimaryPartition is where the answer goes; -1 in version 0, whose answers
	// go where the key hashes to.
	PrimaryPartition int32
}

// AppendSubscription appends a message in the version it names.
func AppendSubscription(dst []byte, s Subscription) []byte {
	dst = append(appendVersion(dst, s.Version, s.HasHash), byte(s.Instruction))
	dst = append(appendHash(dst, s.Hash, s.HasHash), s.PrimaryKey...)
	if s.Version > 0 {
		dst = appendInt32(dst, int(s.PrimaryPartition))
	}
	return dst
}

// ParseSubscription takes a message apart; its key aliases b.
func ParseSubscription(b []byte) (Subscription, error) {
	r := reader{b: b}
	s := Subscription{PrimaryPartition: -1}
	s.Version, s.HasHash = r.version()
	if s.Version > subscriptionVersion {
		return s, fmt.Errorf("%w: a foreign-key subscription of version %d; a newer release writes to the topic", ErrMalformed, s.Version)
	}
	s.Instruction = Instruction(r.byte())
	s.Hash = r.hash(s.HasHash)
	r.bad = r.bad || s.Instruction > AnswerIfPresent
	if s.Version == 0 {
		s.PrimaryKey = r.rest()
	} else {
		s.PrimaryKey = r.take(len(r.b) - 4)
		s.PrimaryPartition = r.int32()
	}
	return s, r.done("a foreign-key subscription")
}

// Response is the answer to a subscription: the right value, and the hash of the
// left one that asked.
type Response struct {
	Hash    Hash
	HasHash bool
	// Value is the right value; nil if there is none.
	Value []byte
}

// AppendResponse appends a response.
func AppendResponse(dst []byte, r Response) []byte {
	return append(appendHash(appendVersion(dst, 0, r.HasHash), r.Hash, r.HasHash), r.Value...)
}

// ParseResponse takes a response apart; its value aliases b. An empty value cannot
// be told from none: it is none, as in Kafka Streams.
func ParseResponse(b []byte) (Response, error) {
	r := reader{b: b}
	version, has := r.version()
	if version > 0 {
		return Response{}, fmt.Errorf("%w: a foreign-key response of version %d; a newer release writes to the topic", ErrMalformed, version)
	}
	out := Response{HasHash: has, Hash: r.hash(has)}
	if value := r.rest(); len(value) > 0 {
		out.Value = value
	}
	return out, r.done("a foreign-key response")
}

func appendVersion(dst []byte, version uint8, hasHash bool) []byte {
	if !hasHash {
		version |= noHash
	}
	return append(dst, version)
}

func appendHash(dst []byte, h Hash, has bool) []byte {
	if !has {
		return dst
	}
	return appendInt64(appendInt64(dst, int64(h.H0)), int64(h.H1))
}

func (r *reader) version() (version uint8, hasHash bool) {
	b := r.byte()
	return b & versionMask, b&noHash == 0
}

func (r *reader) hash(has bool) Hash {
	if !has {
		return Hash{}
	}
	return Hash{uint64(r.int64()), uint64(r.int64())}
}
