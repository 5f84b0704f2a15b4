package group_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/millrace/millrace/streams/internal/assign"
	"github.com/millrace/millrace/streams/internal/group"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// cluster is a broker with the plan's topics.
func cluster(t *testing.T) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(4, "in", "app-counts-repartition"))
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// owners watches that no partition has two owners at a time.
type owners struct {
	mu    sync.Mutex
	of    map[string]string
	twice []string
}

func (o *owners) take(who string, parts map[string][]int32) {
	o.each(parts, func(p string) {
		if other := o.of[p]; other != "" {
			o.twice = append(o.twice, fmt.Sprintf("%s: %s and %s", p, other, who))
		}
		o.of[p] = who
	})
}

func (o *owners) release(parts map[string][]int32) {
	o.each(parts, func(p string) { delete(o.of, p) })
}

func (o *owners) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.of)
}

func (o *owners) each(parts map[string][]int32, do func(string)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for topic, numbers := range parts {
		for _, n := range numbers {
			do(fmt.Sprintf("%s/%d", topic, n))
		}
	}
}

// live is a member with a client of its own, polling.
type live struct {
	client atomic.Pointer[kgo.Client]
	told   chan group.Assignment
	done   chan struct{}
}

func start(t *testing.T, c *kfake.Cluster, o *owners, name string, opts ...kgo.Opt) *live {
	t.Helper()
	l := &live{told: make(chan group.Assignment, 100), done: make(chan struct{})}
	b := group.New(group.Options{
		Plan: plan(), ProcessID: uuid.NewSHA1(uuid.Nil, []byte(name)), Assign: assign.Options{AcceptableLag: assign.Any},
		OnAssignment: func(a group.Assignment) {
			l.told <- a
			if cl := l.client.Load(); a.RejoinNow && cl != nil {
				cl.ForceRebalance()
			}
		},
	})
	opts = append(opts,
		kgo.SeedBrokers(c.ListenAddrs()...), kgo.ConsumerGroup("app"), kgo.ConsumeTopics(plan().SourceTopics()...),
		kgo.Balancers(b), kgo.HeartbeatInterval(50*time.Millisecond), kgo.DisableAutoCommit(),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, p map[string][]int32) { o.take(name, p) }),
		kgo.OnPartitionsRevoked(func(_ context.Context, _ *kgo.Client, p map[string][]int32) { o.release(p) }),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, p map[string][]int32) { o.release(p) }),
	)
	cl, err := kgo.NewClient(opts...)
	require.NoError(t, err)
	l.client.Store(cl)
	go func() {
		defer close(l.done)
		for !cl.PollFetches(context.Background()).IsClientClosed() {
		}
	}()
	t.Cleanup(l.stop)
	return l
}

func (l *live) stop() {
	l.client.Load().Close()
	<-l.done
}

// until waits for an assignment of so many tasks.
func (l *live) until(t *testing.T, tasks int) group.Assignment {
	t.Helper()
	timeout := time.After(30 * time.Second)
	for {
		select {
		case a := <-l.told:
			require.NoError(t, a.Err)
			if len(a.Active) == tasks {
				return a
			}
		case <-timeout:
			require.FailNow(t, "no assignment", "of %d tasks", tasks)
		}
	}
}

// TestTwoMembers share the tasks; when one leaves the other has them all; at no
// time has a partition two owners.
func TestTwoMembers(t *testing.T) {
	t.Parallel()
	c, o := cluster(t), &owners{of: make(map[string]string)}
	first := start(t, c, o, "first")
	first.until(t, 8)
	second := start(t, c, o, "second")
	has := second.until(t, 4)
	left := first.until(t, 4)
	for id := range has.Active {
		require.NotContains(t, left.Active, id)
	}
	first.stop()
	second.until(t, 8)
	// The client's callback comes after the report.
	require.Eventually(t, func() bool { return o.count() == 8 }, 30*time.Second, time.Millisecond)
	o.mu.Lock()
	defer o.mu.Unlock()
	require.Empty(t, o.twice)
}

// TestLeave: a static member stays in the group when its client closes, until it
// is told to leave.
func TestLeave(t *testing.T) {
	t.Parallel()
	c, o := cluster(t), &owners{of: make(map[string]string)}
	static := start(t, c, o, "static", kgo.InstanceID("pod-0"))
	static.until(t, 8)
	static.stop()
	require.Len(t, c.GroupInfo("app").Members, 1)

	admin, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...))
	require.NoError(t, err)
	defer admin.Close()
	require.NoError(t, group.Leave(t.Context(), admin, "app", "pod-0"))
	require.Empty(t, c.GroupInfo("app").Members)
	require.NoError(t, group.Leave(t.Context(), admin, "app", "pod-0"), "again")
	require.NoError(t, group.Leave(t.Context(), admin, "no such group", "pod-0"))
	require.NoError(t, admin.Ping(t.Context()), "the client is still open")
}
