package global

import (
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams/internal/task"
	"github.com/millrace/millrace/streams/internal/topo"
	"github.com/millrace/millrace/streams/record"
)

// input is one topic with the operators that fill its store.
type input struct {
	topo.Global
	k       *Keeper
	task    *task.Task
	cursors map[int32]*cursor
}

var _ task.Runtime = (*input)(nil)

// take sends the records of one partition through the operators. Control records move
// the cursor only. The store stages what they change.
func (in *input) take(partition int32, records []*kgo.Record, high int64) error {
	c := in.cursors[partition]
	c.high = high
	batch := make([]task.Raw, 0, len(records))
	for _, r := range records {
		c.next = r.Offset + 1
		if r.Attrs.IsControl() {
			continue
		}
		c.records++
		c.bytes += int64(len(r.Key) + len(r.Value))
		batch = append(batch, raw(r))
	}
	if err := in.task.Add(in.Topic, batch); err != nil {
		return err
	}
	for {
		if more, err := in.task.Process(); err != nil || !more {
			return err
		}
	}
}

// raw is a fetched record, whose bytes the client never writes again.
func raw(r *kgo.Record) task.Raw {
	out := task.Raw{
		Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, LeaderEpoch: r.LeaderEpoch,
		Time: r.Timestamp.UnixMilli(), Key: r.Key, Value: r.Value,
	}
	for _, h := range r.Headers {
		out.Headers = append(out.Headers, record.Header{Key: h.Key, Value: h.Value})
	}
	return out
}

// Engine implements task.Runtime: the store may be written here, and nowhere else.
func (in *input) Engine(name string) (store.Engine, error) {
	if name == in.Store.Spec.Name {
		return in.k.opt.DB.Engine(in.Store.Spec)
	}
	return nil, fmt.Errorf("the processor of the global store %s has no store %q", in.Store.Spec.Name, name)
}

var errEmit = errors.New("what fills a global store sends no records; this is a fault of the library, please report it")

// Emit implements task.Runtime.
func (in *input) Emit(*task.Out) error { return errEmit }

// Skipped implements task.Runtime.
func (in *input) Skipped(operator, reason string) {
	in.k.mu.Lock()
	defer in.k.mu.Unlock()
	in.k.skipped[SkipKey{operator, reason}]++
}
