package check

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Collect reads from the brokers what the job has left there. Its processes must have
// ended, or else stand still. opts say how to connect.
func Collect(ctx context.Context, job Job, opts ...kgo.Opt) (e Evidence, err error) {
	c := &collector{Job: job, opts: opts}
	if c.client, err = kgo.NewClient(opts...); err != nil {
		return e, err
	}
	defer c.client.Close()
	if e.Inputs, err = c.read(ctx, job.In); err != nil {
		return e, err
	}
	if e.Outputs, err = c.read(ctx, job.Out); err != nil {
		return e, err
	}
	e.Changelogs = make(map[string][]Record)
	for _, store := range stores() {
		if e.Changelogs[store], err = c.read(ctx, job.Changelog(store)); err != nil {
			return e, err
		}
	}
	if e.Open, err = c.open(ctx); err != nil {
		return e, err
	}
	e.Committed, e.Ends, err = c.offsets(ctx)
	return e, err
}

type collector struct {
	Job
	opts   []kgo.Opt
	client *kgo.Client
}

// read reads the committed records of a topic to the end of each partition.
func (c *collector) read(ctx context.Context, topic string) ([]Record, error) {
	left, from, err := c.unread(ctx, topic)
	if err != nil || len(left) == 0 {
		return nil, err
	}
	reader, err := kgo.NewClient(append(slices.Clone(c.opts), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: from}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())...)
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	var out []Record
	for len(left) > 0 {
		fetches, err := c.poll(ctx, reader)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", topic, err)
		}
		if fetches.Empty() {
			if err := c.purged(ctx, topic, left); err != nil {
				return nil, err
			}
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if !r.Attrs.IsControl() {
				out = append(out, Record{r.Partition, r.Offset, string(r.Key), r.Value})
			}
			if r.Offset+1 >= left[r.Partition] {
				delete(left, r.Partition)
			}
		})
	}
	slices.SortFunc(out, func(a, b Record) int {
		return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Offset, b.Offset))
	})
	return out, nil
}

// patience is after how long without a record it is worth asking whether there are any.
const patience = time.Second

func (c *collector) poll(ctx context.Context, reader *kgo.Client) (kgo.Fetches, error) {
	soon, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	fetches := reader.PollFetches(soon)
	if err := fetches.Err(); err != nil && soon.Err() == nil {
		return nil, err
	}
	return fetches, ctx.Err()
}

// purged takes out partitions whose records an application has deleted meanwhile.
func (c *collector) purged(ctx context.Context, topic string, left map[int32]int64) error {
	starts, err := kadm.NewClient(c.client).ListStartOffsets(ctx, topic)
	if err != nil {
		return err
	}
	starts.Each(func(o kadm.ListedOffset) {
		if end, ok := left[o.Partition]; ok && o.Offset >= end {
			delete(left, o.Partition)
		}
	})
	return nil
}

// unread are the ends of partitions that have anything, and where to begin.
func (c *collector) unread(ctx context.Context, topic string) (left map[int32]int64, from map[int32]kgo.Offset, err error) {
	admin := kadm.NewClient(c.client)
	starts, err := admin.ListStartOffsets(ctx, topic)
	if err != nil {
		return nil, nil, err
	}
	ends, err := admin.ListCommittedOffsets(ctx, topic)
	if err != nil {
		return nil, nil, err
	}
	left, from = make(map[int32]int64), make(map[int32]kgo.Offset)
	ends.Each(func(o kadm.ListedOffset) {
		if begin, _ := starts.Lookup(topic, o.Partition); o.Offset > begin.Offset {
			left[o.Partition], from[o.Partition] = o.Offset, kgo.NewOffset().At(begin.Offset)
		}
	})
	return left, from, nil
}

// open lists the application's transactions that are open.
func (c *collector) open(ctx context.Context) (ids []string, err error) {
	resp, err := kmsg.NewPtrListTransactionsRequest().RequestWith(ctx, c.client)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	if err != nil {
		return nil, fmt.Errorf("listing transactions: %w", err)
	}
	for _, s := range resp.TransactionStates {
		open := s.TransactionState == "Ongoing" || strings.HasPrefix(s.TransactionState, "Prepare")
		if open && strings.HasPrefix(s.TransactionalID, c.App+"-") {
			ids = append(ids, s.TransactionalID+" is "+s.TransactionState)
		}
	}
	return ids, nil
}

// offsets are what the group has committed, and how far its topics go.
func (c *collector) offsets(ctx context.Context) (map[Partition]int64, map[Partition]Bounds, error) {
	admin := kadm.NewClient(c.client)
	group, err := admin.FetchOffsets(ctx, c.App)
	if err != nil {
		return nil, nil, err
	}
	topics := []string{c.In}
	committed := make(map[Partition]int64)
	group.Each(func(o kadm.OffsetResponse) {
		committed[Partition{o.Topic, o.Partition}] = o.At
		if !slices.Contains(topics, o.Topic) {
			topics = append(topics, o.Topic)
		}
	})
	ends := make(map[Partition]Bounds)
	for _, topic := range topics {
		if err := c.bounds(ctx, topic, ends); err != nil {
			return nil, nil, err
		}
	}
	return committed, ends, nil
}

func (c *collector) bounds(ctx context.Context, topic string, into map[Partition]Bounds) error {
	admin := kadm.NewClient(c.client)
	ends, err := admin.ListEndOffsets(ctx, topic)
	if err != nil {
		return err
	}
	stable, err := admin.ListCommittedOffsets(ctx, topic)
	if err != nil {
		return err
	}
	records, err := c.read(ctx, topic)
	if err != nil {
		return err
	}
	ends.Each(func(o kadm.ListedOffset) {
		s, _ := stable.Lookup(topic, o.Partition)
		into[Partition{topic, o.Partition}] = Bounds{End: o.Offset, Stable: s.Offset}
	})
	for _, r := range records {
		at := Partition{topic, r.Partition}
		b := into[at]
		b.Data = max(b.Data, r.Offset+1)
		into[at] = b
	}
	return nil
}
