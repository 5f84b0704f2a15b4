package worker

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millrace/millrace/changelog"
	"github.com/millrace/millrace/streams/internal/task"
	"github.com/millrace/millrace/streams/internal/txn"
	"github.com/millrace/millrace/streams/serde"
)

const (
	slabRecords = 256
	slabBytes   = 64 << 10
	// stickyRun is how many records without a key go to one partition in a row, so
	// that they fill batches.
	stickyRun = 512
)

// Sender is a worker's one producer. Records are copied into slabs, because the
// client keeps them until the broker has acknowledged them. One goroutine
// emits; the client's own goroutine acknowledges.
type Sender struct {
	ctx  context.Context
	dial func(context.Context) (*kgo.Client, *txn.Producer, error)
	lane *lane
	// shown is the lane for those who may close it from outside, and closed that they
	// did.
	shown  atomic.Pointer[lane]
	closed atomic.Bool

	records []kgo.Record     // rest of the slab
	bytes   []byte           // rest of the slab
	counts  map[string]int32 // of partitions, since the last flush
	sticky  uint32
	run     int
	emitted uint64
	began   uint64 // emitted when the transaction began
}

// lane is a Sender's client until it is replaced. What the broker says of its records
// afterwards is nobody's concern any more.
type lane struct {
	client  *kgo.Client
	tx      *txn.Producer // nil at-least-once
	failed  atomic.Pointer[DeliveryError]
	promise func(*kgo.Record, error) // acknowledged, made once
	limit   int                      // bytes of a batch; see fits
}

func newLane(client *kgo.Client, tx *txn.Producer) *lane {
	l := &lane{client: client, tx: tx, limit: limitOf(client)}
	l.promise = l.acknowledged
	return l
}

// DeliveryError is a record that did not reach its topic.
type DeliveryError struct {
	Topic     string
	Partition int32
	Err       error
}

// Error names the topic, the partition if it was chosen already, and the remedy
// where there is a known one.
func (e *DeliveryError) Error() string {
	to := e.Topic
	if e.Partition >= 0 {
		to = fmt.Sprintf("%s/%d", e.Topic, e.Partition)
	}
	return fmt.Sprintf("a record for %s was not delivered: %v%s", to, e.Err, e.remedy())
}

func (e *DeliveryError) remedy() string {
	switch {
	case errors.Is(e.Err, kerr.UnknownTopicOrPartition):
		return "; create the topic, output topics are not created by the application"
	case errors.Is(e.Err, kerr.TopicAuthorizationFailed):
		return "; the user needs the ACL WRITE on the topic"
	case errors.Is(e.Err, kerr.MessageTooLarge), errors.Is(e.Err, kerr.RecordListTooLarge):
		return "; raise max.message.bytes of the topic, and kgo.ProducerBatchMaxBytes by Config.KafkaOpts"
	case errors.Is(e.Err, kerr.InvalidTimestamp):
		return "; the record's time is too far from the broker's clock (message.timestamp.before.max.ms, message.timestamp.after.max.ms)"
	}
	return ""
}

// Unwrap is the client's error.
func (e *DeliveryError) Unwrap() error { return e.Err }

// SenderOpts are the options a Sender's client must be made with: idempotent,
// acknowledged by all replicas, partitions as encoded by Emit.
func SenderOpts() []kgo.Opt {
	return []kgo.Opt{
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.RecordPartitioner(partitioner()),
	}
}

// NewSender takes over the client, which is not transactional. ctx ends waiting for
// room in its buffers.
func NewSender(ctx context.Context, client *kgo.Client) *Sender {
	return OpenSender(ctx, client, nil, nil)
}

// OpenSender is a Sender with a client to begin with, transactional or not, and a way
// to make another one after a failure.
func OpenSender(ctx context.Context, client *kgo.Client, tx *txn.Producer, again func(context.Context) (*kgo.Client, *txn.Producer, error)) *Sender {
	s := &Sender{ctx: ctx, dial: again, lane: newLane(client, tx)}
	s.shown.Store(s.lane)
	return s
}

// Close drops what is not sent yet and closes the client. It is safe for concurrent
// use, and fails what is waiting for the client.
func (s *Sender) Close() {
	s.closed.Store(true)
	s.shown.Load().client.Close()
}

// cut closes the client of a worker that hangs: nothing more of it is sent. Renew is
// still possible. It is safe for concurrent use.
func (s *Sender) cut() { s.shown.Load().client.Close() }

// Renew replaces the client after a failure: it is not known what the broker has of
// its last requests. The new one has the old one's transactional id, which makes the
// coordinator finish the transaction and fences what is still on its way.
func (s *Sender) Renew(ctx context.Context) error {
	s.lane.client.Close()
	client, tx, err := s.dial(ctx)
	if err != nil {
		return err
	}
	s.lane, s.began = newLane(client, tx), s.emitted
	s.shown.Store(s.lane)
	if s.closed.Load() {
		client.Close()
	}
	return nil
}

// renewable reports whether Renew is possible.
func (s *Sender) renewable() bool { return s.dial != nil }

// Empty implements txn.Transaction.
func (s *Sender) Empty() bool { return s.emitted == s.began }

// Register implements txn.Transaction.
func (s *Sender) Register(ctx context.Context) error { return s.lane.tx.Register(ctx) }

