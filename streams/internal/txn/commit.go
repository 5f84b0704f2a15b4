package txn

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams/internal/topo"
)

// Offset is the position of one source partition: the next offset to process.
type Offset struct {
	Topic       string
	Partition   int32
	Offset      int64
	LeaderEpoch int32 // -1 if unknown
	// Metadata travels with the offset in the group, see task.Metadata.
	Metadata string
}

// Part is one task's share of a commit. Its methods are called on the goroutine
// that commits, which is the one that owns the task.
type Part interface {
	ID() topo.TaskID
	// Flush writes out what operators hold back.
	Flush() error
	// Offsets are the source positions, after Flush; none if nothing was processed.
	Offsets() []Offset
	// Position is where the changelogs stand once everything is acknowledged.
	Position() store.Position
	// CommitState applies staged writes together with the position.
	CommitState(store.Position) error
	// Committed tells the task that its offsets are safe.
	Committed([]Offset)
	// Lost reports that the group has taken the task away, perhaps while a callback
	// hung: then nothing of it may be committed, by whatever membership there is now.
	Lost() bool
}

// Sender waits until everything that was emitted is acknowledged.
type Sender interface {
	// Flush returns the first delivery error since the sender was made.
	Flush(context.Context) error
}

// Transaction is a Sender whose records become visible together, with the offsets.
// After an error it must be thrown away, since nobody knows what the broker did.
type Transaction interface {
	Sender
	// Empty reports that nothing was emitted since the last End.
	Empty() bool
	// Register makes the group's offsets a part of the transaction, where brokers do
	// not do so by themselves.
	Register(context.Context) error
	// AddOffsets has them committed with the transaction, in a member's name.
	AddOffsets(context.Context, Membership, []Offset) error
	// End commits, and begins the next transaction.
	End(context.Context) error
}

// Group commits offsets for this member.
type Group interface {
	// Membership is the member as it is now.
	Membership() Membership
	// Commit commits for the member m and fails if that is not who it is any more. Its
	// errors are for [Judge] to read.
	Commit(ctx context.Context, m Membership, offsets []Offset) error
	// Await waits until the group has given out another assignment than the one that
	// m is of. It fails with UNKNOWN_MEMBER_ID once the tasks are lost.
	Await(ctx context.Context, m Membership) error
}

// Protocol carries out commits of one worker's tasks. It is used by one goroutine.
type Protocol struct {
	Sender Sender
	// Transaction makes commits exactly-once; Sender is not used then.
	Transaction Transaction
	Group       Group
	// Purge is told which source offsets are safe, to delete what lies before
	// them in repartition topics. It must not block. Nil does nothing.
	Purge func([]Offset)
	// Hook, if set, is called before each step and can fail it. It is how tests
	// crash between steps.
	Hook func(Step) error
}

// commit is one run of the protocol.
type commit struct {
	*Protocol
	parts   []Part
	offsets [][]Offset // by part
	all     []Offset
}

// Commit commits the parts together. On error nothing after the failed step has
// happened; what it means for the tasks says [Judge].
func (p *Protocol) Commit(ctx context.Context, parts []Part) error {
	c := &commit{Protocol: p, parts: parts}
	for _, s := range c.steps() {
		if err := c.step(ctx, s.name, s.run); err != nil {
			return err
		}
	}
	return nil
}

type step struct {
	name Step
	run  func(context.Context) error
}

// steps is the protocol. Its order is the promise of the package.
func (c *commit) steps() []step {
	if c.Transaction != nil {
		return c.exactlyOnce()
	}
	return []step{
		{StepFlush, c.flush},
		{StepSend, c.Sender.Flush},
		{StepOffsets, c.commitOffsets},
		{StepState, c.state},
		{StepPurge, c.purge},
	}
}

func (c *commit) step(ctx context.Context, name Step, run func(context.Context) error) error {
	if c.Hook != nil {
		if err := c.Hook(name); err != nil {
			return &Error{Step: name, Err: err}
		}
	}
	if err := run(ctx); err != nil {
		return &Error{Step: name, Err: err}
	}
	return nil
}

func (c *commit) flush(context.Context) error {
	for _, p := range c.parts {
		if err := p.Flush(); err != nil {
			return fmt.Errorf("task %s: %w", p.ID(), err)
		}
		offsets := p.Offsets()
		c.offsets = append(c.offsets, offsets)
		c.all = append(c.all, offsets...)
	}
	return nil
}

func (c *commit) commitOffsets(ctx context.Context) error {
	if len(c.all) == 0 {
		return nil
	}
	m, err := c.member()
	if err != nil {
		return err
	}
	return c.Group.Commit(ctx, m, c.all)
}

// member is in whose name to commit. It is read before the tasks are asked whether
// they are lost: if one is lost later, the group does not take this member's word.
func (c *commit) member() (Membership, error) {
	m := c.Group.Membership()
	if m.MemberID == "" {
		return m, fmt.Errorf("not a member of the group: %w", kerr.UnknownMemberID)
	}
	for _, p := range c.parts {
		if p.Lost() {
			return m, fmt.Errorf("task %s was lost: %w", p.ID(), kerr.UnknownMemberID)
		}
	}
	return m, nil
}

// state comes after the offsets: a store that were ahead of them would count
// the records of the gap twice, without a crash of Kafka's making.
func (c *commit) state(context.Context) error {
	for i, p := range c.parts {
		if err := p.CommitState(p.Position()); err != nil {
			return fmt.Errorf("task %s: writing local state: %w", p.ID(), err)
		}
		p.Committed(c.offsets[i])
	}
	return nil
}

func (c *commit) purge(context.Context) error {
	if c.Purge != nil && len(c.all) > 0 {
		c.Purge(c.all)
	}
	return nil
}
