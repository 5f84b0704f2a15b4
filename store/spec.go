package store

import (
	"errors"
	"fmt"
	"time"
)

// minSegmentInterval keeps stores of short retention from having many segments.
const minSegmentInterval = time.Minute

// SegmentInterval is the span of event time, in ms, that one segment of a window
// or session store covers. It is a part of the local key layout: a store that was
// written with another interval must be rebuilt. As in Kafka Streams it is half
// the retention, at least a minute.
func (s Spec) SegmentInterval() int64 {
	return max(s.Retention/2, minSegmentInterval).Milliseconds()
}

// Segmented reports whether the store's keys carry event time and expire.
func (s Spec) Segmented() bool { return s.Kind == KindWindow || s.Kind == KindSession }

// Validate reports all that is wrong with the declaration, joined.
func (s Spec) Validate() error {
	var faults []error
	fault := func(bad bool, text string) {
		if bad {
			faults = append(faults, fmt.Errorf("store %q: %s", s.Name, text))
		}
	}
	fault(s.Name == "", "it needs a name")
	fault(s.Kind < KindKeyValue || s.Kind > KindSession, "unknown kind "+s.Kind.String())
	fault(s.Retention < 0, "the retention is negative")
	fault(s.Kind == KindKeyValue && s.Retention != 0, "a key-value store has no retention")
	fault(s.Kind == KindWindow && s.WindowSize <= 0, "a window store needs the size of its windows")
	return errors.Join(faults...)
}

// String is the kind's name, for messages.
func (k Kind) String() string {
	switch k {
	case KindKeyValue:
		return "key-value"
	case KindWindow:
		return "window"
	case KindSession:
		return "session"
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}
