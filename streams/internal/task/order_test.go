package task_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams/internal/task"
	"github.com/millrace/millrace/streams/internal/topo"
)

// model is the queues as plain lists, to judge the task's choice by.
type model struct {
	topics []string
	heads  map[string][]task.Raw
	time   int64
}

// lowest is the time of the oldest head.
func (m *model) lowest(t *testing.T) int64 {
	found, low := false, int64(0)
	for _, rs := range m.heads {
		if len(rs) > 0 && (!found || rs[0].Time < low) {
			found, low = true, rs[0].Time
		}
	}
	require.True(t, found)
	return low
}

// take is what the task is about to process.
func (m *model) take(t *testing.T, r *task.Raw) {
	low := m.lowest(t)
	require.Equal(t, low, r.Time, "the oldest head goes first")
	require.Equal(t, m.heads[r.Topic][0].Offset, r.Offset, "in order of offsets")
	m.heads[r.Topic] = m.heads[r.Topic][1:]
	m.time = max(m.time, r.Time)
}

// TestOrderOverRandomArrivals: whatever arrives when, each record is the oldest
// head of its moment, none is lost, and the books are right at every step.
func TestOrderOverRandomArrivals(t *testing.T) {
	t.Parallel()
	for range 50 {
		seed := rand.Uint64()
		rng := rand.New(rand.NewPCG(seed, 0))
		if !t.Run("", func(t *testing.T) { randomArrivals(t, rng) }) {
			t.Fatalf("seed %d", seed)
		}
	}
}

func randomArrivals(t *testing.T, rng *rand.Rand) {
	m := &model{topics: []string{"a", "b", "c", "d", "e"}[:1+rng.IntN(5)], heads: map[string][]task.Raw{}, time: -1}
	l := &task.Linked{Entries: map[string]task.Entry{}}
	for _, topic := range m.topics {
		l.Entries[topic] = func(r *task.Raw) error { m.take(t, r); return nil }
	}
	tk, err := task.New(topo.TaskID{}, m.topics, linked{l}, &fake{}, task.Options{})
	require.NoError(t, err)
	next := map[string]int64{}
	for range 200 {
		if rng.IntN(3) == 0 {
			arrive(t, rng, m, tk, next)
			continue
		}
		_, err := tk.Process()
		require.NoError(t, err)
		checkBooks(t, m, tk, next)
	}
	for ok := true; ok; {
		ok, err = tk.Process()
		require.NoError(t, err)
	}
	require.Zero(t, tk.Ready())
	for topic, waiting := range m.heads {
		require.Empty(t, waiting, topic)
	}
}

// arrive adds a batch with times that go back and forth and offsets with gaps.
func arrive(t *testing.T, rng *rand.Rand, m *model, tk *task.Task, next map[string]int64) {
	topic := m.topics[rng.IntN(len(m.topics))]
	batch := make([]task.Raw, 1+rng.IntN(5))
	for i := range batch {
		batch[i] = task.Raw{Topic: topic, Offset: next[topic], Time: int64(rng.IntN(20))}
		next[topic] += 1 + int64(rng.IntN(3))
	}
	m.heads[topic] = append(m.heads[topic], batch...)
	require.NoError(t, tk.Add(topic, batch))
}

func checkBooks(t *testing.T, m *model, tk *task.Task, next map[string]int64) {
	ready := 0
	for _, topic := range m.topics {
		waiting := m.heads[topic]
		require.Equal(t, len(waiting), tk.Buffered(topic))
		if len(waiting) > 0 {
			ready++
			require.Equal(t, waiting[0].Offset, tk.Position(topic))
		}
	}
	require.Equal(t, ready, tk.Ready())
	require.Equal(t, m.time, tk.StreamTime())
	for _, o := range tk.Offsets() {
		require.LessOrEqual(t, o.Offset, next[o.Topic])
		require.LessOrEqual(t, o.PartitionTime, tk.StreamTime())
	}
}

// TestTiesOfManyTopics: four topics of two records, all of one time, come in the
// order in which a java.util.PriorityQueue of OpenJDK gives them, polling one and
// offering it again as Kafka Streams does.
func TestTiesOfManyTopics(t *testing.T) {
	t.Parallel()
	var got []string
	l := &task.Linked{Entries: map[string]task.Entry{}}
	topics := []string{"a", "b", "c", "d"}
	for _, topic := range topics {
		l.Entries[topic] = func(r *task.Raw) error { got = append(got, r.Topic); return nil }
	}
	tk, err := task.New(topo.TaskID{}, topics, linked{l}, &fake{}, task.Options{})
	require.NoError(t, err)
	for _, topic := range topics {
		require.NoError(t, tk.Add(topic, []task.Raw{{Topic: topic, Time: 1}, {Topic: topic, Time: 1}}))
	}
	for tk.Ready() > 0 {
		_, err := tk.Process()
		require.NoError(t, err)
	}
	require.Equal(t, []string{"a", "d", "a", "d", "c", "b", "c", "b"}, got)
}
