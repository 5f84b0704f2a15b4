package pebblestore

import (
	"log/slog"
	"math"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// DefaultMaxUnflushedBytes is what Options.MaxUnflushedBytes means when zero.
const DefaultMaxUnflushedBytes = 32 << 20

// bloomBits is 10 bits a key: one in a hundred lookups of an absent key reads a
// block in vain.
const bloomBits = 10

// Options of one DB. The zero value is right for a single task.
type Options struct {
	// FS is the file system; nil is the disk.
	FS vfs.FS
	// Shared are the caches shared by all DBs of a process; nil gives the DB small
	// ones of its own. The caller closes it after its last DB.
	Shared *Shared
	// Logger gets what Pebble has to say; nil discards it.
	Logger *slog.Logger
	// MaxUnflushedBytes bounds how much committed data may be in memory only, which
	// is what a crash costs in restoring: a flush starts in the background at this
	// size, and a commit waits once twice as much has gathered.
	MaxUnflushedBytes int64
}

func (o Options) withDefaults() Options {
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.MaxUnflushedBytes <= 0 {
		o.MaxUnflushedBytes = DefaultMaxUnflushedBytes
	}
	return o
}

// pebbleOptions translates. Pebble's own brakes on writers are off: it waits
// without an end while flushes fail; see the package comment. Ours is [brake].
func (d *DB) pebbleOptions() *pebble.Options {
	p := &pebble.Options{
		FS:                          manifestFS{fence{d.health}.wrap(d.files), d.health},
		Cache:                       d.shared.cache,
		FileCache:                   d.shared.files,
		MemTableSize:                d.shared.memTableSize(),
		MemTableStopWritesThreshold: math.MaxInt32,
		L0CompactionThreshold:       2,
		L0StopWritesThreshold:       math.MaxInt32,
		DisableWAL:                  true,
		FormatMajorVersion:          pebble.FormatNewest,
		CompactionConcurrencyRange:  func() (lower, upper int) { return 1, 1 },
		Logger:                      d.health,
		EventListener: &pebble.EventListener{
			BackgroundError: d.health.fail,
			DataCorruption:  func(i pebble.DataCorruptionInfo) { d.health.fail(pebble.ErrCorruption) },
			CompactionEnd:   func(pebble.CompactionInfo) { d.brake.notify() },
		},
	}
	p.Experimental.CompactionScheduler = d.scheduler
	// A table that is ingested while the memtable overlaps would wait in memory for
	// the next flush. Loads flush before, and then the table is durable at once.
	p.Experimental.DisableIngestAsFlushable = func() bool { return true }
	for i := range p.Levels {
		p.Levels[i].FilterPolicy = bloom.FilterPolicy(bloomBits)
	}
	return p
}
