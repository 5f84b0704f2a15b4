// Package poller owns the one consumer of the process: the group member. It
// polls, hands whole batches to the worker that owns the task, and carries out
// what the group decides: tasks start, and tasks end within the time budget.
//
// Posting to a worker never blocks. What is buffered is bounded by pausing
// partitions, with wide hysteresis, since the client throws away what it had
// fetched for a partition that is paused; and by not polling while all of it
// together is too much.
//
// Goroutines: Run's own, the client's for group callbacks (one at a time, never
// while polled records are being routed), and restoring ones that hand tasks on.
package poller
