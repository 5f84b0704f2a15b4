package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// The topics that the job reads and writes; the internal ones are its own affair.
const (
	eventsTopic   = "user-events"
	profilesTopic = "user-profiles"
	countsTopic   = "user-activity-per-minute"
	visitsTopic   = "user-sessions"
	enrichedTopic = "user-events-enriched"
)

// partitions is the same for all, as the join wants it.
const partitions = 4

// createTopics makes the topics that are not there yet. Where all are there, as in a
// cluster whose topics are deployed, it asks for nothing that a user must be allowed.
func createTopics(ctx context.Context, client *kgo.Client) error {
	admin, compact := kadm.NewClient(client), "compact"
	there, err := admin.ListTopics(ctx)
	if err != nil {
		return fmt.Errorf("list topics: %w", err)
	}
	for topic, config := range map[string]map[string]*string{
		eventsTopic: nil, profilesTopic: {"cleanup.policy": &compact},
		countsTopic: nil, visitsTopic: nil, enrichedTopic: nil,
	} {
		if there.Has(topic) {
			continue
		}
		_, err := admin.CreateTopic(ctx, partitions, -1, config, topic)
		if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
			return fmt.Errorf("create topic %s: %w", topic, err)
		}
	}
	for _, topic := range []string{eventsTopic, profilesTopic, countsTopic, visitsTopic, enrichedTopic} {
		if err := known(ctx, client, topic); err != nil {
			return err
		}
	}
	return nil
}

// known waits until the brokers know a topic that their controller has created.
func known(ctx context.Context, client *kgo.Client, topic string) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for {
		_, err := ends(ctx, client, topic)
		if !errors.Is(err, kerr.UnknownTopicOrPartition) && !errors.Is(err, kerr.LeaderNotAvailable) {
			return err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return err
		}
	}
}

// ends is where each partition of a topic ends.
func ends(ctx context.Context, client *kgo.Client, topic string) (map[int32]int64, error) {
	offsets, err := kadm.NewClient(client).ListEndOffsets(ctx, topic)
	if err == nil {
		err = offsets.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("end of topic %s: %w", topic, err)
	}
	out := map[int32]int64{}
	offsets.Each(func(o kadm.ListedOffset) { out[o.Partition] = o.Offset })
	return out, nil
}

// size is how many records a topic has got; nothing is ever deleted in the demo.
func size(ctx context.Context, client *kgo.Client, topic string) (n int64, err error) {
	at, err := ends(ctx, client, topic)
	for _, end := range at {
		n += end
	}
	return n, err
}

// sendEvents produces the events in order; the key decides the partition.
func sendEvents(ctx context.Context, client *kgo.Client, events []raw) error {
	var b batch
	for _, e := range events {
		b.send(ctx, client, eventsTopic, e.UserID, e.Event, e.Time)
	}
	return b.wait(ctx, client)
}

// sendProfiles fills the table, at a time before all events.
func sendProfiles(ctx context.Context, client *kgo.Client, profiles []profile, ms int64) error {
	var b batch
	for _, p := range profiles {
		b.send(ctx, client, profilesTopic, p.user, p.Profile, ms)
	}
	return b.wait(ctx, client)
}

// batch keeps the first error of many sends.
type batch struct{ first kgo.FirstErrPromise }

func (b *batch) send(ctx context.Context, client *kgo.Client, topic, key string, value any, ms int64) {
	v, err := json.Marshal(value)
	if err != nil {
		b.first.Promise()(nil, err)
		return
	}
	client.Produce(ctx, &kgo.Record{
		Topic: topic, Key: []byte(key), Value: v, Timestamp: time.UnixMilli(ms),
	}, b.first.Promise())
}

func (b *batch) wait(ctx context.Context, client *kgo.Client) error {
	if err := client.Flush(ctx); err != nil {
		return fmt.Errorf("send: %w", err)
	}
	return b.first.Err()
}

// read calls f for every record of a topic up to its present end, those of one
// partition in order.
func read(ctx context.Context, c cluster, topic string, f func(*kgo.Record) error) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	defer client.Close()
	left, err := ends(ctx, client, topic)
	if err != nil {
		return err
	}
	from := map[int32]kgo.Offset{}
	for partition, end := range left {
		if end > 0 {
			from[partition] = kgo.NewOffset().AtStart()
		} else {
			delete(left, partition)
		}
	}
	client.AddConsumePartitions(map[string]map[int32]kgo.Offset{topic: from})
	return poll(ctx, client, left, f)
}

// poll reads until every partition is at the end that left has for it.
func poll(ctx context.Context, client *kgo.Client, left map[int32]int64, f func(*kgo.Record) error) error {
	for len(left) > 0 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return err
		}
		for r := range fetches.RecordsAll() {
			if end, ok := left[r.Partition]; !ok || r.Offset >= end {
				continue
			} else if r.Offset == end-1 {
				delete(left, r.Partition)
			}
			if err := f(r); err != nil {
				return fmt.Errorf("%s/%d offset %d: %w", r.Topic, r.Partition, r.Offset, err)
			}
		}
	}
	return nil
}
