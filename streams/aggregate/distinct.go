package aggregate

import (
	"errors"

	"github.com/axiomhq/hyperloglog"

	"github.com/millrace/millrace/streams/serde"
)

// Sketch is a HyperLogLog: it knows about how many different things it has seen, with
// a standard error of 0.8 %, and takes a few bytes for few things and 16 KiB for any
// number. It is not safe for concurrent use, not even to be read.
type Sketch struct{ hll *hyperloglog.Sketch }

// NewSketch has seen nothing.
func NewSketch() *Sketch { return &Sketch{hyperloglog.New14()} }

// Add shows it something.
func (s *Sketch) Add(id string) { s.hll.Insert([]byte(id)) }

// Merge adds what the other one has seen, which stays as it is.
func (s *Sketch) Merge(o *Sketch) {
	if o != nil {
		_ = s.hll.Merge(o.hll) // both are of the same precision
	}
}

// Estimate is about how many different things it has seen; 0 for nil.
func (s *Sketch) Estimate() int64 {
	if s == nil {
		return 0
	}
	return int64(s.hll.Estimate())
}

// ApproxDistinct counts different ids, about. of makes the id of a value. The result
// is the sketch, so that windows, sessions and other aggregates can be merged; take
// its estimate by MapValues((*aggregate.Sketch).Estimate).
func ApproxDistinct[K, V any](of func(V) string) Aggregator[K, V, *Sketch] {
	if of == nil {
		return Aggregator[K, V, *Sketch]{} // the operator that gets it says so
	}
	return Aggregator[K, V, *Sketch]{
		Init: NewSketch,
		Add: func(_ K, v V, acc *Sketch) *Sketch {
			acc.Add(of(v))
			return acc
		},
		Merge: func(_ K, a, b *Sketch) *Sketch {
			a.Merge(b)
			return a
		},
		Serde: SketchSerde(),
	}
}

// SketchSerde writes sketches as the library hyperloglog does, in its version 2.
func SketchSerde() serde.Serde[*Sketch] { return sketchSerde{} }

type sketchSerde struct{}

var errSketch = errors.New("not a sketch: the topic holds something else, or was written with another serde")

func (sketchSerde) Append(dst []byte, s *Sketch) ([]byte, error) {
	if s == nil {
		return dst, errors.New("a null has no encoding; write a null value instead")
	}
	return s.hll.AppendBinary(dst)
}

func (sketchSerde) Decode(b []byte) (*Sketch, error) {
	s := NewSketch()
	if err := s.hll.UnmarshalBinary(b); err != nil {
		return nil, errSketch // the library's text has numbers out of the bytes
	}
	// Another precision cannot be merged, and the estimate would have another error.
	if err := NewSketch().hll.Merge(s.hll); err != nil {
		return nil, errSketch
	}
	return s, nil
}

// Null implements serde.NullAware.
func (sketchSerde) Null() *Sketch { return nil }

// IsNull implements serde.NullAware.
func (sketchSerde) IsNull(s *Sketch) bool { return s == nil }
