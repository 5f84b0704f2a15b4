package task

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/millrace/millrace/streams/internal/topo"
)

// DecodeError is a record that a source operator could not read. Its text has no
// payload as long as the serde's errors have none.
type DecodeError struct {
	Operator string // of the source
	Where    string // file:line of its declaration
	Part     string // "key" or "value"
	Err      error
}

// Error names the part and the cause; the position is [Error]'s to tell.
func (e *DecodeError) Error() string { return fmt.Sprintf("decode the %s: %v", e.Part, e.Err) }

// Unwrap returns the serde's error.
func (e *DecodeError) Unwrap() error { return e.Err }

// Location implements [Located].
func (e *DecodeError) Location() (operator, where string) { return e.Operator, e.Where }

// Located is an error that knows the operator it happened in and the file:line
// that goes with it.
type Located interface {
	error
	Location() (operator, where string)
}

// Positioned is an error that knows its record, which is not the one under way.
type Positioned interface {
	error
	Position() (topic string, partition int32, offset int64)
}

// Error is a record that could not be processed, with its position. The task must
// not be used any further: some operators have seen the record, others have not.
type Error struct {
	Task      topo.TaskID
	Topic     string // empty in a punctuation or a flush
	Partition int32
	Offset    int64
	Operator  string // empty if unknown
	Where     string // file:line, empty if unknown
	Err       error
}

// Error names the task, the record and the operator, never the payload.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "task %s: ", e.Task)
	if e.Topic != "" {
		fmt.Fprintf(&b, "%s/%d offset %d: ", e.Topic, e.Partition, e.Offset)
	}
	if at := strings.TrimSpace(e.Operator + " " + e.Where); at != "" {
		fmt.Fprintf(&b, "%s: ", at)
	}
	return b.String() + e.Err.Error()
}

// Unwrap returns what went wrong.
func (e *Error) Unwrap() error { return e.Err }

// PanicError is a panic of a user function.
type PanicError struct {
	Value any
	Where string // file:line of the panic
	Stack []byte
}

// Error shows the value of the panic, not the stack.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Unwrap returns the value if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// Location implements [Located]; the operator is unknown.
func (e *PanicError) Location() (operator, where string) { return "", e.Where }

// recovered is to be deferred around user code: it turns a panic into *err.
func recovered(err *error) { Recovered(err, recover()) }

// Recovered turns what recover returned, if anything, into a [*PanicError].
func Recovered(err *error, v any) {
	if v != nil {
		*err = &PanicError{Value: v, Where: panicked(), Stack: debug.Stack()}
	}
}

// panicked finds the line of the panic: the first one below the runtime's own.
func panicked() string {
	pc := make([]uintptr, 32)
	frames := runtime.CallersFrames(pc[:runtime.Callers(1, pc)])
	below := false
	for {
		f, more := frames.Next()
		inside := strings.HasPrefix(f.Function, "runtime.")
		if below && !inside {
			return fmt.Sprintf("%s:%d", f.File, f.Line)
		}
		below = below || f.Function == "runtime.gopanic"
		if !more {
			return ""
		}
	}
}

// RuntimeError is an error of the runtime, not of a record: a broker's or a store's.
// No handler is asked about it.
type RuntimeError struct{ Err error }

// Error is the error's own text.
func (e *RuntimeError) Error() string { return e.Err.Error() }

// Unwrap is the error itself.
func (e *RuntimeError) Unwrap() error { return e.Err }

// TooLargeError is a record that is larger than the producer may send. Sizes are bytes
// before compression; a record with its envelope, and the limit of a batch.
type TooLargeError struct {
	Topic       string
	Size, Limit int
}

// Error names topic, size, limit and remedy.
func (e *TooLargeError) Error() string {
	return fmt.Sprintf("a record for %s has %d bytes, the limit is %d; raise kgo.ProducerBatchMaxBytes by Config.KafkaOpts, and max.message.bytes of the topic",
		e.Topic, e.Size, e.Limit)
}
