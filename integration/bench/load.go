package main

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// load fills the topic of one set, unless it is there with as many records.
func (c *cluster) load(ctx context.Context, w io.Writer, d dataset, codec string) error {
	topic := d.in(codec)
	if n, ok := c.has(ctx, topic); ok && n == d.records {
		return nil
	} else if ok {
		return fmt.Errorf("the topic %s holds %d records and not %d: delete it, or give the broker a new directory", topic, n, d.records)
	}
	var config map[string]string
	if d.blob { // a changelog, kept uncompacted for the test
		config = map[string]string{"cleanup.policy": "compact", "min.compaction.lag.ms": "86400000"}
	}
	if err := c.create(ctx, topic, config); err != nil {
		return err
	}
	begin := time.Now()
	if err := c.fill(ctx, d, topic, codec); err != nil {
		return fmt.Errorf("loading %s: %w", topic, err)
	}
	_, err := fmt.Fprintf(w, "loaded %s: %d records in %.1f s\n", topic, d.records, time.Since(begin).Seconds())
	return err
}

// fill sends the records in their order, each to the partition that the Java client
// would choose.
func (c *cluster) fill(ctx context.Context, d dataset, topic, codec string) error {
	compression := kgo.NoCompression()
	if codec == "lz4" {
		compression = kgo.Lz4Compression()
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.addrs...), kgo.ProducerBatchCompression(compression), kgo.ProducerLinger(20*time.Millisecond),
		kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)), kgo.MaxBufferedRecords(100_000))
	if err != nil {
		return err
	}
	defer cl.Close()
	var failed atomic.Pointer[error]
	for i := range d.records {
		cl.Produce(ctx, &kgo.Record{
			Topic: topic, Timestamp: time.UnixMilli(d.time(i)),
			Key: appendKey(nil, d.keyNo(i)), Value: d.appendValue(nil, i),
		}, func(_ *kgo.Record, err error) {
			if err != nil {
				failed.CompareAndSwap(nil, &err)
			}
		})
		if failed.Load() != nil {
			break
		}
	}
	if err := cl.Flush(ctx); err != nil {
		return err
	}
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}
