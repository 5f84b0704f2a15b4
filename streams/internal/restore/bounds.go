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

// listBounds asks for the first and the end offset of each changelog partition.
// The end is listed read-uncommitted: what a transaction of a former owner left
// open counts as there, so that the reader waits for its outcome.
func listBounds(ctx context.Context, admin *kgo.Client, cursors []*cursor) error {
	starts, err := listOffsets(ctx, admin, cursors, logStart)
	if err != nil {
		return err
	}
	ends, err := listOffsets(ctx, admin, cursors, logEnd)
	if err != nil {
		return err
	}
	for _, c := range cursors {
		c.start, c.end = starts[c.store.Changelog], ends[c.store.Changelog]
	}
	return nil
}

// listOffsets repeats while leaders move.
func listOffsets(ctx context.Context, admin *kgo.Client, cursors []*cursor, at int64) (map[string]int64, error) {
	const attempts = 10
	for try := 1; ; try++ {
		out, err := listOnce(ctx, admin, cursors, at)
		if err == nil || !kerr.IsRetriable(err) || try == attempts {
			return out, err
		}
		if err := pause(ctx, time.Duration(try)*100*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

func listOnce(ctx context.Context, admin *kgo.Client, cursors []*cursor, at int64) (map[string]int64, error) {
	req := kmsg.NewPtrListOffsetsRequest()
	req.ReplicaID = -1
	for _, c := range cursors {
		t := kmsg.NewListOffsetsRequestTopic()
		t.Topic = c.store.Changelog
		p := kmsg.NewListOffsetsRequestTopicPartition()
		p.Partition, p.Timestamp = c.task.Partition, at
		t.Partitions = append(t.Partitions, p)
		req.Topics = append(req.Topics, t)
	}
	resp, err := req.RequestWith(ctx, admin)
	if err != nil {
		return nil, fmt.Errorf("listing changelog offsets: %w", err)
	}
	return readOffsets(resp, len(cursors))
}

func readOffsets(resp *kmsg.ListOffsetsResponse, want int) (map[string]int64, error) {
	out := make(map[string]int64, want)
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return nil, fmt.Errorf("listing offsets of changelog %s/%d: %w", t.Topic, p.Partition, err)
			}
			out[t.Topic] = p.Offset
		}
	}
	if len(out) != want {
		return nil, fmt.Errorf("listing changelog offsets: the broker answered for %d of %d topics", len(out), want)
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

// consumerOpts make a client that reads the changelogs from the cursors on:
// large fetches, committed records, ends of transactions included, because they
// can be the last thing in a log.
func consumerOpts(open map[string]*cursor, partition int32) []kgo.Opt {
	from := make(map[string]map[int32]kgo.Offset, len(open))
	for topic, c := range open {
		from[topic] = map[int32]kgo.Offset{partition: kgo.NewOffset().At(c.next)}
	}
	return []kgo.Opt{
		kgo.ConsumePartitions(from),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(),
		kgo.FetchMaxBytes(4 * batchBytes),
		kgo.FetchMaxPartitionBytes(2 * batchBytes),
		kgo.MaxConcurrentFetches(2),
	}
}

// fetchError finds what the client does not repair by itself.
func fetchError(ctx context.Context, task topo.TaskID, fetches kgo.Fetches) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, e := range fetches.Errors() {
		if errors.Is(e.Err, context.Canceled) {
			return e.Err
		}
		return fmt.Errorf("task %s: reading changelog %s/%d: %w", task, e.Topic, e.Partition, e.Err)
	}
	return nil
}
