package streams

import "time"

// joinSetting is an option for joins only.
type joinSetting func(*settings)

func (f joinSetting) apply(s *settings) { f(s) }
func (joinSetting) joinOption()         {}

// WithJoinStores names the stores of a join of streams, and with them their
// changelog topics, whose names otherwise have numbers.
func WithJoinStores(name string) JoinOption {
	return joinSetting(func(s *settings) { s.once("the stores' name", &s.storeName, name) })
}

// noJoinStores keeps a fault if options are given for stores that the join has not.
func (c *call) noJoinStores() {
	if c.storeName != "" || c.loggingOff || c.logConfig != nil {
		c.fail("WithJoinStores, WithoutLogging and WithLogConfig are for joins of two streams, which have stores of their own")
	}
}

// WithGrace makes a join of a stream with a versioned table wait: each record is
// looked up as of its own time, but not before the stream has come d further.
func WithGrace(d time.Duration) JoinOption {
	return joinSetting(func(s *settings) {
		if d < 0 || d%time.Millisecond != 0 {
			s.fault("the grace %v is negative, or not in whole milliseconds", d)
		}
		s.grace, s.waits = d, true
	})
}
