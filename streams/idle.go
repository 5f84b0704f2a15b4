package streams

import "time"

// Idleness is the option that IdleAfter makes.
type Idleness struct{ after time.Duration }

// IdleAfter lets a source hold its task up no more once it was silent for d, by the
// wall clock, whatever [Config.MaxTaskIdle] says: stream time goes on without it until
// it brings a record again. It is [Config.SourceIdle] for one source. What the broker
// is known to have is waited for all the same.
func IdleAfter(d time.Duration) Idleness { return Idleness{d} }

func (i Idleness) apply(s *settings) {
	if s.idleAfter = i.after; i.after <= 0 {
		s.fault("the time %v after which the source is idle is not positive", i.after)
	}
}
func (Idleness) sourceOption() {}
func (Idleness) tableOption()  {}
