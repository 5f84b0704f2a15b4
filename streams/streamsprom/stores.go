package streamsprom

import (
	"github.com/millrace/millrace/store/pebblestore"
	"github.com/millrace/millrace/streams"
)

// ofStores are the metrics of local state. Where Kafka Streams has one of its RocksDB
// metrics for the same, this is its name, with unit and suffix as Prometheus wants
// them. They are sums over the process's tasks, so that their number does not grow
// with partitions; millrace_task_state_bytes tells tasks apart.
func ofStores() []metric {
	caches := func(value func(streams.RecordCaches) int64) func(streams.Status, sink) {
		return single(func(s streams.Status) float64 { return float64(value(s.RecordCaches)) })
	}
	return []metric{
		{"millrace_record_cache_bytes", "Memory of the record caches.", gauge, nil, caches(func(c streams.RecordCaches) int64 { return c.Bytes })},
		{"millrace_record_cache_limit_bytes", "Bound of the record caches together, 0 where there are none.", gauge, nil, caches(func(c streams.RecordCaches) int64 { return c.Limit })},

		{"millrace_state_memory_limit_bytes", "Memory that block cache, memtables and restoring may take together.", gauge, nil, stores(func(m pebblestore.Metrics) int64 { return m.Budget })},
		{"millrace_state_block_cache_usage_bytes", "Memory of the cache of table blocks, which gives way to memtables and restoring.", gauge, nil, stores(func(m pebblestore.Metrics) int64 { return m.BlockCache.Bytes })},
		{"millrace_state_block_cache_hits_total", "Blocks that were in the cache.", counter, nil, stores(func(m pebblestore.Metrics) int64 { return m.BlockCache.Hits })},
		{"millrace_state_block_cache_misses_total", "Blocks that were read from the disk.", counter, nil, stores(func(m pebblestore.Metrics) int64 { return m.BlockCache.Misses })},
		{"millrace_state_table_readers_bytes", "Memory of open tables.", gauge, nil, stores(func(m pebblestore.Metrics) int64 { return m.FileCache.Bytes })},
		{"millrace_state_mem_tables_bytes", "Memory of all memtables.", gauge, nil, total(func(m pebblestore.DBMetrics) int64 { return m.MemTableBytes })},
		{"millrace_state_restore_buffer_bytes", "Memory of the records that are sorted while restoring.", gauge, nil, stores(func(m pebblestore.Metrics) int64 { return m.LoadBytes })},
		{"millrace_state_unflushed_bytes", "Commits that are not on the disk yet; a crash costs restoring them.", gauge, nil, total(func(m pebblestore.DBMetrics) int64 { return m.UnflushedBytes })},

		{"millrace_state_sst_files", "Tables on the disk that are in use.", gauge, nil, total(func(m pebblestore.DBMetrics) int64 { return m.Tables })},
		{"millrace_state_sst_files_size_bytes", "Space of all files of the stores.", gauge, nil, total(func(m pebblestore.DBMetrics) int64 { return m.DiskBytes })},
		{"millrace_state_read_amplification", "Places where the worst store may have to look for a key.", gauge, nil, total(func(m pebblestore.DBMetrics) int64 { return int64(m.ReadAmp) })},
		{"millrace_state_pending_compaction_bytes", "Bytes that compactions have to write until the levels are in shape, an estimate.", gauge, nil, total(func(m pebblestore.DBMetrics) int64 { return m.CompactionDebt })},
		{"millrace_state_running_compactions", "Compactions under way.", gauge, nil, total(func(m pebblestore.DBMetrics) int64 { return m.CompactionsRunning })},

		{"millrace_state_flushes_total", "Flushes of memtables.", counter, nil, total(func(m pebblestore.DBMetrics) int64 { return m.Flushes })},
		{"millrace_state_compactions_total", "Compactions.", counter, nil, total(func(m pebblestore.DBMetrics) int64 { return m.Compactions })},
		{"millrace_state_memtable_bytes_flushed_total", "Bytes that flushes wrote.", counter, nil, total(func(m pebblestore.DBMetrics) int64 { return m.BytesFlushed })},
		{"millrace_state_bytes_written_compaction_total", "Bytes that compactions wrote.", counter, nil, total(func(m pebblestore.DBMetrics) int64 { return m.BytesCompacted })},
		{"millrace_state_write_stalls_total", "Commits that had to wait for the disk.", counter, nil, total(func(m pebblestore.DBMetrics) int64 { return m.Stalls })},
	}
}

// stores is a metric of what all stores share.
func stores(value func(pebblestore.Metrics) int64) func(streams.Status, sink) {
	return single(func(s streams.Status) float64 { return float64(value(s.Stores)) })
}

// total is a metric of the stores' sum.
func total(value func(pebblestore.DBMetrics) int64) func(streams.Status, sink) {
	return stores(func(m pebblestore.Metrics) int64 { return value(m.Total) })
}
