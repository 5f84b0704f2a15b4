package streams

import "github.com/millrace/millrace/streams/internal/task"

// Failure is a record that is in trouble, and where it is: what handlers such as
// [Config].OnFailure are told. Handlers get what the application has of the record, so
// be careful what of it you log.
type Failure = task.Failure

// FailureKind says at which point of its way a record failed.
type FailureKind = task.FailureKind

// The kinds of failures.
const (
	// Undecodable: a source's serde cannot read it.
	Undecodable = task.Undecodable
	// Unprocessable: an operator failed on it, or panicked.
	Unprocessable = task.Unprocessable
	// Undeliverable: what came of it cannot be encoded, or the broker refuses it.
	Undeliverable = task.Undeliverable
	// Dropped: an operator leaves it out by rule.
	Dropped = task.Dropped
)

// Decision is what a handler wants done about a [Failure].
type Decision = task.Decision

// The decisions.
const (
	// Fail ends the application; the record is met again when it starts again.
	Fail = task.Fail
	// Continue leaves the record out and counts it, by operator and reason. If an operator
	// failed on it, only what that operator would have made is missing.
	Continue = task.Continue
	// DeadLetter is Continue that also writes the source record, with headers that say
	// what happened and where, to [Config].DeadLetters: the headers of Kafka Streams'
	// dead letter queue (KIP-1034), and operator, file:line, task and reason. The worker's
	// producer writes it, exactly-once in the same transaction.
	DeadLetter = task.DeadLetter
	// TryAgain does once more what failed: it decodes or encodes again, or calls the operator
	// again with the same record. What the operator did before it failed is not taken
	// back. Bound it by [Failure].Attempt, and wait in the handler if waiting helps.
	TryAgain = task.Retry
)

// CrashDecision is what [Config].OnCrash wants done.
type CrashDecision uint8

const (
	// StopApp ends Run with the error.
	StopApp CrashDecision = iota
	// ReplaceWorker gives up what the worker has not committed and has its tasks begin
	// again at the last commit, with a new producer. An error that comes back at once
	// ends Run after Config.TaskTimeout without a commit.
	ReplaceWorker
)

// PanicError is the panic of a user's function, with its stack; find it in errors and in
// a [Failure] with errors.As.
type PanicError = task.PanicError

// Always is a handler that always decides the same.
func Always(d Decision) func(Failure) Decision {
	return func(Failure) Decision { return d }
}

// replaces says whether a worker begins again after an error.
func (c Config) replaces(err error) bool {
	return c.OnCrash != nil && c.OnCrash(err) == ReplaceWorker
}

// Handlers are the configuration's handlers as the runtime takes them.
func (c Config) Handlers() *task.Handlers {
	return &task.Handlers{
		Undecodable: c.OnUndecodable, Unprocessable: c.OnFailure, Undeliverable: c.OnUndeliverable,
		Dropped: c.OnDropped, DeadLetters: c.DeadLetters,
	}
}
