package group

import (
	"fmt"
	"net"
	"strconv"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/millrace/millrace/streams/internal/assign/wire"
	"github.com/millrace/millrace/streams/internal/topo"
)

// member is one member as the leader sees it.
type member struct {
	id   string // the broker's
	name string // the instance id where there is one: it stays over restarts
	wire.Subscription
	owned      map[Partition]bool
	generation int32 // in which it got what it owns
}

// newMember decodes what a member sent.
func newMember(m kmsg.JoinGroupResponseMember) (*member, error) {
	meta, err := wire.DecodeMetadata(m.ProtocolMetadata)
	if err != nil {
		return nil, fmt.Errorf("member %s: %w", m.MemberID, err)
	}
	sub, err := wire.DecodeSubscription(meta.UserData)
	if err != nil {
		return nil, fmt.Errorf("member %s: %w", m.MemberID, err)
	}
	out := &member{
		id: m.MemberID, name: "dynamic " + m.MemberID,
		Subscription: sub, owned: make(map[Partition]bool), generation: meta.Generation,
	}
	if m.InstanceID != nil {
		out.name = "static " + *m.InstanceID
	}
	for topic, parts := range meta.Owned {
		for _, p := range parts {
			out.owned[Partition{Topic: topic, Partition: p}] = true
		}
	}
	return out, nil
}

// future members speak a version that this leader cannot read.
func (m *member) future() bool { return m.Version > wire.Latest }

// host is the member's endpoint, if it has one.
func (m *member) host() (Host, bool) { return parseHost(m.Endpoint) }

// sums are the offsets of tasks that the member has some state of.
func (m *member) sums() map[topo.TaskID]int64 {
	out := make(map[topo.TaskID]int64)
	for id, sum := range m.Offsets {
		if sum >= 0 {
			out[id] = sum
		}
	}
	return out
}

// tags are the client's, as far as they differ by key.
func (m *member) tags() map[string]string {
	out := make(map[string]string, len(m.Tags))
	for _, t := range m.Tags {
		out[t.Key] = t.Value
	}
	return out
}

// parseHost accepts host:port only: endpoints of other members are not trusted.
func parseHost(endpoint string) (Host, bool) {
	name, text, err := net.SplitHostPort(endpoint)
	if err != nil || name == "" || len(name) > 255 {
		return Host{}, false
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || port == 0 {
		return Host{}, false
	}
	return Host{Name: name, Port: int32(port)}, true
}
