package viewtest

import (
	"cmp"
	"encoding/binary"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/format"
	"github.com/millrace/millrace/streams/record"
)

type change = store.Buffered[string, int64]

// held is what the model knows of a buffered key.
type held struct {
	change
	prior record.Opt[int64]
}

// buffers is the buffer of a suppress.
type buffers struct {
	view      *store.Buffer[string, int64]
	now, kept map[string]held
}

func bufferStore() (store.Spec, subject) {
	return store.Spec{Name: "buffer", Kind: store.KindBuffer}, &buffers{now: map[string]held{}}
}

func (s *buffers) attach(p *program, e store.Engine) {
	view, err := store.NewBuffer(e, p.spec, text{}, long{})
	require.NoError(p.t, err)
	s.view = view
}

func (s *buffers) flush(p *program) { require.NoError(p.t, s.view.Flush()) }
func (s *buffers) keep()            { s.kept = maps.Clone(s.now) }
func (s *buffers) recall()          { s.now = maps.Clone(s.kept) }

func (p *program) part() (v record.Opt[int64]) {
	if p.one(4) {
		return v
	}
	return record.Some(p.value())
}

func (s *buffers) write(p *program) {
	if p.one(4) {
		s.evict(p)
		return
	}
	c := change{Key: p.key(), Old: p.part(), New: p.part(), Time: p.past(50_000), Context: p.context(p.clock)}
	require.NoError(p.t, s.view.Put(c))
	h := held{c, c.Old}
	if before, ok := s.now[c.Key]; ok {
		h.prior, h.Time = before.prior, before.Time
	}
	s.now[c.Key] = h
	if p.one(5) {
		s.flush(p)
	}
}

// context is where a record came from, with a header now and then.
func (p *program) context(ts int64) format.Context {
	c := format.Context{Time: ts, Offset: p.value(), Topic: "in", Partition: 3}
	if p.one(2) {
		c.Headers = []record.Header{{Key: "h", Value: []byte("x")}, {Key: "none"}}
	}
	return c
}

// inOrder are the buffered keys as they should leave.
func (s *buffers) inOrder() []held {
	return slices.SortedFunc(maps.Values(s.now), func(a, b held) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.Key, b.Key))
	})
}

func (s *buffers) evict(p *program) {
	n := p.rng.IntN(3)
	want := []change{}
	for _, h := range s.inOrder()[:min(n, len(s.now))] {
		want = append(want, h.change)
		delete(s.now, h.Key)
	}
	got := []change{}
	require.NoError(p.t, s.view.Evict(func() bool { n--; return n >= 0 }, func(c change) error {
		got = append(got, c)
		return nil
	}))
	require.Equal(p.t, want, got)
}

func (s *buffers) read(p *program) {
	key := p.key()
	prior, ok, err := s.view.Prior(key)
	require.NoError(p.t, err)
	want, there := s.now[key]
	require.Equal(p.t, there, ok, "Prior %q", key)
	require.Equal(p.t, want.prior, prior, "Prior %q", key)

	n, err := s.view.Len()
	require.NoError(p.t, err)
	require.Equal(p.t, len(s.now), n)
	first, err := s.view.MinTime()
	require.NoError(p.t, err)
	oldest, bytes := int64(math.MaxInt64), 0
	for _, h := range s.now {
		oldest = min(oldest, h.Time)
		bytes += size(h)
	}
	require.Equal(p.t, oldest, first)
	got, err := s.view.Bytes()
	require.NoError(p.t, err)
	require.Equal(p.t, bytes, got)
}

// size is what Kafka Streams counts: a Long is eight bytes, and an old value that is
// the prior one counts once.
func size(h held) int {
	n := 8 + len(h.Key) + h.Context.Size()
	for _, v := range []record.Opt[int64]{h.prior, h.Old, h.New} {
		if v.OK {
			n += 8
		}
	}
	if h.Old.OK && h.Old == h.prior {
		n -= 8
	}
	return n
}

const grace = 20 * time.Second

// delayed is a record in the grace buffer, with the number that tells those of one key
// and time apart.
type delayed struct {
	store.Delayed[string, int64]
	seq uint32
}

// order is that of the bytes in Kafka Streams' layout: a key is followed by its
// number without an end, so that "" and "\x00" change places by their numbers.
func (d delayed) order(o delayed) int {
	bytes := func(d delayed) string { return d.Key + string(binary.BigEndian.AppendUint32(nil, d.seq)) }
	return cmp.Or(cmp.Compare(d.Context.Time, o.Context.Time), cmp.Compare(bytes(d), bytes(o)))
}

// delays is the grace buffer of a join.
type delays struct {
	view             *store.GraceBuffer[string, int64]
	now, kept        []delayed
	observed, before int64
	seq              uint32
}

func graceStore() (store.Spec, subject) {
	spec := store.Spec{Name: "grace", Kind: store.KindGraceBuffer, Retention: grace}
	return spec, &delays{observed: math.MinInt64}
}

// attach also forgets the stream time of an empty buffer: it is that of what is in
// it, as in Kafka Streams. So is the last number.
func (s *delays) attach(p *program, e store.Engine) {
	view, err := store.NewGraceBuffer(e, p.spec, text{}, long{})
	require.NoError(p.t, err)
	s.view = view
	s.observed, s.seq = math.MinInt64, 0
	for _, d := range s.now {
		s.observed, s.seq = max(s.observed, d.Context.Time), max(s.seq, d.seq)
	}
}

func (s *delays) flush(*program) {}
func (s *delays) keep()          { s.kept, s.before = slices.Clone(s.now), s.observed }
func (s *delays) recall()        { s.now, s.observed = slices.Clone(s.kept), s.before }

func (s *delays) write(p *program) {
	if p.one(3) {
		s.release(p)
		return
	}
	ts := p.past(30_000)
	d := store.Delayed[string, int64]{Key: p.key(), Value: p.value(), Context: p.context(ts)}
	late := s.observed != math.MinInt64 && ts < s.observed-grace.Milliseconds()
	ok, err := s.view.Put(d)
	require.NoError(p.t, err)
	require.Equal(p.t, !late, ok)
	if !late {
		s.seq++
		s.now = append(s.now, delayed{d, s.seq})
		s.observed = max(s.observed, ts)
	}
}

func (s *delays) release(p *program) {
	slices.SortFunc(s.now, delayed.order)
	due := func(d delayed) bool { return d.Context.Time <= s.observed-grace.Milliseconds() }
	var want, got []store.Delayed[string, int64]
	for len(s.now) > 0 && due(s.now[0]) {
		want = append(want, s.now[0].Delayed)
		s.now = s.now[1:]
	}
	require.NoError(p.t, s.view.Release(func(d store.Delayed[string, int64]) error {
		got = append(got, d)
		return nil
	}))
	require.Equal(p.t, want, got)
}

func (s *delays) read(p *program) {
	n, err := s.view.Len()
	require.NoError(p.t, err)
	require.Equal(p.t, len(s.now), n)
}
