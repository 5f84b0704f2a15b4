package task

// schedule is when one punctuator is called next.
type schedule struct {
	Punctuator
	due   int64 // ms of its clock
	begun bool
}

// schedule starts the punctuators that are new. Stream time is aligned to 0, so that
// the first record makes all of them due; the wall clock begins one interval from
// now, as soon as Punctuate tells what now is. So does Kafka Streams.
func (t *Task) schedule() {
	all := t.linked.Punctuators
	for _, p := range all[t.scheduled:] {
		begun := p.Clock == StreamTime || p.Start != 0
		t.clocks = append(t.clocks, schedule{Punctuator: p, begun: begun, due: p.Start})
	}
	t.scheduled = len(all)
}

// Punctuate calls the punctuators that are due at now, wall-clock time in ms. One
// that missed several turns is called once. An error is an *[Error].
func (t *Task) Punctuate(now int64) error {
	t.schedule()
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
	t.schedule()
	for i := range t.clocks {
		s := &t.clocks[i]
		if s.Clock == WallClock && !s.cancelled() && (!ok || s.due < at) {
			at, ok = s.due, true
		}
	}
	return at, ok
}

// punctuate calls what is due, the longest due first.
func (t *Task) punctuate(clock PunctuationClock, now int64) error {
	for {
		s := t.next(clock, now)
		if s == nil {
			return nil
		}
		call := s.Call
		s.after(now)
		if err := punctuation(call, now); err != nil {
			return t.fault(nil, err)
		}
	}
}

// next is the punctuator that has been due for longest, or nil.
func (t *Task) next(clock PunctuationClock, now int64) (first *schedule) {
	for i := range t.clocks {
		s := &t.clocks[i]
		if s.Clock != clock || !s.begun || now < 0 || s.due > now || s.cancelled() {
			continue
		}
		if first == nil || s.due < first.due {
			first = s
		}
	}
	return first
}

func (s *schedule) cancelled() bool { return s.Cancelled != nil && *s.Cancelled }

// after sets the next turn: the first one of the schedule's grid behind now.
func (s *schedule) after(now int64) {
	every := max(1, s.Interval.Milliseconds())
	s.due += ((now-s.due)/every + 1) * every
}

func punctuation(call func(int64) error, now int64) (err error) {
	defer recovered(&err)
	return call(now)
}
