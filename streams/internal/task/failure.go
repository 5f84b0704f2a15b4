package task

import (
	"errors"
	"fmt"

	"github.com/millrace/millrace/streams/internal/topo"
	"github.com/millrace/millrace/streams/record"
)

// FailureKind says at which point of a record's way something went wrong.
type FailureKind uint8

// The kinds of failures.
const (
	// Undecodable records are those that a source's serde cannot read.
	Undecodable FailureKind = iota
	// Unprocessable records are those on which an operator fails or panics. A failing
	// schedule is of this kind too; it has no record.
	Unprocessable
	// Undeliverable records are results that cannot be encoded, or that the broker
	// refuses.
	Undeliverable
	// Dropped records are those that an operator leaves out by rule, such as late ones.
	Dropped
)

// String is the kind in one word.
func (k FailureKind) String() string {
	return [...]string{"undecodable", "failed", "undeliverable", "dropped"}[k]
}

// Failure is a record that is in trouble, and where. All its bytes are shared: they
// may be kept, but not changed.
type Failure struct {
	Kind FailureKind
	// Task is the id of the task, such as "0_1".
	Task topo.TaskID
	// Topic, Partition and Offset are those of the source record that was being
	// processed; the topic is empty in a schedule.
	Topic     string
	Partition int32
	Offset    int64
	// Time is its time in ms since the epoch.
	Time int64
	// Key, Value and Headers are its bytes as read; nil if a record cache sent the
	// change on later, or in a schedule.
	Key, Value []byte
	Headers    []record.Header
	// Operator and Where name the operator and the file:line of its declaration.
	Operator, Where string
	// Part is "key", "value" or "time" of a record that cannot be decoded.
	Part string
	// Reason is the word under which the record is counted if it is left out.
	Reason string
	// Attempt counts from 1.
	Attempt int
	// Err is what happened; nil for a record that is dropped by rule. A panic is a
	// [*PanicError].
	Err error
}

// Error places the failure. It shows nothing of the record's content.
func (f Failure) Error() string {
	at := fmt.Sprintf("%s/%d offset %d", f.Topic, f.Partition, f.Offset)
	if f.Topic == "" {
		at = "task " + f.Task.String()
	}
	switch f.Kind {
	case Undecodable:
		return fmt.Sprintf("%s: the %s cannot be decoded by %s (%s): %v", at, f.Part, f.Operator, f.Where, f.Err)
	case Dropped:
		return fmt.Sprintf("%s: left out by %s (%s): %s", at, f.Operator, f.Where, f.Reason)
	}
	return fmt.Sprintf("%s: %s (%s): %v", at, f.Operator, f.Where, f.Err)
}

// bare is what happened, for an error that tells the place itself.
func (f Failure) bare() error {
	switch {
	case f.Err == nil:
		return errors.New("left out: " + f.Reason)
	case f.Kind == Undecodable:
		return &DecodeError{Operator: f.Operator, Where: f.Where, Part: f.Part, Err: f.Err}
	}
	return f.Err
}

// Unwrap is what happened.
func (f Failure) Unwrap() error { return f.Err }

// Location implements [Located].
func (f Failure) Location() (operator, where string) { return f.Operator, f.Where }

// Decision is what a handler wants done about a Failure.
type Decision uint8

const (
	// Fail ends the application; the record is met again when it starts again.
	Fail Decision = iota
	// Continue leaves the record out and counts it, by operator and reason. Of a record
	// on which an operator failed, only what that operator would have made is missing:
	// its neighbours get it.
	Continue
	// DeadLetter is Continue that also writes the record to Config.DeadLetters.
	DeadLetter
	// Retry does once more what failed: it decodes again, or calls the operator again
	// with the same record. Nothing that the operator did is taken back. The handler
	// bounds the attempts, and waits between them if it wants to.
	Retry
)

// Judge is an optional interface of a Runtime: it decides about failures.
type Judge interface {
	// Judges says whether there is a decision to be made about such failures.
	// Otherwise they are errors, or nothing if they are drops.
	Judges(FailureKind) bool
	// Judge decides. It asks for another attempt, or has left the record out and counted
	// it, or returns the error that ends the task.
	Judge(*Failure) (again bool, err error)
}

// Handlers are an application's decisions. Nil ones decide nothing.
type Handlers struct {
	Undecodable, Unprocessable, Undeliverable, Dropped func(Failure) Decision
	// DeadLetters is a topic.
	DeadLetters string
}

func (h *Handlers) of(kind FailureKind) func(Failure) Decision {
	return [...]func(Failure) Decision{h.Undecodable, h.Unprocessable, h.Undeliverable, h.Dropped}[kind]
}

// Judges is [Judge]'s.
func (h *Handlers) Judges(kind FailureKind) bool { return h != nil && h.of(kind) != nil }

var errNoDeadLetters = errors.New("the handler asks for a dead letter, but there is no topic for them: set Config.DeadLetters")

// Judge is [Judge]'s, for a task of this runtime: it counts there what is left out, and
// emits dead letters through it, so that they are part of what is committed.
func (h *Handlers) Judge(rt Runtime, f *Failure) (again bool, err error) {
	decision := Fail
	if decide := h.of(f.Kind); decide != nil {
		decision = decide(*f)
	}
	switch {
	case decision == Retry && f.Kind != Dropped:
		return true, nil
	case decision == DeadLetter && h.DeadLetters == "":
		return false, errors.Join(*f, errNoDeadLetters)
	case decision == Continue, decision == DeadLetter:
		if f.Kind != Dropped { // which is counted already
			rt.Skipped(f.Operator, f.Reason)
		}
		if decision == DeadLetter {
			return false, rt.Emit(f.Letter(h.DeadLetters))
		}
		return false, nil
	}
	return false, *f
}
