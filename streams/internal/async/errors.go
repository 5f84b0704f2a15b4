package async

import (
	"fmt"
	"runtime/debug"
)

// Final is an error after which a call is not tried again.
type Final struct{ Err error }

// Error is the text of the cause.
func (e *Final) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Final) Unwrap() error { return e.Err }

// Panic is a panic of the function that was called.
type Panic struct {
	Value any
	Stack []byte
}

// Error shows the value of the panic, not the stack.
func (e *Panic) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Unwrap returns the value if it is an error.
func (e *Panic) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// recovered is to be deferred around a call: it turns a panic into *err. There is no
// point in trying again what panics.
func recovered(err *error) {
	if v := recover(); v != nil {
		*err = &Final{&Panic{Value: v, Stack: debug.Stack()}}
	}
}
