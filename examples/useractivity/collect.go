package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"

	"github.com/twmb/franz-go/pkg/kgo"
)

// collect reads what the job has written: the last value of every key of the two
// tables, and all records of the stream.
func collect(ctx context.Context, c cluster) (results, error) {
	out := newResults()
	err := read(ctx, c, countsTopic, func(r *kgo.Record) error {
		if len(r.Value) != 8 {
			return errors.New("a count is eight bytes, as Kafka's LongSerializer writes them")
		}
		out.counts[string(r.Key)] = int64(binary.BigEndian.Uint64(r.Value))
		return nil
	})
	if err != nil {
		return out, err
	}
	err = read(ctx, c, visitsTopic, func(r *kgo.Record) error {
		if r.Value == nil { // merged into a longer one
			delete(out.visits, string(r.Key))
			return nil
		}
		var v Visit
		err := json.Unmarshal(r.Value, &v)
		out.visits[string(r.Key)] = v
		return err
	})
	if err != nil {
		return out, err
	}
	err = read(ctx, c, enrichedTopic, func(r *kgo.Record) error {
		var e Enriched
		err := json.Unmarshal(r.Value, &e)
		out.enriched[e]++
		return err
	})
	return out, err
}

// foresee has the oracle compute the results from the raw records, as they are in
// the topics now.
func foresee(ctx context.Context, c cluster) (*oracle, error) {
	o := newOracle()
	err := read(ctx, c, profilesTopic, func(r *kgo.Record) error {
		var p Profile
		err := json.Unmarshal(r.Value, &p)
		o.profiles[string(r.Key)] = p
		return err
	})
	if err != nil {
		return nil, err
	}
	err = read(ctx, c, eventsTopic, func(r *kgo.Record) error {
		var e Event
		err := json.Unmarshal(r.Value, &e)
		o.event(r.Partition, e, r.Timestamp.UnixMilli())
		return err
	})
	return o, err
}
