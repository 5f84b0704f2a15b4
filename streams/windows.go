package streams

import (
	"time"

	"github.com/millrace/millrace/streams/internal/node"
)

// TimeWindows are windows of one length, aligned to the epoch: tumbling ones
// follow each other, hopping ones overlap. They are closed at the end of their
// grace and take no records after that; without Grace that is at once.
type TimeWindows struct {
	size, advance, grace time.Duration
	// sliding windows are as long as size, both ends included.
	sliding bool
	onClose bool
}

// Sliding are windows of records that are at most difference apart. There is one that
// ends at each record, and one that begins just behind it, unless they are empty.
func Sliding(difference time.Duration) TimeWindows {
	return TimeWindows{size: difference, advance: difference, sliding: true}
}

// retained is how long windows must be kept for late records.
func (w TimeWindows) retained() time.Duration {
	if w.sliding {
		return 2*w.size + w.grace
	}
	return w.size + w.grace
}

// Tumbling are windows of that size, one after the other. Sizes are whole
// milliseconds.
func Tumbling(size time.Duration) TimeWindows { return TimeWindows{size: size, advance: size} }

// Hopping are windows of that size, of which one begins every advance.
func Hopping(size, advance time.Duration) TimeWindows {
	return TimeWindows{size: size, advance: advance}
}

// Grace is how long after its end a window takes late records, in event time.
func (w TimeWindows) Grace(d time.Duration) TimeWindows {
	w.grace = d
	return w
}

func (w TimeWindows) check(c *call) {
	c.span("the window size", w.size, time.Millisecond)
	c.span("the window advance", w.advance, time.Millisecond)
	c.span("the grace", w.grace, 0)
	if w.advance > w.size {
		c.fail("the window advance %v is larger than the size %v, so that records between windows would be lost", w.advance, w.size)
	}
}

func (w TimeWindows) node() node.TimeWindows {
	return node.TimeWindows{Size: w.size.Milliseconds(), Advance: w.advance.Milliseconds(), Grace: w.grace.Milliseconds()}
}

// Sessions are bursts of activity, apart from each other by a gap of
// inactivity. A record that falls between two sessions merges them.
type Sessions struct {
	gap, grace time.Duration
	onClose    bool
}

// SessionGap are sessions that end when no record came for longer than gap.
func SessionGap(gap time.Duration) Sessions { return Sessions{gap: gap} }

// Grace is how long after its gap a session takes late records, in event time.
func (s Sessions) Grace(d time.Duration) Sessions {
	s.grace = d
	return s
}

func (s Sessions) check(c *call) {
	c.span("the session gap", s.gap, time.Millisecond)
	c.span("the grace", s.grace, 0)
}

func (s Sessions) node() node.SessionWindows {
	return node.SessionWindows{Gap: s.gap.Milliseconds(), Grace: s.grace.Milliseconds()}
}

// span checks a length of time: whole milliseconds, and not below least.
func (c *call) span(what string, d, least time.Duration) {
	switch {
	case d < least && least == 0:
		c.fail("%s %v is negative", what, d)
	case d < least:
		c.fail("%s %v is shorter than %v", what, d, least)
	case d%time.Millisecond != 0:
		c.fail("%s %v is not in whole milliseconds, which is how Kafka keeps time", what, d)
	}
}

// retain is how long the store keeps windows: what late records need, or more
// if the user asks for more.
func (c *call) retain(least time.Duration) time.Duration {
	if c.retention == 0 {
		return least
	}
	if c.retention < least {
		c.fail("the retention %v is shorter than the %v for which records may still come", c.retention, least)
	}
	c.span("the retention", c.retention, time.Millisecond)
	return c.retention
}
