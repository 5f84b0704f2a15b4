package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/objstorage/objstorageprovider"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/twmb/franz-go/pkg/kgo"
)

// limit is what a library can do at most, with nothing of Millrace around it.
type limit struct {
	name    string
	records int64
	bytes   int64
	from    usage
	to      usage
}

func (l limit) write(w io.Writer) error {
	seconds, cpu := l.to.at.Sub(l.from.at).Seconds(), l.to.process-l.from.process
	_, err := fmt.Fprintf(w, "%-36s %9.0f records/s %7.1f MB/s %6.2f us a record %7.1f MB per CPU s\n",
		l.name, float64(l.records)/seconds, float64(l.bytes)/1e6/seconds, perRecord(cpu, l.records), float64(l.bytes)/1e6/cpu.Seconds())
	return err
}

// limits measures the client and the store alone, one after the other.
func (c *cluster) limits(ctx context.Context, w io.Writer, o options, dir string) error {
	small, blobs := o.sets["small"], o.sets["restore"]
	steps := []func() (limit, error){
		func() (limit, error) { return c.consumeLimit(ctx, small, o.codec) },
		func() (limit, error) { return c.consumeLimit(ctx, blobs, o.codec) },
		func() (limit, error) { return c.passLimit(ctx, small, o.codec) },
		func() (limit, error) { return countLimit(dir, 100_000, small.records) },
		func() (limit, error) { return countLimit(dir, 5_000_000, small.records) },
		func() (limit, error) { return sortedLimit(dir, 100_000, small.records) },
		func() (limit, error) { return sortedLimit(dir, 5_000_000, small.records) },
		func() (limit, error) { return tableLimit(dir, blobs) },
	}
	for _, step := range steps {
		l, err := step()
		if err == nil {
			err = l.write(w)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// consumeLimit fetches a topic and looks at nothing.
func (c *cluster) consumeLimit(ctx context.Context, d dataset, codec string) (limit, error) {
	l := limit{name: "consume " + d.in(codec), from: used(c.pid)}
	err := c.consume(ctx, d.in(codec), func(r *kgo.Record) error {
		l.records++
		l.bytes += int64(len(r.Key) + len(r.Value))
		return nil
	}, kgo.FetchMaxPartitionBytes(4<<20), kgo.FetchMaxBytes(64<<20))
	l.to = used(c.pid)
	return l, err
}

// passLimit sends on what it fetched, to the same partition.
func (c *cluster) passLimit(ctx context.Context, d dataset, codec string) (l limit, err error) {
	const topic = "mb-limit-out"
	if err := c.prepare(ctx, topic); err != nil {
		return l, err
	}
	compression := kgo.NoCompression()
	if codec == "lz4" {
		compression = kgo.Lz4Compression()
	}
	out, err := kgo.NewClient(kgo.SeedBrokers(c.addrs...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MaxBufferedRecords(200_000),
		kgo.ProducerBatchCompression(compression))
	if err != nil {
		return l, err
	}
	defer out.Close()
	l = limit{name: "pass through " + d.in(codec), from: used(c.pid)}
	err = c.consume(ctx, d.in(codec), func(r *kgo.Record) error {
		l.records++
		l.bytes += int64(len(r.Key) + len(r.Value))
		out.Produce(ctx, &kgo.Record{Topic: topic, Partition: r.Partition, Key: r.Key, Value: r.Value, Timestamp: r.Timestamp}, nil)
		return nil
	})
	err = errors.Join(err, out.Flush(ctx))
	l.to = used(c.pid)
	_, deleted := c.adm.DeleteTopics(context.WithoutCancel(ctx), topic)
	return l, errors.Join(err, deleted)
}

// openRaw opens Pebble as Kafka Streams sets RocksDB: no log, bloom filters, no
// compression.
func openRaw(dir string) (*pebble.DB, error) {
	o := &pebble.Options{DisableWAL: true, MemTableSize: 64 << 20, FormatMajorVersion: pebble.FormatNewest}
	o.EnsureDefaults()
	for i := range o.Levels {
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
		o.Levels[i].Compression = func() *sstable.CompressionProfile { return sstable.NoCompression }
	}
	return pebble.Open(dir, o)
}

// withRaw lends a database that lies in a folder of its own.
func withRaw(dir string, use func(*pebble.DB) error) (err error) {
	at, err := os.MkdirTemp(dir, "raw")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(at)) }()
	db, err := openRaw(at)
	if err != nil {
		return err
	}
	return errors.Join(use(db), db.Close())
}

// countLimit reads and writes a counter for every record, through batches.
func countLimit(dir string, keys, n int64) (l limit, err error) {
	err = withRaw(dir, func(db *pebble.DB) error {
		set := dataset{keys: keys, seed: 42}
		l = limit{name: fmt.Sprintf("Pebble get and set, %d keys", keys), records: n, bytes: n * 26, from: used("")}
		key, value := make([]byte, 0, 10), make([]byte, 16)
		for i := range n {
			key = appendKey(key[:0], set.keyNo(i))
			old, closer, err := db.Get(key)
			switch {
			case err == nil:
				copy(value, old)
				err = closer.Close()
			case errors.Is(err, pebble.ErrNotFound):
				clear(value)
				err = nil
			}
			if err != nil {
				return err
			}
			binary.BigEndian.PutUint64(value[8:], binary.BigEndian.Uint64(value[8:])+1)
			if err := db.Set(key, value, pebble.NoSync); err != nil {
				return err
			}
		}
		l.to = used("")
		return nil
	})
	return l, err
}

// sortedLimit counts in a map and writes it out in order, as a cache does.
func sortedLimit(dir string, keys, n int64) (l limit, err error) {
	const distinct = 100_000 // between flushes
	err = withRaw(dir, func(db *pebble.DB) error {
		set := dataset{keys: keys, seed: 42}
		l = limit{name: fmt.Sprintf("Pebble sorted set, %d keys", keys), records: n, bytes: n * 26, from: used("")}
		dirty := make(map[string]int64, distinct)
		var key []byte
		for i := range n {
			key = appendKey(key[:0], set.keyNo(i))
			dirty[string(key)]++
			if len(dirty) < distinct && i < n-1 {
				continue
			}
			if err := flushSorted(db, dirty); err != nil {
				return err
			}
			clear(dirty)
		}
		l.to = used("")
		return nil
	})
	return l, err
}

func flushSorted(db *pebble.DB, dirty map[string]int64) error {
	keys := make([]string, 0, len(dirty))
	for k := range dirty {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	b := db.NewBatch()
	defer func() { _ = b.Close() }() // it was applied, or its error is returned
	value := make([]byte, 16)
	for _, k := range keys {
		binary.BigEndian.PutUint64(value[8:], uint64(dirty[k]))
		if err := b.Set([]byte(k), value, nil); err != nil {
			return err
		}
	}
	return b.Commit(pebble.NoSync)
}

// tableLimit writes sorted records into tables and has Pebble take them in.
func tableLimit(dir string, d dataset) (l limit, err error) {
	const run = 64 << 20
	err = withRaw(dir, func(db *pebble.DB) error {
		l = limit{name: "write and ingest sorted tables", records: d.records, bytes: d.records * d.size(), from: used("")}
		for i := int64(0); i < d.records; {
			path := filepath.Join(dir, fmt.Sprintf("run-%d.sst", i))
			next, err := writeTableFile(path, d, i, min(d.records, i+run/d.size()))
			if err != nil {
				return err
			}
			if err := db.Ingest(context.Background(), []string{path}); err != nil {
				return err
			}
			i = next
		}
		l.to = used("")
		return nil
	})
	return l, err
}

func writeTableFile(path string, d dataset, from, to int64) (next int64, err error) {
	f, err := vfs.Default.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return 0, err
	}
	w := sstable.NewWriter(objstorageprovider.NewFileWritable(f), sstable.WriterOptions{TableFormat: sstable.TableFormatPebblev4, Compression: sstable.NoCompression})
	var key, value []byte
	for i := from; i < to; i++ {
		key, value = appendKey(key[:0], i), d.appendValue(value[:0], i)
		if err := w.Set(key, value); err != nil {
			return 0, errors.Join(err, w.Close())
		}
	}
	return to, w.Close()
}
