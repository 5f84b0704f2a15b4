package group

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/millrace/millrace/streams/internal/assign"
	"github.com/millrace/millrace/streams/internal/assign/wire"
	"github.com/millrace/millrace/streams/internal/topo"
)

// Protocol is the name of the group protocol, as Kafka Streams registers it.
const Protocol = "stream"

// Options of a Balancer.
type Options struct {
	Plan *topo.Plan
	// ProcessID names the local state; it stays over restarts.
	ProcessID uuid.UUID
	// Endpoint is the host:port at which this process answers queries, or empty.
	Endpoint string
	// Offsets says, at each join, how much state this process has: for each stateful
	// task wire.Running, or the sum of the next offsets to restore. Nil is nothing.
	// It must not block.
	Offsets func() map[topo.TaskID]int64
	// Tags are told to the group, for a leader that spreads copies by them.
	Tags map[string]string
	// Assign says how this member assigns while it leads.
	Assign assign.Options
	// ProbingInterval is how soon this member, while it leads, assigns again when
	// tasks wait for their state.
	ProbingInterval time.Duration
	// Counts are the partition counts of all source topics; the leader asks before
	// it assigns. Nil leaves it to what the client knows. An error makes the group
	// try again.
	Counts func(context.Context) (map[string]int32, error)
	// EndOffsets are, by task, the sums of the end offsets of its changelogs; the
	// leader asks before it assigns. Nil or an error is unknown.
	EndOffsets func(context.Context, []topo.TaskID) (map[topo.TaskID]int64, error)
	// OnAssignment is told each assignment before the client's callbacks act on it.
	// It runs on the client's group goroutine: it must not block or call the client,
	// but for ForceRebalance.
	OnAssignment func(Assignment)
	// Remember keeps a few bytes over restarts of this process, and Recall returns
	// them; nil is nothing. A leader that is a static member needs them, and Counts,
	// to see whether the group's assignment still fits when it comes back. May be nil.
	Remember func([]byte) error
	Recall   func() []byte
	// Logger may be nil.
	Logger *slog.Logger
}

// Balancer is the group protocol of one client. Its methods are the client's to
// call, on one goroutine.
type Balancer struct {
	opt Options
	// version is the version of the next join; it follows the group's.
	version int32
	// unique is raised with each join, so that the broker sees a change.
	unique byte
	// leading is set between MemberBalancer and ParseSyncAssignment.
	leading *leader
}

var _ kgo.GroupBalancer = (*Balancer)(nil)

// New returns the Balancer of one client.
func New(opt Options) *Balancer {
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	if opt.Offsets == nil {
		opt.Offsets = func() map[topo.TaskID]int64 { return nil }
	}
	if opt.OnAssignment == nil {
		opt.OnAssignment = func(Assignment) {}
	}
	return &Balancer{opt: opt, version: wire.Latest}
}

// ProtocolName implements kgo.GroupBalancer.
func (*Balancer) ProtocolName() string { return Protocol }

// IsCooperative implements kgo.GroupBalancer: tasks that stay are not interrupted.
func (*Balancer) IsCooperative() bool { return true }

// JoinGroupMetadata implements kgo.GroupBalancer. The topics are the plan's, as
// the client leaves out those that it has not seen yet.
func (b *Balancer) JoinGroupMetadata(_ []string, owned map[string][]int32, generation int32) []byte {
	sub := wire.Subscription{
		Version:   b.version,
		Latest:    wire.Latest,
		ProcessID: b.opt.ProcessID,
		Endpoint:  b.opt.Endpoint,
		Offsets:   b.opt.Offsets(),
		Unique:    b.unique,
	}
	for _, key := range slices.Sorted(maps.Keys(b.opt.Tags)) {
		sub.Tags = append(sub.Tags, wire.Tag{Key: key, Value: b.opt.Tags[key]})
	}
	b.unique++
	b.leading = nil
	data, err := sub.Encode()
	if err != nil {
		// Too large: what is left out only makes the assignment less clever.
		b.opt.Logger.Warn("the state of this process could not be told to the group", "err", err)
		sub.Offsets = nil
		data, _ = sub.Encode()
	}
	m := wire.Metadata{Topics: b.opt.Plan.SourceTopics(), Owned: owned, Generation: generation, UserData: data}
	return m.Encode()
}

// ParseSyncAssignment implements kgo.GroupBalancer. An assignment that cannot be
// carried out is reported with its Err, and no partition is taken from it.
func (b *Balancer) ParseSyncAssignment(data []byte) (map[string][]int32, error) {
	a, err := b.parse(data)
	if err != nil {
		b.opt.OnAssignment(Assignment{Err: err})
		return nil, err
	}
	a.RejoinNow = b.outdated(data) || a.RejoinNow
	b.opt.OnAssignment(a)
	out := make(map[string][]int32)
	for _, parts := range a.Active {
		for _, p := range parts {
			out[p.Topic] = append(out[p.Topic], p.Partition)
		}
	}
	for _, parts := range out {
		slices.Sort(parts)
	}
	return out, nil
}

// MemberBalancer implements kgo.GroupBalancer: it is called on the leader.
func (b *Balancer) MemberBalancer(members []kmsg.JoinGroupResponseMember) (kgo.GroupMemberBalancer, map[string]struct{}, error) {
	l, err := newLeader(b.opt, members)
	if err != nil {
		b.opt.Logger.Error("this member leads the group and cannot assign its tasks", "err", err)
		return nil, nil, err
	}
	b.leading = l
	topics := make(map[string]struct{})
	for _, t := range b.opt.Plan.SourceTopics() {
		topics[t] = struct{}{}
	}
	return l, topics, nil
}
