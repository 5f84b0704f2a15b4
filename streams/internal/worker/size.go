package worker

import (
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millrace/millrace/streams/internal/task"
	"github.com/millrace/millrace/streams/record"
)

// envelope is what a batch of one record weighs beside its key, value and headers, at
// the most, and each header beside its two parts.
const (
	envelope       = 100
	headerEnvelope = 10
)

// fits refuses a record that the client would refuse: in time for a handler to decide,
// and for an error to say how large it is. A limit of 0 is not known.
func (s *Sender) fits(topic string, key, value []byte, headers []record.Header) error {
	if s.lane.limit == 0 || len(key)+len(value)+envelope <= s.lane.limit && len(headers) == 0 {
		return nil
	}
	size := len(key) + len(value) + envelope
	for i := range headers {
		size += len(headers[i].Key) + len(headers[i].Value) + headerEnvelope
	}
	if size <= s.lane.limit {
		return nil
	}
	return &task.TooLargeError{Topic: topic, Size: size, Limit: s.lane.limit}
}

// limitOf is the largest batch that a client sends, in bytes before compression.
func limitOf(client *kgo.Client) int {
	n, _ := client.OptValue(kgo.ProducerBatchMaxBytes).(int32)
	return int(n)
}
