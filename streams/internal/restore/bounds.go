package restore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/millrace/millrace/streams/internal/topo"
)

// The special timestamps of ListOffsets.
const (
	logEnd   = -1
	logStart = -2
)

// Bounds are the first offset of a partition's log and the one after its last.
type Bounds struct {
	Start, End int64
}

// Isolation says what counts as the end of a log.
type Isolation int8

const (
	// Uncommitted ends the log after its last record.
	Uncommitted Isolation = iota
	// Committed ends it before the first open transaction.
	Committed
)

// List asks for the bounds of one partition of several topics. It repeats while
// leaders move.
func List(ctx context.Context, admin *kgo.Client, topics []string, partition int32, end Isolation) (map[string]Bounds, error) {
	starts, err := listOffsets(ctx, admin, topics, partition, logStart, end)
	if err != nil {
		return nil, err
	}
	ends, err := listOffsets(ctx, admin, topics, partition, logEnd, end)
	if err != nil {
		return nil, err
	}
	out := make(map[string]Bounds, len(topics))
	for _, t := range topics {
		out[t] = Bounds{starts[t], ends[t]}
	}
	return out, nil
}

// After asks for the offset of the first record of a partition whose timestamp is not
// before a time; -1 if there is none.
func After(ctx context.Context, admin *kgo.Client, topic string, partition int32, t time.Time) (int64, error) {
	found, err := listOffsets(ctx, admin, []string{topic}, partition, t.UnixMilli(), Committed)
	return found[topic], err
}

func listOffsets(ctx context.Context, admin *kgo.Client, topics []string, partition int32, at int64, end Isolation) (map[string]int64, error) {
	const attempts = 10
	for try := 1; ; try++ {
		out, err := listOnce(ctx, admin, topics, partition, at, end)
		if err == nil || !kerr.IsRetriable(err) || try == attempts {
			return out, err
		}
		if err := pause(ctx, time.Duration(try)*100*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

func listOnce(ctx context.Context, admin *kgo.Client, topics []string, partition int32, at int64, end Isolation) (map[string]int64, error) {
	req := kmsg.NewPtrListOffsetsRequest()
	req.ReplicaID, req.IsolationLevel = -1, int8(end)
	for _, name := range topics {
		t := kmsg.NewListOffsetsRequestTopic()
		t.Topic = name
		p := kmsg.NewListOffsetsRequestTopicPartition()
		p.Partition, p.Timestamp = partition, at
		t.Partitions = append(t.Partitions, p)
		req.Topics = append(req.Topics, t)
	}
	resp, err := req.RequestWith(ctx, admin)
	if err != nil {
		return nil, fmt.Errorf("listing offsets: %w", err)
	}
	return readOffsets(resp, len(topics))
}

func readOffsets(resp *kmsg.ListOffsetsResponse, want int) (map[string]int64, error) {
	out := make(map[string]int64, want)
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return nil, fmt.Errorf("listing offsets of %s/%d: %w", t.Topic, p.Partition, err)
			}
			out[t.Topic] = p.Offset
		}
	}
	if len(out) != want {
		return nil, fmt.Errorf("listing offsets: the broker answered for %d of %d topics", len(out), want)
	}
	return out, nil
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// defaultFetch is large enough for the disk of a broker to be read in long stretches.
const defaultFetch = 16 << 20

// consumerOpts make a client that reads the changelogs from the cursors on:
// large fetches in memory that is bounded, committed records, ends of transactions
// included, because they can be the last thing in a log.
func consumerOpts(open map[string]*cursor, partition, fetchBytes int32) []kgo.Opt {
	from := make(map[string]map[int32]kgo.Offset, len(open))
	for topic, c := range open {
		from[topic] = map[int32]kgo.Offset{partition: kgo.NewOffset().At(c.next)}
	}
	return []kgo.Opt{
		kgo.ConsumePartitions(from),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(),
		kgo.FetchMaxBytes(fetchBytes),
		kgo.FetchMaxPartitionBytes(max(fetchBytes/2, 1)),
		kgo.MaxConcurrentFetches(2),
	}
}

// fetchError finds what the client does not repair by itself.
func fetchError(ctx context.Context, task topo.TaskID, fetches kgo.Fetches) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	found := fetches.Errors()
	if len(found) == 0 {
		return nil
	}
	first := found[0]
	if errors.Is(first.Err, context.Canceled) {
		return first.Err
	}
	return fmt.Errorf("task %s: reading changelog %s/%d: %w", task, first.Topic, first.Partition, first.Err)
}
