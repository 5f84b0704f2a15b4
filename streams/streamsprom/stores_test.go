package streamsprom_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store/pebblestore"
	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/streamsprom"
)

// TestStoreMetrics: each number of the stores has its own name.
func TestStoreMetrics(t *testing.T) {
	t.Parallel()
	a := app{
		ApplicationID: "a", RecordCaches: streams.RecordCaches{Bytes: 1, Limit: 2},
		Stores: pebblestore.Metrics{
			Budget: 3, BlockCache: pebblestore.CacheMetrics{Bytes: 4, Hits: 5, Misses: 6},
			FileCache: pebblestore.CacheMetrics{Bytes: 7}, LoadBytes: 9,
			Total: pebblestore.DBMetrics{
				MemTableBytes: 8, UnflushedBytes: 10, Tables: 11, DiskBytes: 12, ReadAmp: 13, CompactionDebt: 14,
				CompactionsRunning: 15, Flushes: 16, Compactions: 17, BytesFlushed: 18, BytesCompacted: 19, Stalls: 20,
			},
		},
	}
	names := []string{
		"record_cache_bytes", "record_cache_limit_bytes", "state_memory_limit_bytes", "state_block_cache_usage_bytes",
		"state_block_cache_hits_total", "state_block_cache_misses_total", "state_table_readers_bytes", "state_mem_tables_bytes",
		"state_restore_buffer_bytes", "state_unflushed_bytes", "state_sst_files", "state_sst_files_size_bytes",
		"state_read_amplification", "state_pending_compaction_bytes", "state_running_compactions", "state_flushes_total",
		"state_compactions_total", "state_memtable_bytes_flushed_total", "state_bytes_written_compaction_total", "state_write_stalls_total",
	}
	w := httptest.NewRecorder()
	streamsprom.Handler(a).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for i, name := range names {
		require.Contains(t, w.Body.String(), fmt.Sprintf("millrace_%s{application=\"a\"} %d\n", name, i+1))
	}
}
