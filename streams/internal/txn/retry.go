package txn

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
)

const (
	firstPause = 20 * time.Millisecond
	lastPause  = time.Second
)

// retrying repeats a request whose answer says that it was not carried out and may
// be later on. A request without an answer is not repeated here: the client has done
// so, as far as it is safe.
func retrying(ctx context.Context, request func() error) error {
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		err := request()
		if !again(err) {
			return err
		}
		if !rest(ctx, pause) {
			return err
		}
	}
}

// rest waits, and reports whether ctx has time left.
func rest(ctx context.Context, pause time.Duration) bool {
	wait := time.NewTimer(pause)
	defer wait.Stop()
	select {
	case <-wait.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func again(err error) bool {
	return isAny(err, kerr.RebalanceInProgress, kerr.ConcurrentTransactions, kerr.CoordinatorLoadInProgress, kerr.CoordinatorNotAvailable, kerr.NotCoordinator,
		kerr.UnknownTopicOrPartition, kerr.NotLeaderForPartition)
}
