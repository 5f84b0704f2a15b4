package streams

import (
	"context"
	"time"

	"github.com/millrace/millrace/streams/internal/async"
	"github.com/millrace/millrace/streams/internal/node"
	"github.com/millrace/millrace/streams/internal/task"
	"github.com/millrace/millrace/streams/internal/topo"
)

// The defaults of [Stream.MapAsync].
const (
	// DefaultAsyncConcurrency is how many calls a task has in flight.
	DefaultAsyncConcurrency = 16
	// DefaultAsyncTimeout bounds one attempt of a call.
	DefaultAsyncTimeout = 5 * time.Second
)

// AsyncOption changes [Stream.MapAsync].
type AsyncOption interface {
	option
	asyncOption()
}

func (n Name) asyncOption() {}

// asyncSetting is an option for MapAsync only.
type asyncSetting func(*settings)

func (f asyncSetting) apply(s *settings) { f(s) }
func (asyncSetting) asyncOption()        {}

// Concurrency is how many calls a task may have in flight: records whose result was
// not sent on yet, so that one slow call holds up at most so many. While there are as
// many the task takes no further record.
func Concurrency(n int) AsyncOption {
	return asyncSetting(func(s *settings) {
		if s.async.Concurrency = n; n <= 0 {
			s.fault("the concurrency %d is not positive", n)
		}
	})
}

// Timeout bounds one attempt: the context of the call ends then. The function must
// return soon after, because nothing goes on before it does.
func Timeout(d time.Duration) AsyncOption {
	return asyncSetting(func(s *settings) {
		if s.async.Timeout = d; d <= 0 {
			s.fault("the timeout %v is not positive", d)
		}
	})
}

// Retry tries a call that failed up to n times more, after pauses that begin with
// backoff and double each time, up to half a minute. [NoRetry] marks errors for which
// that makes no sense. Without the option there is one attempt.
func Retry(n int, backoff time.Duration) AsyncOption {
	return asyncSetting(func(s *settings) {
		if n < 0 || backoff < 0 {
			s.fault("%d retries and the backoff %v: neither may be negative", n, backoff)
		}
		s.async.Retries, s.async.Backoff = n, backoff
	})
}

// NoRetry marks an error of a function of [Stream.MapAsync] as one that would come
// again, so that the call is not tried once more. It is nil for nil.
func NoRetry(err error) error {
	if err == nil {
		return nil
	}
	return &async.Final{Err: err}
}

// MapAsync replaces each value by what f returns, where f is slow: a call of another
// system, say. Many calls are in flight at once, each on a goroutine of its own, and
// results go on in the order in which the records came into the task; nothing
// overtakes the oldest call, so that keys and partitions keep their order.
//
// A commit waits until all records that were taken in have gone on, so that committed
// offsets and transactions never cover a record that was not sent on: after a crash f
// is called again for what was in flight, at-least-once and exactly-once. The slowest
// call, with its retries, thus delays commits and the handing over of tasks: it should
// take well under [Config.RebalanceTimeout], and, exactly-once, under
// [Config.TransactionTimeout]. Once a task is closed, the contexts of its
// calls are cancelled, and their results are not used.
//
// f is called for several records at once, also of one key, and must not change them;
// headers that it adds go on with the result. An error after the last retry, or a panic,
// is one of processing the record for which the call was made, and [Config.OnFailure]
// decides about it; its TryAgain makes the call anew, in its place.
//
// A null value that V cannot show keeps its place in the order and stays null, without
// a call. Where V2 is a pointer, returning nil is null. Keys, keyless records, times and
// headers stay. The operator is Millrace's own; its generated name begins with
// KSTREAM-MAPASYNC-.
func (s Stream[K, V]) MapAsync[V2 any](f func(context.Context, Record[K, V]) (V2, error), opts ...AsyncOption) Stream[K, V2] {
	h := s.h.owned()
	c := declare(h.b, "KSTREAM-MAPASYNC-", f == nil, opts, h.id)
	opt := c.asyncOptions()
	out := newValue[V2](h, c)
	out.b, out.id = h.b, h.b.graph.Operator(c.Call)
	h.b.link(out.id, func(l *linking, id topo.NodeID) {
		n := &l.graph.Nodes[id]
		op := node.NewAsync(l.env(id), opt, n.Name, n.Where, f, l.waker(), fan[K, V2](l, id))
		op.Faults = l.asyncFaults(id)
		ctx := l.lifetime()
		l.out.Holders = append(l.out.Holders, op)
		l.out.Flush = append(l.out.Flush, func() error { return op.Drain(ctx) })
		input(l, id, op.Process)
	})
	return Stream[K, V2]{out}
}

// asyncOptions are those of the call, with defaults.
func (c *call) asyncOptions() async.Options {
	o := c.async
	if o.Concurrency == 0 {
		o.Concurrency = DefaultAsyncConcurrency
	}
	if o.Timeout == 0 {
		o.Timeout = DefaultAsyncTimeout
	}
	return o
}

// asyncFaults has the application's handlers decide about calls that failed; nil if
// there are none.
func (l *linking) asyncFaults(id topo.NodeID) *node.AsyncFaults {
	judge, ok := l.rt.(task.Judge)
	if !ok || !judge.Judges(task.Unprocessable) {
		return nil
	}
	n := &l.graph.Nodes[id]
	return &node.AsyncFaults{
		Source: func() (key, value []byte) {
			if l.raw == nil {
				return nil, nil
			}
			return l.raw.Key, l.raw.Value
		},
		Decide: func(e *node.AsyncError, cur *node.Current, key, value []byte, attempt int) (again bool, err error) {
			f := &task.Failure{
				Kind: task.Unprocessable, Topic: cur.Topic, Partition: cur.Partition, Offset: cur.Offset, Time: cur.Time,
				Key: key, Value: value, Headers: cur.Headers, Operator: n.Name, Where: n.Where,
				Reason: task.Unprocessable.String(), Attempt: attempt, Err: e,
			}
			if cur.Offset < 0 {
				f.Topic = ""
			}
			return judge.Judge(f)
		},
	}
}

// waker tells the task's owner that a call has ended.
func (l *linking) waker() func() {
	if w, ok := l.rt.(task.Waker); ok {
		return w.Wake
	}
	return func() {}
}

// lifetime is how long a commit may wait.
func (l *linking) lifetime() context.Context {
	if t, ok := l.rt.(task.Lifetime); ok {
		return t.Context()
	}
	return context.Background()
}
