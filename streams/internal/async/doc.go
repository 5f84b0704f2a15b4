// Package async makes calls to slow functions beside a task's goroutine, many at
// once, and hands their results back in the order in which the calls were asked for.
//
// The task's goroutine starts calls and takes results; it is never called back. What
// it must not do is commit while calls are in flight: it takes their results first.
package async
