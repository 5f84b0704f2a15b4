package wire

import (
	"fmt"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// envelopeVersion is the version of the consumer protocol that the JVM writes.
const envelopeVersion = 3

// Metadata is the envelope around a Subscription, as any consumer sends it.
type Metadata struct {
	// Topics are what the member subscribes to, sorted.
	Topics []string
	// Owned are the partitions that the member has, by topic.
	Owned map[string][]int32
	// Generation is the one in which it got them, or -1.
	Generation int32
	// UserData is an encoded Subscription.
	UserData []byte
}

// Encode writes the envelope.
func (m *Metadata) Encode() []byte {
	k := kmsg.NewConsumerMemberMetadata()
	k.Version = envelopeVersion
	k.Topics = m.Topics
	k.UserData = m.UserData
	k.Generation = m.Generation
	for _, topic := range slices.Sorted(maps.Keys(m.Owned)) {
		o := kmsg.NewConsumerMemberMetadataOwnedPartition()
		o.Topic, o.Partitions = topic, slices.Sorted(slices.Values(m.Owned[topic]))
		k.OwnedPartitions = append(k.OwnedPartitions, o)
	}
	return k.AppendTo(nil)
}

// DecodeMetadata reads the envelope of any consumer. UserData aliases b.
func DecodeMetadata(b []byte) (Metadata, error) {
	k := kmsg.NewConsumerMemberMetadata()
	k.Generation = -1
	if err := readEnvelope(b, k.ReadFrom); err != nil {
		return Metadata{}, fmt.Errorf("%w: member metadata: %w", ErrMalformed, err)
	}
	m := Metadata{Topics: k.Topics, Generation: k.Generation, UserData: k.UserData, Owned: make(map[string][]int32)}
	for _, o := range k.OwnedPartitions {
		m.Owned[o.Topic] = append(m.Owned[o.Topic], o.Partitions...)
	}
	return m, nil
}

// EncodeAssigned writes the envelope of an assignment. Partitions must be sorted.
func EncodeAssigned(parts []Partition, userData []byte) []byte {
	k := kmsg.NewConsumerMemberAssignment()
	k.Version = envelopeVersion
	k.UserData = userData
	for _, p := range parts {
		if n := len(k.Topics); n == 0 || k.Topics[n-1].Topic != p.Topic {
			k.Topics = append(k.Topics, kmsg.ConsumerMemberAssignmentTopic{Topic: p.Topic})
		}
		last := &k.Topics[len(k.Topics)-1]
		last.Partitions = append(last.Partitions, p.Partition)
	}
	return k.AppendTo(nil)
}

// DecodeAssigned reads it back, sorted. The user data aliases b.
func DecodeAssigned(b []byte) ([]Partition, []byte, error) {
	if len(b) == 0 {
		return nil, nil, nil // the broker's answer if the leader left a member out
	}
	k := kmsg.NewConsumerMemberAssignment()
	if err := readEnvelope(b, k.ReadFrom); err != nil {
		return nil, nil, fmt.Errorf("%w: member assignment: %w", ErrMalformed, err)
	}
	var parts []Partition
	for _, t := range k.Topics {
		for _, p := range t.Partitions {
			parts = append(parts, Partition{t.Topic, p})
		}
	}
	slices.SortFunc(parts, Partition.Compare)
	return parts, k.UserData, nil
}

// readEnvelope caps what is decoded.
func readEnvelope(b []byte, read func([]byte) error) error {
	if len(b) > 2*MaxSize {
		return fmt.Errorf("%d bytes are more than the allowed %d", len(b), 2*MaxSize)
	}
	return read(b)
}
