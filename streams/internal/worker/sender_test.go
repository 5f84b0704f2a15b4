package worker

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millrace/millrace/streams/internal/task"
	"github.com/millrace/millrace/streams/record"
	"github.com/millrace/millrace/streams/serde"
)

// read waits for n records of topic out.
func (b *bench) read(n int) (out []*kgo.Record) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), soon)
	defer cancel()
	for len(out) < n {
		fetches := b.client.PollFetches(ctx)
		require.NoError(b.t, ctx.Err())
		out = append(out, fetches.Records()...)
	}
	return out
}

func TestSenderPartitionsAsKafkaDoes(t *testing.T) {
	t.Parallel()
	b := newIdleBench(t, nil)
	s := b.w.opt.Sender
	for i := range 50 {
		key := fmt.Appendf(nil, "key-%d", i)
		require.NoError(t, s.Emit(&task.Out{Topic: "out", Partition: -1, Key: key, HashKey: key, Value: []byte{}}))
	}
	inner := []byte("inner")
	require.NoError(t, s.Emit(&task.Out{Topic: "out", Partition: -1, Key: []byte("inner@0"), HashKey: inner}))
	require.NoError(t, s.Emit(&task.Out{Topic: "out", Partition: 3, Key: []byte("explicit")}))
	require.NoError(t, s.Emit(&task.Out{Topic: "out", Partition: -1, Value: []byte("no key")}))
	require.NoError(t, s.Flush(context.Background()))
	require.EqualValues(t, 53, s.Emitted())
	for _, r := range b.read(53) {
		switch string(r.Key) {
		case "explicit":
			require.EqualValues(t, 3, r.Partition)
		case "inner@0":
			require.EqualValues(t, serde.Partition(inner, 4), r.Partition, "the hash key decides")
			require.Nil(t, r.Value, "a null value stays null")
		case "":
			require.Nil(t, r.Key)
		default:
			require.EqualValues(t, serde.Partition(r.Key, 4), r.Partition)
			require.NotNil(t, r.Value, "an empty value stays empty")
		}
	}
}

// TestSenderCopies: buffers that the caller reuses do not change what is sent.
func TestSenderCopies(t *testing.T) {
	t.Parallel()
	b := newIdleBench(t, nil)
	s := b.w.opt.Sender
	buf, header := []byte("first"), []byte("h1")
	h := record.NewHeaders(record.Header{Key: "h", Value: header})
	require.NoError(t, s.Emit(&task.Out{Topic: "out", Partition: 0, Key: buf, Value: buf, Headers: h, Time: 42}))
	copy(buf, "wrong")
	copy(header, "xx")
	require.NoError(t, s.Flush(context.Background()))
	r := b.read(1)[0]
	require.Equal(t, "first", string(r.Key))
	require.Equal(t, "first", string(r.Value))
	require.Equal(t, []kgo.RecordHeader{{Key: "h", Value: []byte("h1")}}, r.Headers)
	require.EqualValues(t, 42, r.Timestamp.UnixMilli())
}

// TestDeliveryErrorsSurfaceAtFlushAndStay: nothing that was lost is committed.
func TestDeliveryErrorsSurfaceAtFlushAndStay(t *testing.T) {
	t.Parallel()
	b := newIdleBench(t, nil)
	s := b.w.opt.Sender
	require.NoError(t, s.Emit(&task.Out{Topic: "out", Partition: 99, Value: []byte("secret")}))
	for range 2 {
		err := s.Flush(context.Background())
		var lost *DeliveryError
		require.ErrorAs(t, err, &lost)
		require.ErrorContains(t, err, "out/99")
		require.NotContains(t, err.Error(), "secret")
	}
	require.Error(t, s.Emit(&task.Out{Topic: "out", Partition: 0}), "no more work for nothing")
}

func TestDeliveryErrorsHaveRemedies(t *testing.T) {
	t.Parallel()
	e := &DeliveryError{Topic: "out", Partition: -77, Err: kerr.UnknownTopicOrPartition}
	require.ErrorContains(t, e, "a record for out was not delivered")
	require.ErrorContains(t, e, "create the topic")
	e = &DeliveryError{Topic: "out", Partition: 2, Err: kerr.MessageTooLarge}
	require.ErrorContains(t, e, "out/2")
	require.ErrorContains(t, e, "max.message.bytes")
}

// BenchmarkEmit is what a record costs on its way out, without the broker.
func BenchmarkEmit(b *testing.B) {
	client, err := kgo.NewClient(append(SenderOpts(), kgo.SeedBrokers("127.0.0.1:1"), kgo.MaxBufferedRecords(1<<30))...)
	require.NoError(b, err)
	defer client.Close()
	s := NewSender(context.Background(), client)
	out := &task.Out{Topic: "out", Partition: -1, Key: []byte("some key"), HashKey: []byte("some key"), Value: make([]byte, 100)}
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Emit(out); err != nil {
			b.Fatal(err)
		}
	}
}
