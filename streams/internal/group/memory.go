package group

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
)

// A static leader that comes back within its session timeout keeps its old
// assignment, and the group stays as it is: the broker does not ask it to assign.
// That is right unless something changed while it was away, the topology above
// all; then new tasks would stay without an owner. So a leader notes what it
// assigned from, and compares when it comes back. The note must survive the
// process, but nothing depends on it: without it the group rebalances once.

// outdated is called with each assignment, of any member, and reports whether the
// group must assign again.
func (b *Balancer) outdated(own []byte) bool {
	l := b.leading
	b.leading = nil
	switch {
	case l == nil || b.opt.Recall == nil || b.opt.Remember == nil || b.opt.Counts == nil:
		return false
	case l.answered:
		if err := b.opt.Remember(l.digest(own)); err != nil {
			b.opt.Logger.Warn("the assignment could not be noted; a restart of this member will rebalance the group", "err", err)
		}
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), askTimeout)
	defer cancel()
	if _, err := l.count(ctx, nil); err != nil {
		b.opt.Logger.Warn("the group's assignment could not be checked; it is made anew", "err", err)
		return true
	}
	return !bytes.Equal(l.digest(own), b.opt.Recall())
}

// digest is of all that an assignment depends on and that does not change by
// itself, and of what this member got.
func (l *leader) digest(own []byte) []byte {
	h := sha256.New()
	for _, sub := range l.opt.Plan.Subtopologies {
		fmt.Fprintf(h, "sub-topology %d\n", sub.ID)
		for _, s := range sub.Sources {
			fmt.Fprintf(h, "reads %q of %d\n", s.Topic, l.counts[s.Topic])
		}
		for _, s := range sub.Stores {
			fmt.Fprintf(h, "logs %q\n", s.Changelog)
		}
	}
	var names []string
	for _, m := range l.members {
		names = append(names, m.name)
	}
	slices.Sort(names)
	fmt.Fprintf(h, "members %q\nown %x\n", names, own)
	return h.Sum(nil)
}
