package streams_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/internal/task"
	"github.com/millrace/millrace/streams/internal/topo"
	"github.com/millrace/millrace/streams/serde"
)

var errFull = errors.New("the disk is full")

// broken is a runtime where nothing works.
type broken struct{ discard }

func (broken) Engine(string) (store.Engine, error) { return nil, errFull }
func (broken) Emit(*task.Out) error                { return errFull }

func program(t *testing.T, declare func(b builder)) task.Program {
	t.Helper()
	b := streams.NewBuilder()
	declare(b)
	top, err := b.Build()
	require.NoError(t, err)
	p, plan := top.ForApplication("app", nil)
	require.Equal(t, "app", plan.ApplicationID)
	return p
}

// TestLinkNamesTheStore that cannot be opened, and where it was declared.
func TestLinkNamesTheStore(t *testing.T) {
	t.Parallel()
	p := program(t, func(b builder) { b.Stream(text("a")).GroupByKey().Count(streams.As("counts")) })
	_, err := p.Link(topo.TaskID{Partition: 3}, &broken{})
	require.ErrorIs(t, err, errFull)
	require.Regexp(t, `^task 0_3: topology_test\.go:\d+: the store counts: `, err.Error())
	_, err = p.Link(topo.TaskID{Subtopology: 1}, &broken{})
	require.EqualError(t, err, "task 1_0: the topology has 1 sub-topologies")
}

// TestEmitErrorsComeUp to whoever called the entry.
func TestEmitErrorsComeUp(t *testing.T) {
	t.Parallel()
	p := program(t, func(b builder) { b.Stream(text("a")).To(text("z")) })
	linked, err := p.Link(topo.TaskID{}, &broken{})
	require.NoError(t, err)
	require.ErrorIs(t, linked.Entries["a"](&task.Raw{Topic: "a", Value: []byte("v")}), errFull)
}

// TestTopicKnowsItsSerdes, for code that reads or writes it elsewhere.
func TestTopicKnowsItsSerdes(t *testing.T) {
	t.Parallel()
	top := number("n")
	require.Equal(t, "n", top.Name())
	require.Equal(t, serde.String, top.KeySerde())
	require.Equal(t, serde.Int64, top.ValueSerde())
}

// TestMergedSessionsAreNotCountedAgain: the deletion of a session that was merged
// crosses the repartition topic as a null and is skipped by the aggregate behind.
func TestMergedSessionsAreNotCountedAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(b *streams.Builder) {
		b.Stream(text("a")).GroupByKey().SessionsBy(streams.SessionGap(5 * time.Second).Grace(time.Minute)).Count().
			ToStream(func(w streams.Windowed[string]) string { return w.Key }).
			GroupByKey(streams.As("again")).
			Reduce(func(_, n int64) int64 { return n })
	})
	seconds(r, 1, 4)
	require.Len(t, r.skipped, 1)
	for what, n := range r.skipped {
		require.Regexp(t, "^KSTREAM-REDUCE-.* null-value$", what)
		require.Equal(t, 1, n)
	}
}
