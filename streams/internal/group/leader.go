package group

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/millrace/millrace/streams/internal/assign/wire"
	"github.com/millrace/millrace/streams/internal/topo"
)

// askTimeout bounds what the leader asks the brokers: the whole group waits.
const askTimeout = 20 * time.Second

// leader assigns all tasks once.
type leader struct {
	opt     Options
	members []*member
	// used is the version of all answers, common the newest that all can read.
	used, common int32

	tasks  []topo.TaskID
	counts map[string]int32
	// answered is false if the broker wanted no assignment.
	answered bool
}

var _ kgo.GroupMemberBalancerOrError = (*leader)(nil)

// newLeader decodes what all members sent. One that cannot be decoded is an error:
// to leave it out would take its tasks from a member that goes on working.
func newLeader(opt Options, members []kmsg.JoinGroupResponseMember) (*leader, error) {
	l := &leader{opt: opt, used: wire.Latest, common: wire.Latest}
	for _, m := range members {
		decoded, err := newMember(m)
		if err != nil {
			return nil, err
		}
		l.members = append(l.members, decoded)
		l.used = min(l.used, decoded.Version)
		l.common = min(l.common, latestOf(decoded))
	}
	return l, nil
}

// latestOf is what a member can read: versions before 3 do not say.
func latestOf(m *member) int32 {
	if m.Version < 3 {
		return m.Version
	}
	return max(m.Latest, 1)
}

// Balance is never called: the client prefers BalanceOrError.
func (l *leader) Balance(topics map[string]int32) kgo.IntoSyncAssignment {
	plan, _ := l.BalanceOrError(topics)
	return plan
}

// BalanceOrError makes the answers for all members. An error makes the group try
// again later; what cannot get better by itself is told to all members instead.
func (l *leader) BalanceOrError(known map[string]int32) (kgo.IntoSyncAssignment, error) {
	if slices.ContainsFunc(l.members, func(m *member) bool { return m.ErrorCode == wire.ShutdownApplication }) {
		return l.refuse(wire.ShutdownApplication)
	}
	ctx, cancel := context.WithTimeout(context.Background(), askTimeout)
	defer cancel()
	missing, err := l.count(ctx, known)
	if err != nil {
		return nil, fmt.Errorf("partition counts of the source topics: %w", err)
	}
	if missing != "" {
		l.opt.Logger.Error("a source topic is missing; the group stops", "topic", missing)
		return l.refuse(wire.IncompleteSources)
	}
	l.answered = true
	l.tasks = l.opt.Plan.Tasks(l.counts)
	return l.answers(l.assign(ctx))
}

// count settles the partition counts. What the client knows may lag behind, and
// so may what Counts answers: topics only ever grow.
func (l *leader) count(ctx context.Context, known map[string]int32) (missing string, err error) {
	l.counts = make(map[string]int32)
	if l.opt.Counts != nil {
		asked, err := l.opt.Counts(ctx)
		if err != nil {
			return "", err
		}
		known = larger(known, asked)
	}
	for _, t := range l.opt.Plan.SourceTopics() {
		if known[t] > 0 {
			l.counts[t] = known[t]
			continue
		}
		if l.opt.Counts == nil {
			return "", errors.New("topic " + t + " is not known to this client yet")
		}
		missing = t
	}
	return missing, nil
}

// larger takes the larger count of each topic.
func larger(a, b map[string]int32) map[string]int32 {
	out := make(map[string]int32)
	for _, m := range []map[string]int32{a, b} {
		for t, n := range m {
			out[t] = max(out[t], n)
		}
	}
	return out
}