// AddOffsets implements txn.Transaction.
func (s *Sender) AddOffsets(ctx context.Context, m txn.Membership, offsets []txn.Offset) error {
	return s.lane.tx.AddOffsets(ctx, m, offsets)
}

// End implements txn.Transaction.
func (s *Sender) End(ctx context.Context) error {
	if err := s.lane.tx.End(ctx); err != nil {
		return err
	}
	s.began = s.emitted
	return nil
}

// Emit sends a record to its topic. It blocks while the client's buffers are
// full. It returns the first delivery error of an earlier record, so that a task
// does not go on for nothing.
func (s *Sender) Emit(out *task.Out) error {
	if err := s.err(); err != nil {
		return err
	}
	if err := s.fits(out.Topic, out.Key, out.Value, out.Headers.All()); err != nil {
		return err
	}
	r := s.next()
	r.Topic = out.Topic
	r.Partition = out.Partition
	if out.Partition < 0 {
		r.Partition = s.hashed(out.HashKey)
	}
	r.Key, r.Value = s.copy(out.Key), s.copy(out.Value)
	r.Timestamp = time.UnixMilli(out.Time)
	for _, h := range out.Headers.All() {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: h.Key, Value: s.copy(h.Value)})
	}
	s.lane.client.Produce(s.ctx, r, s.lane.promise)
	return nil
}

// log sends a changelog record and has its offset noted in pos.
func (s *Sender) log(topic string, partition int32, pos *logPosition, rec *changelog.Record) error {
	if err := s.err(); err != nil {
		return err
	}
	if err := s.fits(topic, rec.Key, rec.Value, rec.Headers); err != nil {
		return err
	}
	r := s.next()
	r.Topic, r.Partition = topic, partition
	r.Key, r.Value = s.copy(rec.Key), s.copy(rec.Value)
	r.Timestamp = time.UnixMilli(rec.Time)
	for _, h := range rec.Headers {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: h.Key, Value: s.copy(h.Value)})
	}
	r.Context = pos
	s.lane.client.Produce(s.ctx, r, s.lane.promise)
	return nil
}

// Emitted counts the records since the sender was made, changelogs included. It
// belongs to the goroutine that emits.
func (s *Sender) Emitted() uint64 { return s.emitted }

// Flush waits until everything emitted is acknowledged and returns the first
// delivery error there ever was.
func (s *Sender) Flush(ctx context.Context) error {
	clear(s.counts)
	if err := s.lane.client.Flush(ctx); err != nil {
		return fmt.Errorf("waiting for acknowledgements: %w", err)
	}
	return s.err()
}

// acknowledged is the one promise of all records.
func (l *lane) acknowledged(r *kgo.Record, err error) {
	if err != nil {
		l.failed.CompareAndSwap(nil, &DeliveryError{Topic: r.Topic, Partition: r.Partition, Err: err})
		return
	}
	if pos, ok := r.Context.Value(logPositionKey{}).(*logPosition); ok {
		pos.next.Store(r.Offset + 1)
	}
}

func (s *Sender) err() error {
	if e := s.lane.failed.Load(); e != nil {
		return e
	}
	return nil
}

// next hands out a record of the slab.
func (s *Sender) next() *kgo.Record {
	if len(s.records) == 0 {
		s.records = make([]kgo.Record, slabRecords)
	}
	r := &s.records[0]
	s.records = s.records[1:]
	s.emitted++
	return r
}

// copy keeps b in the slab. Nil, which is null, stays nil; empty stays empty.
func (s *Sender) copy(b []byte) []byte {
	if b == nil {
		return nil
	}
	if len(b) > cap(s.bytes)-len(s.bytes) {
		s.bytes = make([]byte, 0, max(slabBytes, len(b)))
	}
	at := len(s.bytes)
	s.bytes = append(s.bytes, b...)
	return s.bytes[at:len(s.bytes):len(s.bytes)]
}

// hashed encodes what the partition follows from, since only the client knows
// how many partitions a topic has at the moment: -1 minus the 31-bit hash.
func (s *Sender) hashed(key []byte) int32 {
	if key != nil {
		return -1 - (serde.Murmur2(key) & 0x7fffffff)
	}
	if s.run == 0 {
		s.run = stickyRun
		s.sticky++
	}
	s.run--
	return -1 - int32(s.sticky&0x7fffffff)
}

// partitioner reads what hashed wrote.
func partitioner() kgo.Partitioner {
	return kgo.BasicConsistentPartitioner(func(string) func(*kgo.Record, int) int {
		return func(r *kgo.Record, n int) int {
			if r.Partition >= 0 {
				return int(r.Partition)
			}
			return int(-1-r.Partition) % n
		}
	})
}

// logPosition notes the next offset of one changelog partition. It travels as
// the context of its records, which costs no allocation for each.
type logPosition struct {
	context.Context
	topic string
	next  atomic.Int64 // 0: nothing acknowledged yet
}

type logPositionKey struct{}

func newLogPosition(topic string) *logPosition {
	return &logPosition{Context: context.Background(), topic: topic}
}

// Value finds the position under its own key, also through contexts that hooks
// of a tracing library wrapped around it.
func (p *logPosition) Value(key any) any {
	if _, ok := key.(logPositionKey); ok {
		return p
	}
	return nil
}
