package task

// schedule is when one punctuator is called next.
type schedule struct {
	Punctuator
	due   int64 // ms of its clock
	begun bool
}

// schedule starts the punctuators. Stream time is aligned to 0, so that the first
// record makes all of them due; the wall clock begins one interval from now, as
// soon as Punctuate tells what now is. So does Kafka Streams.
func (t *Task) schedule(all []Punctuator) {
	for _, p := range all {
		t.clocks = append(t.clocks, schedule{Punctuator: p, begun: p.Clock == StreamTime})
	}
}

// Punctuate calls the punctuators that are due at now, wall-clock time in ms. One
// that missed several turns is called once. An error is an *[Error].
func (t *Task) Punctuate(now int64) error {
	for i := range t.clocks {
		if s := &t.clocks[i]; !s.begun {
			s.begun, s.due = true, now+s.Interval.Milliseconds()
		}
	}
	return t.punctuate(WallClock, now)
}

// Due is the wall-clock time, in ms, at which Punctuate has something to do. It
// reports false if there is no punctuator, and 0 before the first Punctuate.
func (t *Task) Due() (at int64, ok bool) {
	for i := range t.clocks {
		s := &t.clocks[i]
		if s.Clock == WallClock && (!ok || s.due < at) {
			at, ok = s.due, true
		}
	}
	return at, ok
}

func (t *Task) punctuate(clock PunctuationClock, now int64) error {
	for i := range t.clocks {
		s := &t.clocks[i]
		if s.Clock != clock || now < 0 || s.due > now {
			continue
		}
		s.after(now)
		if err := s.call(now); err != nil {
			return t.fault(nil, err)
		}
	}
	return nil
}

// after sets the next turn: the first one of the schedule's grid behind now.
func (s *schedule) after(now int64) {
	every := max(1, s.Interval.Milliseconds())
	s.due += ((now-s.due)/every + 1) * every
}

func (s *schedule) call(now int64) (err error) {
	defer recovered(&err)
	return s.Call(now)
}
