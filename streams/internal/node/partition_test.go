package node

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams/record"
)

// address writes down where records go, in a topic of three partitions.
func address(went *[]int32) Address {
	return Address{Topic: "z", Count: func() (int32, error) { return 3, nil }, Set: func(p int32) { *went = append(*went, p) }}
}

func TestPartitionersChoose(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var went []int32
	length := func(r record.Record[string, string], n int32) int32 { return int32(len(r.Value)) - n + 2 }
	s := Partition(address(&went), length, collect[string, string](b))
	require.NoError(t, s(rec("k", "ab", 1)))
	require.NoError(t, s(rec("k", "abc", 2)))
	require.NoError(t, s(rec("k", "", 3)))
	require.Equal(t, []int32{1, 2, -1}, went, "a negative choice is Kafka's")
	require.ErrorContains(t, s(rec("k", "abcd", 4)), "the partitioner chose partition 3 of topic z, which has 3")
	require.Equal(t, []string{"k=ab~1", "k=abc~2", "k=~3"}, b.take())
}

func TestMulticast(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var went []int32
	all := func(r record.Record[string, string], n int32) (out []int32) {
		for p := range n {
			if r.Value != "" {
				out = append(out, p)
			}
		}
		return out
	}
	s := Multicast(address(&went), all, collect[string, string](b))
	require.NoError(t, s(rec("k", "v", 1)))
	require.NoError(t, s(rec("k", "", 2)))
	require.Equal(t, []int32{0, 1, 2}, went)
	require.Equal(t, []string{"k=v~1", "k=v~1", "k=v~1"}, b.take(), "the second goes nowhere")
	far := func(record.Record[string, string], int32) []int32 { return []int32{7} }
	require.ErrorContains(t, Multicast(address(&went), far, drop[string, string])(rec("k", "v", 1)), "partition 7 of topic z")
}

func TestPartitionsThatCannotBeCounted(t *testing.T) {
	t.Parallel()
	broken := errors.New("no broker")
	to := Address{Topic: "z", Count: func() (int32, error) { return 0, broken }}
	require.ErrorIs(t, Partition(to, func(record.Record[string, string], int32) int32 { return 0 }, drop[string, string])(rec("k", "v", 1)), broken)
	require.ErrorIs(t, Multicast(to, func(record.Record[string, string], int32) []int32 { return nil }, drop[string, string])(rec("k", "v", 1)), broken)
}
