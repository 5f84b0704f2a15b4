package oracle

import (
	"testing"

	"github.com/millrace/millrace/streams/internal/task"
)

// clockStart is where the wall clock of all vectors stands first, in ms.
const clockStart = 1000000

// schedule is when one punctuator is called next.
type schedule struct {
	task.Punctuator
	due int64
}

// WallClock makes the driver a task.Clocked.
func (d *driver) WallClock() int64 { return d.wall }

// scheduleAll takes up the punctuators that tasks have asked for.
func (d *driver) scheduleAll() {
	for i, l := range d.linked {
		for _, p := range l.Punctuators[d.known[i]:] {
			s := &schedule{Punctuator: p, due: p.Start}
			if p.Clock == task.WallClock && p.Start == 0 {
				s.due = d.wall + p.Interval.Milliseconds()
			}
			d.schedules = append(d.schedules, s)
		}
		d.known[i] = len(l.Punctuators)
	}
}

// punctuate calls what is due by one clock, each once.
func (d *driver) punctuate(clock task.PunctuationClock, now int64) error {
	d.scheduleAll()
	for _, s := range d.schedules {
		if s.Clock != clock || s.due > now || s.Cancelled != nil && *s.Cancelled {
			continue
		}
		every := s.Interval.Milliseconds()
		s.due += ((now-s.due)/every + 1) * every
		d.now = now
		if err := s.Call(now); err != nil {
			return err
		}
	}
	return nil
}

// advance moves the wall clock, and processes what follows.
func (d *driver) advance(ms int64) error {
	d.wall += ms
	if err := d.punctuate(task.WallClock, d.wall); err != nil {
		return err
	}
	if err := d.commit(); err != nil {
		return err
	}
	return d.run()
}

// step does what one step of a vector says.
func (d *driver) step(t *testing.T, v vector, s step) error {
	t.Helper()
	if s.Advance != nil {
		return d.advance(*s.Advance)
	}
	if err := d.enqueue(input(t, v, *s.Pipe)); err != nil {
		return err
	}
	return d.run()
}

// stamp gives a record the time that its source says; keep is false if it has none.
func (d *driver) stamp(s *sent) (keep bool, err error) {
	for _, l := range d.linked {
		if f := l.Stamps[s.topic]; f != nil {
			at, seen := d.times[s.topic]
			if !seen {
				at = -1
			}
			s.ts, err = f(&task.Raw{Topic: s.topic, Offset: d.offsets[s.topic], Time: s.ts, Key: s.key, Value: s.value, Headers: s.headers}, at)
			if err != nil || s.ts < 0 {
				d.offsets[s.topic]++
				return false, err
			}
		}
	}
	if at, seen := d.times[s.topic]; !seen || s.ts > at {
		d.times[s.topic] = s.ts
	}
	return true, nil
}
