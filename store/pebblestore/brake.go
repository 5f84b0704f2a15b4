package pebblestore

import "time"

const (
	// stopSublevels is how many layers of flushed tables may lie on top of each
	// other before commits wait for compactions. Each one is a place to look at for
	// reads; the more there are the better is the rate of compactions.
	stopSublevels = 20
	// recheck is how often a waiting commit looks again, should no compaction of its
	// DB end.
	recheck = 100 * time.Millisecond
)

// brake slows a task down to what the disk and the compactions can sustain. Pebble
// has one, but waits without watching for failures. It belongs to the goroutine of
// the DB, except for notify.
type brake struct {
	bytes    int64         // of commits after which a flush begins
	grace    int           // sublevels above stopSublevels that a load has left
	progress chan struct{} // has one element after a compaction
}

// newBrake flushes at the bound, or earlier where memtables are small, so that none
// fills up while another waits for its flush.
func newBrake(unflushed int64, memTable uint64) brake {
	return brake{bytes: min(unflushed, int64(memTable/4*3)), progress: make(chan struct{}, 1)}
}

func (b *brake) notify() {
	select {
	case b.progress <- struct{}{}:
	default:
	}
}

// over reports whether so many sublevels are too many. What a load left is forgiven
// and worked off meanwhile.
func (b *brake) over(sublevels int) bool {
	b.grace = min(b.grace, max(0, sublevels-stopSublevels/2))
	return sublevels > stopSublevels+b.grace
}

func (d *DB) sublevels() int { return int(d.db.Metrics().Levels[0].Sublevels) }

// keepPace waits until compactions have caught up, or something failed.
func (d *DB) keepPace() error {
	if !d.brake.over(d.sublevels()) {
		return nil
	}
	d.stalls.Add(1)
	again := time.NewTicker(recheck)
	defer again.Stop()
	for d.brake.over(d.sublevels()) {
		select {
		case <-d.brake.progress:
		case <-again.C:
		case <-d.health.failed:
			return d.health.check()
		}
	}
	return nil
}
