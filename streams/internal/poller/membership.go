package poller

import (
	"context"
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/millrace/millrace/streams/internal/txn"
)

var _ txn.Group = (*Poller)(nil)

// standing is what the group has told this member last. It is safe for concurrent use.
type standing struct {
	mu         sync.Mutex
	generation int32         // of the last assignment
	losses     int           // how often everything was taken away
	changed    chan struct{} // closed at the next change
}

func newStanding() *standing { return &standing{generation: -1, changed: make(chan struct{})} }

// assigned notes an assignment, lost that there is none any more.
func (s *standing) assigned(generation int32) { s.change(func() { s.generation = generation }) }
func (s *standing) lost()                     { s.change(func() { s.losses++ }) }

func (s *standing) change(how func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	how()
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *standing) look() (generation int32, losses int, changed <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.generation, s.losses, s.changed
}

// await waits for an assignment of a later generation, or the loss of all.
func (s *standing) await(ctx context.Context, generation int32) error {
	_, before, _ := s.look()
	for {
		now, losses, changed := s.look()
		switch {
		case losses != before:
			return fmt.Errorf("the tasks were lost: %w", kerr.UnknownMemberID)
		case now > generation:
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("waiting for an assignment after generation %d: %w", generation, ctx.Err())
		}
	}
}

// member is the client as a member of its group.
func (p *Poller) member() txn.Member {
	return txn.Member{Client: p.client, InstanceID: p.opt.InstanceID}
}

// Membership implements txn.Group.
func (p *Poller) Membership() txn.Membership { return p.member().Membership() }

// Commit implements txn.Group.
func (p *Poller) Commit(ctx context.Context, m txn.Membership, offsets []txn.Offset) error {
	return p.member().Commit(ctx, m, offsets)
}

// Await implements txn.Group.
func (p *Poller) Await(ctx context.Context, m txn.Membership) error {
	return p.standing.await(ctx, m.Generation)
}

// Alive asks the coordinator whether it still knows this member.
func (p *Poller) Alive(ctx context.Context) error { return p.member().Alive(ctx) }
