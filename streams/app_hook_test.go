package streams

import (
	"fmt"
	"sync/atomic"

	"github.com/millrace/millrace/streams/internal/txn"
)

// CrashBefore makes an App fail in front of a commit step, when it comes to it
// for the n-th time, and from then on in front of every step.
func CrashBefore(a *App, step string, n int32, reached chan struct{}) {
	var seen atomic.Int32
	a.hook = func(at txn.Step) error {
		count := seen.Load()
		if string(at) == step {
			count = seen.Add(1)
		}
		if count < n {
			return nil
		}
		if count == n && string(at) == step {
			close(reached)
			seen.Add(1)
		}
		return fmt.Errorf("crash before %s", step)
	}
}
