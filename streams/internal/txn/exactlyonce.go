package txn

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
)

// assignmentWait is how long a transaction is kept open for a new assignment.
const assignmentWait = 10 * time.Second

// Membership is who commits. A zombie is told by its generation, whatever its
// transactional id, so every commit of offsets carries it (KIP-447).
type Membership struct {
	MemberID   string
	Generation int32
	InstanceID string // empty for a dynamic member
}

// exactlyOnce is the protocol in a transaction.
func (c *commit) exactlyOnce() []step {
	return []step{
		{StepFlush, c.flush},
		{StepSend, c.Transaction.Flush},
		{StepRegister, c.register},
		{StepOffsets, c.addOffsets},
		{StepEnd, c.end},
		{StepState, c.state},
		{StepPurge, c.purge},
	}
}

// plain reports that there is nothing for a transaction to do. The client would end
// it without a word to the broker, and leave offsets in it pending until its timeout;
// so offsets alone are committed outside of it, by generation.
func (c *commit) plain() bool { return c.Transaction.Empty() }

func (c *commit) register(ctx context.Context) error {
	if c.plain() || len(c.all) == 0 {
		return nil
	}
	return c.Transaction.Register(ctx)
}

// addOffsets sends the offsets in the member's name. If a rebalance has ended since
// that was read, the coordinator refuses a generation that is no longer; the tasks
// may well be ours still. So the new assignment is awaited, and the offsets sent
// again within the same transaction. A task that is revoked in it is ours until the
// revocation has been answered.
func (c *commit) addOffsets(ctx context.Context) error {
	if len(c.all) == 0 {
		return nil
	}
	for {
		m, err := c.member()
		if err != nil {
			return err
		}
		if err = c.sendOffsets(ctx, m); !errors.Is(err, kerr.IllegalGeneration) {
			return err
		}
		if err := c.await(ctx, m); err != nil {
			return err
		}
		if !rest(ctx, firstPause) { // never a loop that only asks
			return err
		}
	}
}

// await bounds the wait: in the callback of a revocation no assignment can come.
func (c *commit) await(ctx context.Context, m Membership) error {
	ctx, cancel := context.WithTimeout(ctx, assignmentWait)
	defer cancel()
	return c.Group.Await(ctx, m)
}

func (c *commit) sendOffsets(ctx context.Context, m Membership) error {
	return retrying(ctx, func() error {
		if c.plain() {
			return c.Group.Commit(ctx, m, c.all)
		}
		return c.Transaction.AddOffsets(ctx, m, c.all)
	})
}

func (c *commit) end(ctx context.Context) error {
	if c.plain() {
		return nil
	}
	return c.Transaction.End(ctx)
}
