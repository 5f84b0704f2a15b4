package streams_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/cached"
	"github.com/millrace/millrace/store/memstore"
	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/internal/task"
	"github.com/millrace/millrace/streams/internal/topo"
)

// rig runs one partition of a topology in memory: tasks with stores, and
// repartition topics that lead from one to the next at once.
type rig struct {
	t       *testing.T
	plan    *topo.Plan
	entries map[string]task.Entry
	clocks  []func(int64)
	flushes []func() error
	now     int64
	// sent has what went to topics outside, as "topic key=value @time".
	sent    []string
	skipped map[string]int
}

// null stands for a null key or value in the rig's texts.
const null = "<null>"

func newRig(t *testing.T, declare func(b *streams.Builder)) *rig {
	t.Helper()
	return newCachedRig(t, nil, declare)
}

// newCachedRig is a rig with record caches, which commit flushes.
func newCachedRig(t *testing.T, caches *cached.Budget, declare func(b *streams.Builder)) *rig {
	t.Helper()
	b := streams.NewBuilder()
	declare(b)
	top, err := b.Build()
	require.NoError(t, err)
	program, plan := top.ForApplication("app", caches)
	r := &rig{t: t, plan: plan, entries: map[string]task.Entry{}, skipped: map[string]int{}}
	for _, sub := range plan.Subtopologies {
		linked, err := program.Link(topo.TaskID{Subtopology: sub.ID}, &rigTask{r, memstore.New(), sub.Stores})
		require.NoError(t, err)
		maps.Copy(r.entries, linked.Entries)
		r.clocks = append(r.clocks, linked.StreamTime)
		r.flushes = append(r.flushes, linked.Flush...)
	}
	require.ElementsMatch(t, plan.SourceTopics(), slices.Collect(maps.Keys(r.entries)))
	return r
}

// send brings a record into the topology and returns the error of processing.
func (r *rig) send(topic, key, value string, ms int64) error {
	r.t.Helper()
	return r.enter(&task.Raw{Topic: topic, Key: raw(key), Value: raw(value), Time: ms})
}

func (r *rig) enter(rec *task.Raw) error {
	entry := r.entries[rec.Topic]
	require.NotNil(r.t, entry, "a topic that the topology reads: %s", rec.Topic)
	r.now = max(r.now, rec.Time)
	for _, clock := range r.clocks {
		clock(r.now)
	}
	return entry(rec)
}

// feed sends records that must not fail, all at consecutive ms.
func (r *rig) feed(topic string, keysAndValues ...string) {
	r.t.Helper()
	for i := 0; i < len(keysAndValues); i += 2 {
		require.NoError(r.t, r.send(topic, keysAndValues[i], keysAndValues[i+1], r.now+1))
	}
}

// commit flushes and returns what was sent since the last call.
func (r *rig) commit() []string {
	r.t.Helper()
	for _, flush := range r.flushes {
		require.NoError(r.t, flush())
	}
	return r.took()
}

// took returns what was sent since the last call.
func (r *rig) took() []string {
	sent := r.sent
	r.sent = nil
	return sent
}

func raw(s string) []byte {
	if s == null {
		return nil
	}
	return []byte(s)
}

func shown(b []byte) string {
	if b == nil {
		return null
	}
	for _, c := range b {
		if c < ' ' || c > '~' {
			return fmt.Sprintf("%x", b)
		}
	}
	return string(b)
}

// rigTask is the runtime of one task of a rig.
type rigTask struct {
	r      *rig
	db     *memstore.DB
	stores []topo.Store
}

func (k *rigTask) Engine(name string) (store.Engine, error) {
	for _, s := range k.stores {
		if s.Spec.Name == name {
			return k.db.Engine(s.Spec)
		}
	}
	return nil, fmt.Errorf("the plan has no store %s", name)
}

func (k *rigTask) Emit(out *task.Out) error {
	if k.r.entries[out.Topic] != nil {
		return k.r.enter(&task.Raw{Topic: out.Topic, Key: slices.Clone(out.Key), Value: slices.Clone(out.Value), Time: out.Time})
	}
	k.r.sent = append(k.r.sent, fmt.Sprintf("%s %s=%s @%d", out.Topic, shown(out.Key), shown(out.Value), out.Time))
	return nil
}

func (k *rigTask) Skipped(operator, reason string) { k.r.skipped[operator+" "+reason]++ }
