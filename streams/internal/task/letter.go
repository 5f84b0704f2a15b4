package task

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/millrace/millrace/streams/record"
)

// The headers of a dead letter: those that Kafka Streams adds (KIP-1034), in its order,
// and after them where in the program the record was, and why it was left out.
const (
	headerException = "__streams.errors.exception"
	headerMessage   = "__streams.errors.message"
	headerStack     = "__streams.errors.stacktrace"
	headerTopic     = "__streams.errors.topic"
	headerPartition = "__streams.errors.partition"
	headerOffset    = "__streams.errors.offset"
	headerOperator  = "__millrace.errors.operator"
	headerWhere     = "__millrace.errors.where"
	headerReason    = "__millrace.errors.reason"
	headerTask      = "__millrace.errors.task"
)

// serializationException is the name under which tools know records that cannot be
// decoded, whatever the program is written in.
const serializationException = "org.apache.kafka.common.errors.SerializationException"

// Letter is the dead letter of a failure for a topic: the source record as it was read,
// its headers first.
func (f *Failure) Letter(topic string) *Out {
	list := make([]record.Header, 0, len(f.Headers)+10)
	list = append(list, f.Headers...)
	add := func(key, value string) { list = append(list, record.Header{Key: key, Value: []byte(value)}) }
	add(headerException, f.exception())
	add(headerMessage, f.message())
	add(headerStack, f.stack())
	add(headerTopic, f.Topic)
	add(headerPartition, strconv.Itoa(int(f.Partition)))
	add(headerOffset, strconv.FormatInt(f.Offset, 10))
	add(headerOperator, f.Operator)
	add(headerWhere, f.Where)
	add(headerReason, f.Reason)
	add(headerTask, f.Task.String())
	return &Out{
		Topic: topic, Partition: -1, Key: f.Key, HashKey: f.Key, Value: f.Value, Time: max(0, f.Time),
		Headers: record.NewHeaders(list...),
	}
}

// cause is the error at the bottom: that of the user's function or serde.
func (f *Failure) cause() error {
	err := f.Err
	for below := errors.Unwrap(err); below != nil; below = errors.Unwrap(err) {
		err = below
	}
	return err
}

func (f *Failure) exception() string {
	switch {
	case f.Err == nil:
		return f.Reason
	case f.Kind == Undecodable:
		return serializationException
	}
	return fmt.Sprintf("%T", f.cause())
}

func (f *Failure) message() string {
	if p, ok := errors.AsType[*PanicError](f.Err); ok {
		return fmt.Sprint(p.Value)
	}
	if f.Err == nil {
		return f.Reason
	}
	return f.Err.Error()
}

// stack is that of a panic; an error has none, but it is known where it came up.
func (f *Failure) stack() string {
	if p, ok := errors.AsType[*PanicError](f.Err); ok {
		return string(p.Stack)
	}
	return f.Operator + " (" + f.Where + ")"
}
