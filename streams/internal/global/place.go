package global

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/millrace/millrace/store"
)

// cursor is one partition of a topic on its way into its store.
type cursor struct {
	start, end     int64 // of the log when it was opened; the end is that of committed records
	from, next     int64 // first and next offset to read
	committed      int64 // next, as of the last commit
	high           int64 // where the partition ends, as last fetched
	records, bytes int64
	begun          time.Time
}

// lag is how many offsets the store is behind, as far as is known.
func (c *cursor) lag() int64 { return max(0, max(c.high, c.end)-c.next) }

// positionOf is how the offset of a partition is called in the store's position.
func positionOf(topic string, partition int32) string {
	return topic + "/" + strconv.Itoa(int(partition))
}

// place finds where each partition is to be read from.
func (k *Keeper) place(ctx context.Context) error {
	if err := k.bound(ctx); err != nil {
		return err
	}
	pos := k.opt.DB.Position()
	for _, in := range k.inputs {
		if err := in.place(pos); err != nil {
			return err
		}
	}
	return nil
}

// bound lists the partitions of all topics, and where they begin and end. The end is
// that of committed records: a transaction that is open now may stay so for long, and
// its records are read when it ends.
func (k *Keeper) bound(ctx context.Context) error {
	topics := make([]string, 0, len(k.inputs))
	for topic := range k.inputs {
		topics = append(topics, topic)
	}
	admin := kadm.NewClient(k.opt.Admin)
	starts, err := listed(ctx, topics, admin.ListStartOffsets)
	if err != nil {
		return err
	}
	ends, err := listed(ctx, topics, admin.ListCommittedOffsets)
	if err != nil {
		return err
	}
	for topic, in := range k.inputs {
		in.cursors = map[int32]*cursor{}
		for p, o := range ends[topic] {
			start, _ := starts.Lookup(topic, p)
			in.cursors[p] = &cursor{start: start.Offset, end: o.Offset}
		}
	}
	return nil
}

// listed asks for offsets, again while leaders move.
func listed(ctx context.Context, topics []string, list func(context.Context, ...string) (kadm.ListedOffsets, error)) (kadm.ListedOffsets, error) {
	const attempts = 10
	for try := 1; ; try++ {
		offsets, err := list(ctx, topics...)
		if err == nil {
			err = offsets.Error()
		}
		if err == nil {
			return offsets, nil
		}
		if !kerr.IsRetriable(err) || try == attempts {
			return nil, fmt.Errorf("listing offsets of global topics: %w", err)
		}
		select {
		case <-time.After(time.Duration(try) * 100 * time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// place sets the cursors to the store's position. A position that the log does not
// contain is worth nothing: the topic was made anew, or has lost records that the store
// has not seen. Then the store is filled from the beginning. A partition that is new is
// read from its beginning by itself.
func (in *input) place(pos store.Position) error {
	for p, c := range in.cursors {
		next, known := pos[positionOf(in.Topic, p)]
		if known && (next < c.start || next > c.end) {
			in.k.opt.Log.Warn("a global store does not fit its topic and is filled anew", "store", in.Store.Spec.Name,
				"topic", in.Topic, "partition", p, "position", next, "log_start", c.start, "log_end", c.end)
			return in.wipe()
		}
		if c.next = next; !known {
			c.next = c.start
		}
		c.committed, c.from = c.next, c.next
	}
	return nil
}

// wipe empties the store, and begins at the beginning.
func (in *input) wipe() error {
	e, err := in.k.opt.DB.Engine(in.Store.Spec)
	if err == nil {
		err = e.DeleteRange(nil, nil)
	}
	pos := store.Position{}
	for p, c := range in.cursors {
		c.next, c.committed, c.from = c.start, c.start, c.start
		pos[positionOf(in.Topic, p)] = c.start
	}
	if err == nil {
		err = in.k.opt.DB.Commit(pos)
	}
	if err != nil {
		return fmt.Errorf("emptying the global store %s: %w", in.Store.Spec.Name, err)
	}
	return nil
}
