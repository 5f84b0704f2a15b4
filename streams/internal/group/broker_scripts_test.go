package group_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// TestScriptsOnABroker are a few random lives of a group with real clients: members
// join, leave, and crash, which is to go silent until the session times out. No
// partition has two owners at a time, and three rebalances are enough after each; a
// fourth generation may be one that a member cut short by joining again before all
// knew what they got.
func TestScriptsOnABroker(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			newTown(t, seed).live()
		})
	}
}

// town is a group on a broker.
type town struct {
	t       *testing.T
	rng     *rand.Rand
	cluster *kfake.Cluster
	owners  *owners
	members map[string]*live
	born    int
}

func newTown(t *testing.T, seed uint64) *town {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(4, "in", "app-counts-repartition"),
		kfake.BrokerConfigs(map[string]string{"group.min.session.timeout.ms": "100", "group.initial.rebalance.delay.ms": "0"}))
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return &town{
		t: t, rng: rand.New(rand.NewPCG(seed, 5)), cluster: c,
		owners: &owners{of: make(map[string]string)}, members: make(map[string]*live),
	}
}

func (w *town) live() {
	w.enter()
	before := w.settle()
	for range 6 {
		w.event()
		require.LessOrEqual(w.t, w.settle()-before, int32(3+1), "rebalances after one event")
		before = w.cluster.GroupInfo("app").Epoch
	}
	w.owners.mu.Lock()
	defer w.owners.mu.Unlock()
	require.Empty(w.t, w.owners.twice)
}

func (w *town) event() {
	names := slices.Sorted(maps.Keys(w.members))
	if len(names) < 2 || len(names) < 4 && w.rng.IntN(2) == 0 {
		w.enter()
		return
	}
	// A static member that closes is silent from then on: to the group it crashed.
	name := names[w.rng.IntN(len(names))]
	w.members[name].stop()
	w.owners.forget(name)
	delete(w.members, name)
}

func (w *town) enter() {
	w.born++
	name := fmt.Sprintf("m%d", w.born)
	opts := []kgo.Opt{kgo.SessionTimeout(2 * time.Second)}
	if w.rng.IntN(2) == 0 {
		opts = append(opts, kgo.InstanceID(name))
	}
	w.members[name] = start(w.t, w.cluster, w.owners, name, opts...)
}

// settle waits until all partitions have owners, evenly, and for how long it takes a
// few heartbeats to make sure; it returns the generation that came to it. Rebalances
// that follow change nothing: a client may ask for one that is done already.
func (w *town) settle() (epoch int32) {
	w.t.Helper()
	calm := 0
	require.Eventually(w.t, func() bool {
		least, most, all := w.owners.loads(slices.Collect(maps.Keys(w.members)))
		info := w.cluster.GroupInfo("app")
		switch {
		case all != 8 || most-least > 1 || info == nil || info.State != "Stable":
			calm = 0
		case calm == 0:
			calm, epoch = 1, info.Epoch
		default:
			calm++
		}
		return calm > 60
	}, 60*time.Second, 5*time.Millisecond)
	return epoch
}

// loads are the fewest and the most partitions of a member, and how many all have.
func (o *owners) loads(names []string) (least, most, all int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	load := make(map[string]int)
	for _, name := range o.of {
		load[name]++
	}
	least = len(o.of)
	for _, name := range names {
		least, most, all = min(least, load[name]), max(most, load[name]), all+load[name]
	}
	return least, most, all
}

// forget is what a crash releases.
func (o *owners) forget(name string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	maps.DeleteFunc(o.of, func(_, owner string) bool { return owner == name })
}
