package oracle

import (
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace/millrace/streams/streamstest"
)

// TestVectors replays every vector and compares all that it expects. It ends with one
// line that counts them.
func TestVectors(t *testing.T) {
	t.Parallel()
	all := vectors(t, os.Getenv)
	var failed atomic.Int32
	t.Run("all", func(t *testing.T) {
		for i := range all {
			v := &all[i]
			t.Run(v.Name, func(t *testing.T) {
				t.Parallel()
				r := &replay{t: t, v: v}
				t.Cleanup(func() {
					if t.Failed() {
						failed.Add(1)
					}
				})
				r.run()
			})
		}
	})
	fmt.Printf("vectors: %d passed, %d failed, %d skipped\n", len(all)-int(failed.Load()), failed.Load(), 0)
}

// replay is one vector being replayed.
type replay struct {
	t    *testing.T
	v    *vector
	d    *streamstest.Driver
	read map[string]int // messages of each topic that were seen
	lost int            // dropped records that were seen
}

// differ names a difference.
func (r *replay) differ(where string, want, got any) {
	r.t.Helper()
	r.t.Errorf("%s: %s:\nexpected: %v\ngot:      %v", r.v.Name, where, want, got)
}

// same compares two printable things, by their text.
func (r *replay) same(where string, want, got any) {
	r.t.Helper()
	if fmt.Sprint(want) != fmt.Sprint(got) {
		r.differ(where, want, got)
	}
}

// run replays the vector from its program to its stores.
func (r *replay) run() {
	b, err := interpret(*r.v)
	if err != nil {
		r.differ("program", "a program that can be expressed", err)
		return
	}
	topology, err := b.Build(r.v.building()...)
	if err == nil {
		r.d, err = streamstest.Try(r.t, b, r.options()...)
	}
	if wrong := r.v.Expect.BuildError; wrong != nil || err != nil {
		if (wrong != nil) != (err != nil) {
			r.differ("build", raw(wrong), err)
		}
		return
	}
	r.read = map[string]int{}
	r.describe(topology)
	r.topics()
	r.steps()
	r.logs()
	if !r.v.Expect.Aborted {
		r.stores()
	}
}

// options are the driver's, from the vector's configuration.
func (r *replay) options() []streamstest.Option {
	out := []streamstest.Option{
		streamstest.SingleTask(),
		streamstest.WithBuild(r.v.building()...),
		streamstest.WithApplicationID(r.v.Config["application.id"].(string)),
		streamstest.WithClock(time.UnixMilli(r.v.WallClock)),
	}
	out = append(out, streamstest.WithHandlers(r.v.handlers()))
	if n, _ := r.v.Config["statestore.cache.max.bytes"].(float64); n != 0 {
		out = append(out, streamstest.WithCache(int64(n)))
	}
	return out
}

// steps runs the steps until one fails.
func (r *replay) steps() {
	for i, want := range r.v.Expect.Steps {
		err := r.step(i, want)
		where := fmt.Sprintf("step %d", i)
		if (err != nil) != (want.Error != nil) {
			r.differ(where, "error "+raw(want.Error), err)
		}
		if err != nil || want.Error != nil {
			return // Kafka's driver does not show what a failing step wrote
		}
		r.outputs(where, want)
	}
}

// step does what one step says.
func (r *replay) step(i int, want outcome) error {
	s := r.v.Steps[i]
	switch {
	case s.Pipe != nil:
		m := r.v.input(r.t, *s.Pipe)
		r.read[m.Topic]++ // it is not an output
		return r.d.SendRaw(m.Topic, m.Key, m.Value, streamstest.AtMs(m.Time), streamstest.WithHeaders(m.Headers...))
	case s.Advance != nil:
		return r.d.TryAdvance(ms(*s.Advance))
	case s.Query != nil:
		r.query(i, *s.Query, want.Result)
		return nil
	}
	return fmt.Errorf("step %d is of no known kind", i)
}
