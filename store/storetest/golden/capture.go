package golden

import (
	"maps"
	"slices"
	"testing"
)

// Capture is one run of Kafka Streams on a broker.
type Capture struct {
	File          string `json:"-"`
	KafkaVersion  string
	Topology      string
	ApplicationID string
	// Stores are the contents of stores at the end of the run, over all partitions:
	// rows "key=value", "key=value~time" or "key@start/end=value~time", sorted.
	Stores map[string][]string
	Topics map[string]Topic
}

// Topic is one topic of a capture with all that was written to it.
type Topic struct {
	Partitions int32
	Configs    map[string]string
	Records    []Record
}

// Record is one record, its bytes as hexadecimal digits.
type Record struct {
	Partition  int32
	Offset     int64
	Timestamp  int64
	Key, Value *string // nil is null
	Headers    []Header
}

// Header is one header of a record.
type Header struct {
	Key   string
	Value *string
}

// Bytes are the key and the value; a null is nil.
func (r Record) Bytes(t testing.TB) (key, value []byte) {
	t.Helper()
	return Optional(t, r.Key), Optional(t, r.Value)
}

// Optional reads hexadecimal digits, nil from nil.
func Optional(t testing.TB, s *string) []byte {
	t.Helper()
	if s == nil {
		return nil
	}
	return Hex(t, *s)
}

// Captures are all captures that have topics, by file name.
func Captures(t testing.TB) []Capture {
	t.Helper()
	var out []Capture
	for _, f := range files(t, "captures/*.json") {
		var c Capture
		f.read(t, &c)
		c.File = f.name
		records := 0
		for _, topic := range c.Topics {
			records += len(topic.Records)
		}
		t.Logf("golden: %s: %d topics, %d records", f.name, len(c.Topics), records)
		if len(c.Topics) > 0 {
			out = append(out, c)
		}
	}
	if len(out) == 0 {
		t.Fatal("golden: there is no capture")
	}
	return out
}

// TopicNames are the names of the capture's topics, sorted.
func (c Capture) TopicNames() []string { return slices.Sorted(maps.Keys(c.Topics)) }
