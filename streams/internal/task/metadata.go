package task

import (
	"encoding/base64"
	"encoding/binary"
	"slices"
)

// Metadata travels with a committed offset, in Kafka Streams' own format: it
// carries the partition's time across a restart, so that stream time never goes
// back.
type Metadata struct {
	// PartitionTime is the highest record time seen, ms; -1 if unknown.
	PartitionTime int64
	// Processor has the times that operators keep, by their store's name.
	Processor map[string]int64
}

const (
	metadataMagic   = 2
	metadataOldest  = 1 // has the time only
	maxMetadataName = 1 << 16
)

// Encode is the metadata as the string to commit. Processor is in order of names.
func (m Metadata) Encode() string {
	b := binary.BigEndian.AppendUint64([]byte{metadataMagic}, uint64(m.PartitionTime))
	if len(m.Processor) > 0 {
		b = binary.BigEndian.AppendUint32(b, uint32(len(m.Processor)))
	}
	names := make([]string, 0, len(m.Processor))
	for name := range m.Processor {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		b = binary.BigEndian.AppendUint32(b, uint32(len(name)))
		b = append(b, name...)
		b = binary.BigEndian.AppendUint64(b, uint64(m.Processor[name]))
	}
	return base64.StdEncoding.EncodeToString(b)
}

// DecodeMetadata reads what Encode or Kafka Streams wrote. Empty or unreadable
// metadata is no error, as in Kafka Streams: the time is unknown and ok is false.
func DecodeMetadata(s string) (m Metadata, ok bool) {
	unknown := Metadata{PartitionTime: -1}
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil || len(b) < 9 || b[0] < metadataOldest || b[0] > metadataMagic {
		return unknown, false
	}
	m.PartitionTime = int64(binary.BigEndian.Uint64(b[1:]))
	if b = b[9:]; len(b) == 0 {
		return m, true
	}
	if m.Processor, ok = decodeTimes(b); !ok {
		return unknown, false
	}
	return m, true
}

// decodeTimes reads the named times. A count that the bytes cannot hold is
// refused before anything is made for it.
func decodeTimes(b []byte) (map[string]int64, bool) {
	if len(b) < 4 {
		return nil, false
	}
	n := binary.BigEndian.Uint32(b)
	b = b[4:]
	if uint64(n)*12 > uint64(len(b)) {
		return nil, false
	}
	times := make(map[string]int64, n)
	for range n {
		if len(b) < 4 {
			return nil, false
		}
		size := binary.BigEndian.Uint32(b)
		if b = b[4:]; size > maxMetadataName || len(b) < int(size)+8 {
			return nil, false
		}
		times[string(b[:size])] = int64(binary.BigEndian.Uint64(b[size:]))
		b = b[size+8:]
	}
	return times, len(b) == 0
}
