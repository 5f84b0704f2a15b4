package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// cluster is the broker under everything.
type cluster struct {
	addrs []string
	pid   string
	adm   *kadm.Client
}

func connect(addrs []string, pid string) (*cluster, error) {
	cl, err := kgo.NewClient(kgo.SeedBrokers(addrs...), kgo.MetadataMinAge(20*time.Millisecond)) // topics come and go
	if err != nil {
		return nil, err
	}
	return &cluster{addrs, pid, kadm.NewClient(cl)}, nil
}

func (c *cluster) close() { c.adm.Close() }

// partitions is how many all topics of the benchmark have.
const partitions = 4

// create makes an empty topic that keeps everything.
func (c *cluster) create(ctx context.Context, topic string, config map[string]string) error {
	all := map[string]*string{"retention.ms": kadm.StringPtr("-1")}
	for k, v := range config {
		all[k] = kadm.StringPtr(v)
	}
	_, err := c.adm.CreateTopic(ctx, partitions, 1, all, topic)
	return err
}

// has tells whether a topic exists and how many records it may hold.
func (c *cluster) has(ctx context.Context, topic string) (records int64, ok bool) {
	topics, err := c.adm.ListTopics(ctx, topic)
	if err != nil || !topics.Has(topic) {
		return 0, false
	}
	records, err = c.ends(ctx, topic)
	return records, err == nil
}

// ends sums the end offsets of a topic; with transactions that counts markers too.
func (c *cluster) ends(ctx context.Context, topic string) (sum int64, err error) {
	listed, err := c.adm.ListEndOffsets(ctx, topic)
	if err != nil {
		return -1, err
	}
	if err := listed.Error(); err != nil {
		return -1, err
	}
	listed.Each(func(o kadm.ListedOffset) { sum += o.Offset })
	return sum, nil
}

// committed tells whether the group has committed the end of every topic.
func (c *cluster) committed(ctx context.Context, group string, topics ...string) (bool, error) {
	ends, err := c.adm.ListEndOffsets(ctx, topics...)
	if err != nil {
		return false, err
	}
	offsets, err := c.adm.FetchOffsets(ctx, group)
	if err != nil {
		return false, err
	}
	ok := true
	ends.Each(func(end kadm.ListedOffset) {
		at, found := offsets.Lookup(end.Topic, end.Partition)
		ok = ok && (end.Offset == 0 || found && at.At >= end.Offset)
	})
	return ok, nil
}

// read yields every committed record of a topic up to its present end.
func (c *cluster) read(ctx context.Context, topic string) reader {
	return func(yield func(key, value []byte, ms int64) error) error {
		return c.consume(ctx, topic, func(r *kgo.Record) error { return yield(r.Key, r.Value, r.Timestamp.UnixMilli()) })
	}
}

// consume is read with all that a record has, and more options for the client.
func (c *cluster) consume(ctx context.Context, topic string, yield func(*kgo.Record) error, opts ...kgo.Opt) error {
	ends, err := c.adm.ListEndOffsets(ctx, topic)
	if err != nil {
		return err
	}
	from, left := map[int32]kgo.Offset{}, map[int32]int64{}
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			from[o.Partition], left[o.Partition] = kgo.NewOffset().AtStart(), o.Offset
		}
	})
	cl, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(c.addrs...), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: from}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
	}, opts...)...)
	if err != nil {
		return err
	}
	defer cl.Close()
	for len(left) > 0 {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return fmt.Errorf("reading %s: %w", topic, err)
		}
		for r := range fetches.RecordsAll() {
			if r.Offset+1 >= left[r.Partition] {
				delete(left, r.Partition)
			}
			if r.Attrs.IsControl() {
				continue
			}
			if err := yield(r); err != nil {
				return err
			}
		}
	}
	return nil
}

// remove deletes what a run made: topics that begin with the prefix, and the group.
func (c *cluster) remove(ctx context.Context, group string) error {
	names, err := c.adm.ListTopics(ctx)
	if err != nil {
		return err
	}
	mine := slices.DeleteFunc(names.Names(), func(n string) bool { return !strings.HasPrefix(n, group+"-") })
	if len(mine) > 0 {
		if _, err := c.adm.DeleteTopics(ctx, mine...); err != nil {
			return err
		}
	}
	_, err = c.adm.DeleteGroups(ctx, group)
	return err
}
