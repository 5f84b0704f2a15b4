package pebblestore

import (
	"maps"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// Metrics is what all DBs of a process use and do, at one moment. Counters start at
// zero with the [Shared] or, those of one DB, with its opening.
type Metrics struct {
	// Budget is the bound on memory that [NewShared] was given, in bytes.
	Budget int64
	// BlockCache is the cache of table blocks; its Bytes shrink as memtables grow.
	BlockCache CacheMetrics
	// FileCache is the cache of open tables.
	FileCache CacheMetrics
	// LoadBytes is the memory that sorted runs of restoring tasks hold.
	LoadBytes int64
	// Total sums up the open DBs; what counts events also has those that were closed
	// before, so that it never goes down.
	Total DBMetrics
	// DBs are the open ones by their directory.
	DBs map[string]DBMetrics
}

// CacheMetrics is the state of one cache.
type CacheMetrics struct {
	// Bytes and Entries are what it holds.
	Bytes, Entries int64
	// Hits and Misses count lookups.
	Hits, Misses int64
}

// DBMetrics is what one DB uses and does. There is no write-ahead log to report.
type DBMetrics struct {
	// MemTableBytes is the memory of memtables: the one that fills, those that wait
	// for their flush, and one that is kept for the next.
	MemTableBytes int64
	// UnflushedBytes of commits are in memory only; a crash costs restoring them.
	UnflushedBytes int64
	// DiskBytes is the space of all files, Tables the number of tables that are in use.
	DiskBytes, Tables int64
	// Levels are the tables of each level, the first is the one that flushes fill.
	Levels [7]LevelMetrics
	// ReadAmp is how many places a read that is not in the cache may have to look at.
	ReadAmp int
	// CompactionDebt estimates the bytes that compactions have to write until the
	// levels are in shape.
	CompactionDebt int64
	// Flushes, Compactions and Ingests count what ended; CompactionsRunning is now.
	Flushes, Compactions, Ingests, CompactionsRunning int64
	// BytesFlushed and BytesCompacted were written to tables; divided by the bytes
	// of commits they are the write amplification.
	BytesFlushed, BytesCompacted int64
	// Stalls counts commits that had to wait for flushes or compactions.
	Stalls int64
}

// LevelMetrics is the size of one level.
type LevelMetrics struct {
	Tables, Bytes int64
}

// Metrics takes a snapshot. It costs some microseconds for each DB and may be called
// at any time, from any goroutine; after Close only what was counted is left.
func (s *Shared) Metrics() Metrics {
	m, open := s.ofCaches()
	for _, d := range open {
		of, files, ok := d.measure()
		if ok {
			m.DBs[d.dir], m.FileCache = of, files // each knows the cache as a whole
			m.Total.add(of)
		}
	}
	return m
}

// ofCaches is the part that no DB need be asked for, and the open DBs.
func (s *Shared) ofCaches() (Metrics, []*DB) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := Metrics{Budget: s.budget, LoadBytes: s.loads.held(), Total: s.past, DBs: make(map[string]DBMetrics, len(s.dbs))}
	if !s.closed {
		blocks := s.cache.Metrics()
		m.BlockCache = CacheMetrics{Bytes: blocks.Size, Entries: blocks.Count, Hits: blocks.Hits, Misses: blocks.Misses}
	}
	return m, slices.Collect(maps.Keys(s.dbs))
}

// Metrics of this DB; false once it is closed. Safe for concurrent use.
func (d *DB) Metrics() (m DBMetrics, ok bool) {
	m, _, ok = d.measure()
	return m, ok
}

func (d *DB) measure() (m DBMetrics, files CacheMetrics, ok bool) {
	d.closing.RLock()
	defer d.closing.RUnlock()
	if d.closed {
		return m, files, false
	}
	p := d.db.Metrics()
	m = translate(p)
	m.UnflushedBytes, m.Stalls = d.unflushed.Load(), d.stalls.Load()
	f := p.FileCache
	return m, CacheMetrics{Bytes: f.Size, Entries: f.TableCount, Hits: f.Hits, Misses: f.Misses}, true
}

func translate(p *pebble.Metrics) DBMetrics {
	m := DBMetrics{
		MemTableBytes:  int64(p.MemTable.Size + p.MemTable.ZombieSize),
		DiskBytes:      int64(p.DiskSpaceUsage()),
		ReadAmp:        p.ReadAmp(),
		CompactionDebt: int64(p.Compact.EstimatedDebt),
		Flushes:        p.Flush.Count, Compactions: p.Compact.Count, Ingests: int64(p.Ingest.Count),
		CompactionsRunning: p.Compact.NumInProgress,
	}
	for i := range p.Levels {
		l := &p.Levels[i]
		m.Levels[i] = LevelMetrics{Tables: l.TablesCount, Bytes: l.TablesSize}
		m.Tables += l.TablesCount
		m.BytesFlushed += int64(l.TableBytesFlushed)
		m.BytesCompacted += int64(l.TableBytesCompacted)
	}
	return m
}

// events are the counters of a DB that is about to close.
func (d *DB) events() DBMetrics {
	m := translate(d.db.Metrics())
	return DBMetrics{
		Flushes: m.Flushes, Compactions: m.Compactions, Ingests: m.Ingests,
		BytesFlushed: m.BytesFlushed, BytesCompacted: m.BytesCompacted, Stalls: d.stalls.Load(),
	}
}

// add sums up; of the read amplification it keeps the worst.
func (m *DBMetrics) add(o DBMetrics) {
	m.MemTableBytes += o.MemTableBytes
	m.UnflushedBytes += o.UnflushedBytes
	m.DiskBytes += o.DiskBytes
	m.Tables += o.Tables
	for i, l := range o.Levels {
		m.Levels[i].Tables += l.Tables
		m.Levels[i].Bytes += l.Bytes
	}
	m.ReadAmp = max(m.ReadAmp, o.ReadAmp)
	m.CompactionDebt += o.CompactionDebt
	m.Flushes += o.Flushes
	m.Compactions += o.Compactions
	m.Ingests += o.Ingests
	m.CompactionsRunning += o.CompactionsRunning
	m.BytesFlushed += o.BytesFlushed
	m.BytesCompacted += o.BytesCompacted
	m.Stalls += o.Stalls
}
