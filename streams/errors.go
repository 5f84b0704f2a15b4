package streams

import (
	"errors"
	"fmt"
)

// ErrFenced ends Run when another process took over this member's InstanceID.
// Going on would be wrong: two processes would do the same work. Test for it
// with errors.Is.
var ErrFenced = errors.New("fenced: another process joined the group with this member's instance id")

// ErrAlreadyRun is returned by a second call of App.Run. An App has one life;
// make a new one to run again.
var ErrAlreadyRun = errors.New("this App was run before; make a new one with New")

// Undecodable is a record that a serde could not read.
type Undecodable struct {
	Topic     string
	Partition int32
	Offset    int64
	// Operator and Where name the source and the file:line of its declaration.
	Operator, Where string
	// Part is "key" or "value".
	Part string
	// Err is the serde's.
	Err error
}

// Error places the record. It shows nothing of its content.
func (u Undecodable) Error() string {
	return fmt.Sprintf("%s/%d offset %d: the %s cannot be decoded by %s (%s): %v",
		u.Topic, u.Partition, u.Offset, u.Part, u.Operator, u.Where, u.Err)
}

// Unwrap is the serde's error.
func (u Undecodable) Unwrap() error { return u.Err }

// Decision is what to do with a record that cannot be processed.
type Decision uint8

const (
	// Fail ends the application; the record is met again when it starts again.
	Fail Decision = iota
	// Skip leaves the record out and counts it, by operator and reason.
	Skip
)

// FailOnUndecodable ends the application at the first record that cannot be
// decoded, as Kafka Streams does by default.
func FailOnUndecodable(Undecodable) Decision { return Fail }

// SkipUndecodable leaves out what cannot be decoded and counts it.
func SkipUndecodable(Undecodable) Decision { return Skip }
