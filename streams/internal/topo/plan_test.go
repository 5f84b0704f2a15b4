package topo_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams/internal/topo"
)

func TestTaskIDText(t *testing.T) {
	t.Parallel()
	id, err := topo.ParseTaskID("2_17")
	require.NoError(t, err)
	require.Equal(t, topo.TaskID{Subtopology: 2, Partition: 17}, id)
	require.Equal(t, "2_17", id.String())
	for _, bad := range []string{"", "2", "_", "a_1", "1_", "-1_0", "0_-1", "1_2_3", "9999999999_0"} {
		_, err := topo.ParseTaskID(bad)
		require.ErrorContains(t, err, "is not a task id", bad)
	}
}

func TestTaskIDOrder(t *testing.T) {
	t.Parallel()
	a, b, c := topo.TaskID{Subtopology: 0, Partition: 9}, topo.TaskID{Subtopology: 1}, topo.TaskID{Subtopology: 1, Partition: 1}
	require.Negative(t, a.Compare(b))
	require.Negative(t, b.Compare(c))
	require.Positive(t, c.Compare(a))
	require.Zero(t, b.Compare(b))
}

// TestTasks: one for each partition of the largest source of a sub-topology.
func TestTasks(t *testing.T) {
	t.Parallel()
	built, err := parse(t, "a source topic=a\nb source topic=b\nm op under=a,b\nc aggregate under=m rekey=r").graph.Build(topo.Options{})
	require.NoError(t, err)
	p := built.Plan("app")
	require.Equal(t, []string{"a", "app-r-repartition", "b"}, p.SourceTopics())
	ids := p.Tasks(map[string]int32{"a": 1, "b": 2, "app-r-repartition": 1})
	require.Equal(t, []topo.TaskID{{Partition: 0}, {Partition: 1}, {Subtopology: 1}}, ids)

	sub, ok := p.SubtopologyOf("app-r-repartition")
	require.True(t, ok)
	require.EqualValues(t, 1, sub.ID)
	_, ok = p.SubtopologyOf("r-repartition")
	require.False(t, ok)
}
