package restore

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams/internal/topo"
)

// follower is the one consumer that keeps copies up to date.
type follower struct {
	client *kgo.Client
	failed func(*replica, error)
	done   chan struct{}
	into   batches // one after the other, so that many copies need no more memory than one

	mu    sync.Mutex
	parts map[part]*replica
}

// part is one changelog partition.
type part struct {
	topic     string
	partition int32
}

// followed is the follower; it begins with the first copy.
func (s *Standbys) followed() (*follower, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.ctx.Err(); err != nil || s.follower != nil {
		return s.follower, err
	}
	cl, err := s.opt.Client(followOpts(s.opt.FetchBytes)...)
	if err != nil {
		return nil, fmt.Errorf("client of standby replicas: %w", err)
	}
	s.follower = &follower{client: cl, failed: s.failedLater, done: make(chan struct{}), parts: make(map[part]*replica)}
	go s.follower.run()
	return s.follower, nil
}

func followOpts(fetchBytes int32) []kgo.Opt {
	return []kgo.Opt{
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{}),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(),
		kgo.FetchMaxBytes(fetchBytes),
		kgo.FetchMaxPartitionBytes(max(fetchBytes/2, 1)),
		kgo.MaxConcurrentFetches(2),
	}
}

// failedLater begins a copy again on a goroutine of its own, as others go on.
func (s *Standbys) failedLater(c *replica, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() == nil && c.ctx.Err() == nil {
		s.running.Go(func() { s.failed(c, err) })
	}
}

// add begins to read the changelogs of a copy from where it stands.
func (f *follower) add(c *replica) {
	from := make(map[string]map[int32]kgo.Offset)
	f.mu.Lock()
	for topic, next := range c.followed() {
		f.parts[part{topic, c.id.Partition}] = c
		from[topic] = map[int32]kgo.Offset{c.id.Partition: kgo.NewOffset().At(next)}
	}
	f.mu.Unlock()
	f.client.AddConsumePartitions(from)
	if c.ctx.Err() != nil { // it was removed in between
		f.remove(c)
	}
}

// remove ends reading for a copy.
func (f *follower) remove(c *replica) {
	gone := make(map[string][]int32)
	f.mu.Lock()
	for p, of := range f.parts {
		if of == c {
			delete(f.parts, p)
			gone[p.topic] = []int32{p.partition}
		}
	}
	f.mu.Unlock()
	if len(gone) > 0 {
		f.client.RemoveConsumePartitions(gone)
	}
}

func (f *follower) of(topic string, partition int32) *replica {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.parts[part{topic, partition}]
}

// run polls until the client is closed.
func (f *follower) run() {
	defer close(f.done)
	for {
		fetches := f.client.PollFetches(context.Background())
		if fetches.IsClientClosed() {
			return
		}
		fetches.EachPartition(func(p kgo.FetchTopicPartition) {
			if c := f.of(p.Topic, p.Partition); c != nil {
				f.take(c, p)
			}
		})
	}
}

// take applies what was fetched. What the client cannot repair, such as a log whose
// beginning has passed the copy, makes the copy begin again: restoring knows how.
func (f *follower) take(c *replica, p kgo.FetchTopicPartition) {
	err := p.Err
	if err == nil {
		err = c.apply(&f.into, p)
	}
	if err != nil && !errors.Is(err, kgo.ErrClientClosed) {
		f.remove(c)
		f.failed(c, fmt.Errorf("following changelog %s/%d: %w", p.Topic, p.Partition, err))
	}
}

// close ends polling.
func (f *follower) close() {
	f.client.Close()
	<-f.done
}

// open takes over a restored DB.
func (c *replica) open(db store.DB, stores []topo.Store) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	pos := db.Position()
	c.cursors, c.lag = make(map[string]*cursor), make(map[string]int64)
	var all []*cursor
	for _, s := range stores {
		if s.Changelog == "" {
			continue
		}
		e, err := db.Engine(s.Spec)
		if err != nil {
			return fmt.Errorf("store %s: %w", s.Spec.Name, err)
		}
		cur := newCursor(c.id, s, e)
		cur.next = pos[s.Changelog]
		cur.end = cur.next
		all = append(all, cur)
		// What is behind the committed offset of a source topic is not the copy's to
		// know: it stays where it was restored to.
		if !s.FromSource {
			c.cursors[s.Changelog] = cur
		}
	}
	c.progress.begin(all)
	c.db = db
	return nil
}

// followed says where to read on, by changelog.
func (c *replica) followed() map[string]int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make(map[string]int64, len(c.cursors))
	for topic, cur := range c.cursors {
		out[topic] = cur.next
	}
	return out
}

// apply writes records to the copy's store, if it is still ours.
func (c *replica) apply(into *batches, p kgo.FetchTopicPartition) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	cur := c.cursors[p.Topic]
	if c.db == nil || cur == nil {
		return nil
	}
	if len(p.Records) > 0 {
		into.db, into.progress = c.db, c.progress
		if err := cur.read(into, p.Records); err != nil {
			into.drop()
			return err
		}
	}
	c.lag[p.Topic] = max(0, p.LastStableOffset-cur.next)
	return nil
}

// take is the DB, which is the caller's from now on; nil if somebody has it already.
func (c *replica) take() store.DB {
	c.mu.Lock()
	defer c.mu.Unlock()
	db := c.db
	c.db, c.cursors = nil, nil
	return db
}

func (c *replica) status() Replica {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := Replica{ID: c.id, Restoring: c.db == nil, Sum: c.progress.Sum(), Progress: c.progress.Status()}
	for _, lag := range c.lag {
		r.Lag += lag
	}
	if r.Restoring {
		r.Lag = r.Progress.Total - r.Progress.Done
	}
	return r
}
