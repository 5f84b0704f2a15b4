package poller

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millrace/millrace/streams/internal/task"
	"github.com/millrace/millrace/streams/internal/worker"
	"github.com/millrace/millrace/streams/record"
)

// take hands polled batches to the workers and pauses partitions that have
// enough.
func (p *Poller) take(ctx context.Context, fetches kgo.Fetches) error {
	if err := p.pollError(ctx, fetches); err != nil {
		return err
	}
	full := make(map[string][]int32)
	fetches.EachPartition(func(f kgo.FetchTopicPartition) {
		to := p.registry.part(f.Topic, f.Partition)
		if to == nil || len(f.Records) == 0 {
			return
		}
		if p.deliver(to, f) {
			full[f.Topic] = append(full[f.Topic], f.Partition)
		}
	})
	if len(full) > 0 {
		p.client.PauseFetchPartitions(full)
	}
	return nil
}

// deliver posts one batch and reports whether the partition must pause.
func (p *Poller) deliver(to *part, f kgo.FetchTopicPartition) (pause bool) {
	raws, bytes := raw(f.Records)
	pause = p.flow.add(to, bytes)
	to.task.task.Worker.Deliver(to.task.task, worker.Batch{
		Topic: f.Topic, Partition: f.Partition, Records: raws, Bytes: bytes,
		Next: f.Records[len(f.Records)-1].Offset + 1, End: end(f), Release: p.flow.released(to),
	})
	return pause
}

// end is how far a reader of committed records can get at the moment.
func end(f kgo.FetchTopicPartition) int64 {
	if f.LastStableOffset >= 0 {
		return min(f.HighWatermark, f.LastStableOffset)
	}
	return f.HighWatermark
}

// raw turns fetched records into the engine's, in one slab. Keys and values
// alias the fetch; nobody writes to them. Control records, the ends of
// transactions, are there for their offsets only.
func raw(records []*kgo.Record) (out []task.Raw, bytes int64) {
	out = make([]task.Raw, 0, len(records))
	for _, r := range records {
		if r.Attrs.IsControl() {
			continue
		}
		out = append(out, task.Raw{
			Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, LeaderEpoch: r.LeaderEpoch,
			Time: r.Timestamp.UnixMilli(), Key: r.Key, Value: r.Value, Headers: headers(r.Headers),
		})
		bytes += int64(len(r.Key)+len(r.Value)) + recordOverhead
	}
	return out, bytes
}

func headers(in []kgo.RecordHeader) []record.Header {
	if len(in) == 0 {
		return nil
	}
	out := make([]record.Header, len(in))
	for i, h := range in {
		out[i] = record.Header{Key: h.Key, Value: h.Value}
	}
	return out
}

// pollError finds an error that ends the application among those of a poll. The
// client repairs most by itself; those are logged.
func (p *Poller) pollError(ctx context.Context, fetches kgo.Fetches) error {
	for _, e := range fetches.Errors() {
		if ctx.Err() != nil || quiet(e.Err) {
			continue
		}
		if err := fatal(e); err != nil {
			return err
		}
		p.opt.Log.Warn("the consumer reports an error and goes on", "topic", e.Topic, "partition", e.Partition, "err", e.Err)
	}
	return nil
}

// fatal is the table of errors that no retry repairs, with the remedy.
func fatal(e kgo.FetchError) error {
	for _, f := range []struct {
		err    error
		remedy string
	}{
		{kerr.FencedInstanceID, ""}, // the application explains it
		{kerr.InconsistentGroupProtocol, "the group has members that are not Kafka Streams or Millrace applications: is the ApplicationID also the group.id of a plain consumer?"},
		{kerr.GroupAuthorizationFailed, "the user needs the ACL READ on the consumer group"},
		{kerr.TopicAuthorizationFailed, "the user needs the ACL READ on the topic"},
		{kerr.InvalidSessionTimeout, "SessionTimeout is outside of the broker's group.min.session.timeout.ms and group.max.session.timeout.ms"},
		{kerr.GroupMaxSizeReached, "the group has reached the broker's group.max.size"},
		{kerr.UnsupportedSaslMechanism, "the broker does not offer this SASL mechanism"},
		{kerr.SaslAuthenticationFailed, "check SASL user and password"},
	} {
		if errors.Is(e.Err, f.err) {
			return explain(e, f.remedy)
		}
	}
	var group *kgo.ErrGroupSession
	var loss *kgo.ErrDataLoss
	if e.Topic == "" || errors.As(e.Err, &group) || errors.As(e.Err, &loss) || kerr.IsRetriable(e.Err) {
		return nil
	}
	return explain(e, "")
}

func explain(e kgo.FetchError, remedy string) error {
	err := e.Err
	if e.Topic != "" {
		err = fmt.Errorf("consuming %s/%d: %w", e.Topic, e.Partition, err)
	}
	if remedy != "" {
		err = fmt.Errorf("%w; %s", err, remedy)
	}
	return err
}
