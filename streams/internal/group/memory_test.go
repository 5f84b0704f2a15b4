package group_test

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/millrace/millrace/streams/internal/group"
	"github.com/millrace/millrace/streams/internal/topo"
)

// memory is a state directory's memo.
type memory struct {
	data []byte
	full bool
}

func (m *memory) remember(data []byte) error {
	if m.full {
		return errors.New("disk full")
	}
	m.data = slices.Clone(data)
	return nil
}

func (m *memory) recall() []byte { return m.data }

func (m *memory) options(p *topo.Plan, counts map[string]int32) group.Options {
	return group.Options{
		Plan: p, Remember: m.remember, Recall: m.recall,
		Counts: func(context.Context) (map[string]int32, error) {
			if counts == nil {
				return nil, errors.New("no broker")
			}
			return counts, nil
		},
	}
}

// TestLeaderComesBack: a restarted static leader is given its old assignment and
// not asked to balance. It asks for a rebalance only if something changed.
func TestLeaderComesBack(t *testing.T) {
	t.Parallel()
	more := counts()
	more["in"] = 5
	grown := plan()
	grown.Subtopologies = append(grown.Subtopologies, topo.Subtopology{ID: 2, Sources: []topo.Source{{Topic: "new"}}})
	for name, test := range map[string]struct {
		plan   *topo.Plan
		counts map[string]int32
		change func(*memory, *exchange)
		rejoin bool
	}{
		"nothing changed": {plan(), counts(), nil, false},
		"more partitions": {plan(), more, nil, true},
		"more topology":   {grown, counts(), nil, true},
		"no memory":       {plan(), counts(), func(m *memory, _ *exchange) { m.data = nil }, true},
		"no broker":       {plan(), nil, nil, true},
		"other members":   {plan(), counts(), func(_ *memory, x *exchange) { x.members[1].id = "z" }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, x := &memory{}, newExchange(t)
			leader := x.join("a", m.options(plan(), counts()))
			instance := "pod-0"
			leader.instance = &instance
			x.join("b", group.Options{})
			require.NoError(t, x.round())
			require.NotEmpty(t, m.data)
			old := x.sent["a"]
			if test.change != nil {
				test.change(m, x)
			}

			back := x.join("a2", m.options(test.plan, test.counts))
			back.instance = &instance
			x.members = []*peer{back, x.members[1]}
			_, _, err := back.MemberBalancer(x.metadata())
			require.NoError(t, err)
			owned, err := back.ParseSyncAssignment(old)
			require.NoError(t, err)
			require.Len(t, owned, 2)
			require.Equal(t, test.rejoin, back.last().RejoinNow)
		})
	}
}

// TestMemoryFails: the group goes on.
func TestMemoryFails(t *testing.T) {
	t.Parallel()
	m := &memory{full: true}
	x := newExchange(t)
	a := x.join("a", m.options(nil, counts()))
	require.NoError(t, x.round())
	require.Equal(t, 8, a.partitions())
	require.False(t, a.last().RejoinNow)
}

// metadata is what the broker shows to a leader.
func (x *exchange) metadata() (in []kmsg.JoinGroupResponseMember) {
	for _, p := range x.members {
		m := kmsg.JoinGroupResponseMember{MemberID: p.id, InstanceID: p.instance, ProtocolMetadata: p.JoinGroupMetadata(nil, p.owned, p.joined)}
		if p.metadata != nil {
			m.ProtocolMetadata = p.metadata(m.ProtocolMetadata)
		}
		in = append(in, m)
	}
	slices.SortFunc(in, func(a, b kmsg.JoinGroupResponseMember) int { return cmp.Compare(a.MemberID, b.MemberID) })
	return in
}
