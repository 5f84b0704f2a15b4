package viewtest

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/keyenc"
	"github.com/millrace/millrace/streams/serde"
)

const (
	retention  = 3 * time.Minute
	windowSize = 10 * time.Second
)

// slot is a window or a session of a key. at is its start or its end, by which it
// lies in a segment and expires.
type slot struct {
	key       string
	at, start int64
}

// slots is what window and session stores share.
type slots struct {
	now, kept        map[slot][]timed
	observed, before int64
}

func newSlots() slots { return slots{now: map[slot][]timed{}, observed: math.MinInt64} }

func (s *slots) flush(*program) {}

func (s *slots) keep() {
	s.kept, s.before = map[slot][]timed{}, s.observed
	for k, v := range s.now {
		s.kept[k] = slices.Clone(v)
	}
}

func (s *slots) recall() {
	kept := s.kept
	s.now, s.observed = kept, s.before
	s.keep()
}

// put moves the stream time; what expires by it is forgotten.
func (s *slots) put(at int64) {
	s.observed = max(s.observed, at)
	maps.DeleteFunc(s.now, func(k slot, _ []timed) bool { return s.expired(k.at) })
}

func (s *slots) expired(at int64) bool { return at <= s.observed-retention.Milliseconds() }

// query is a read of several slots.
type query struct {
	span     store.Span[string]
	from, to int64
	reverse  bool
}

func (p *program) query() query {
	q := query{span: p.span(), from: p.past(300_000), to: p.past(300_000), reverse: p.one(2)}
	if p.one(4) {
		q.from, q.to = math.MinInt64, math.MaxInt64
	}
	return q
}

// found are the slots that a query should find, by segment, key, time and start.
func (s *slots) found(q query, in func(slot) bool) []slot {
	var out []slot
	for k := range s.now {
		if holds(q.span, k.key) && in(k) {
			out = append(out, k)
		}
	}
	segment := func(k slot) int64 { return keyenc.Segment(k.at, (retention / 2).Milliseconds()) }
	slices.SortFunc(out, func(a, b slot) int {
		return cmp.Or(cmp.Compare(segment(a), segment(b)), cmp.Compare(a.key, b.key), cmp.Compare(a.at, b.at), cmp.Compare(a.start, b.start))
	})
	if q.reverse {
		slices.Reverse(out)
	}
	return out
}

// windows is a window store of any sort.
type windows struct {
	slots
	spec store.Spec
	view *store.Window[string, int64]
}

func newWindows(spec store.Spec) (store.Spec, subject) {
	spec.Kind, spec.WindowSize, spec.Retention = store.KindWindow, windowSize, retention
	return spec, &windows{slots: newSlots(), spec: spec}
}

func timedWindows() (store.Spec, subject) {
	return newWindows(store.Spec{Name: "windows", Timestamped: true})
}

func plainWindows() (store.Spec, subject) { return newWindows(store.Spec{Name: "windows"}) }

func duplicateWindows() (store.Spec, subject) {
	return newWindows(store.Spec{Name: "windows", RetainDuplicates: true})
}

func (s *windows) attach(p *program, e store.Engine) {
	view, err := store.NewWindow(e, s.spec, text{}, long{})
	require.NoError(p.t, err)
	s.view = view
}

func (s *windows) write(p *program) {
	at := p.past(120_000) / 5000 * 5000
	k, v := slot{p.key(), at, at}, timed{p.value(), p.clock}
	if !s.spec.Timestamped {
		v.ts = at
	}
	// The window that moves the stream time stays, so that it can be found again.
	if p.one(6) && at < s.observed {
		require.NoError(p.t, s.view.Delete(k.key, at))
		if !s.spec.RetainDuplicates {
			delete(s.now, k)
		}
		return
	}
	require.NoError(p.t, s.view.Put(k.key, at, v.value, v.ts))
	if s.spec.RetainDuplicates {
		s.now[k] = append(s.now[k], v)
	} else {
		s.now[k] = []timed{v}
	}
	s.put(at)
}

func (s *windows) read(p *program) {
	q := p.query()
	if p.one(3) {
		s.get(p)
		return
	}
	one := p.one(2)
	if one {
		key := p.key()
		q.span = store.Between(key, key)
	}
	var want []store.WindowEntry[string, int64]
	for _, k := range s.found(q, func(k slot) bool { return q.from <= k.at && k.at <= q.to }) {
		values := slices.Clone(s.now[k])
		if q.reverse {
			slices.Reverse(values)
		}
		for _, v := range values {
			w := serde.Windowed[string]{Key: k.key, Window: serde.Window{Start: k.at, End: k.at + windowSize.Milliseconds()}}
			want = append(want, store.WindowEntry[string, int64]{Key: w, Value: v.value, Time: v.ts})
		}
	}
	switch {
	case one && q.reverse:
		same(p, want, s.view.BackwardFetch(q.span.From.V, q.from, q.to), "%v", q)
	case one:
		same(p, want, s.view.Fetch(q.span.From.V, q.from, q.to), "%v", q)
	case q.reverse:
		same(p, want, s.view.BackwardFetchRange(q.span, q.from, q.to), "%v", q)
	default:
		same(p, want, s.view.FetchRange(q.span, q.from, q.to), "%v", q)
	}
}

func (s *windows) get(p *program) {
	at := p.past(120_000) / 5000 * 5000
	k := slot{p.key(), at, at}
	value, ts, ok, err := s.view.Get(k.key, at)
	require.NoError(p.t, err)
	want := s.now[k]
	if s.spec.RetainDuplicates {
		want = nil // there is no window without a number
	}
	require.Equal(p.t, len(want) > 0, ok, "Get %v", k)
	if ok {
		require.Equal(p.t, want[0], timed{value, ts}, "Get %v", k)
	}
}

// sessions is a session store.
type sessions struct {
	slots
	spec store.Spec
	view *store.Session[string, int64]
}

func sessionStore() (store.Spec, subject) {
	spec := store.Spec{Name: "sessions", Kind: store.KindSession, Retention: retention}
	return spec, &sessions{slots: newSlots(), spec: spec}
}

func (s *sessions) attach(p *program, e store.Engine) {
	view, err := store.NewSession(e, s.spec, text{}, long{})
	require.NoError(p.t, err)
	s.view = view
}

func (p *program) session() slot {
	end := p.past(120_000) / 5000 * 5000
	return slot{p.key(), end, end - p.rng.Int64N(4)*2500}
}

func (s *sessions) write(p *program) {
	k, v := p.session(), p.value()
	// As with windows, the one that moves the stream time stays.
	if p.one(4) && k.at < s.observed {
		require.NoError(p.t, s.view.Remove(k.key, k.start, k.at))
		delete(s.now, k)
		return
	}
	require.NoError(p.t, s.view.Put(k.key, k.start, k.at, v))
	s.now[k] = []timed{{value: v}}
	s.put(k.at)
}

func (s *sessions) read(p *program) {
	q := p.query()
	if p.one(3) {
		k := p.session()
		got, ok, err := s.view.Get(k.key, k.start, k.at)
		require.NoError(p.t, err)
		want, there := s.now[k]
		require.Equal(p.t, there, ok, "Get %v", k)
		require.True(p.t, !ok || want[0].value == got, "Get %v", k)
		return
	}
	one := p.one(2)
	if one {
		key := p.key()
		q.span = store.Between(key, key)
	}
	var want []store.SessionEntry[string, int64]
	for _, k := range s.found(q, func(k slot) bool { return q.from <= k.at && k.start <= q.to }) {
		w := serde.Windowed[string]{Key: k.key, Window: serde.Window{Start: k.start, End: k.at}}
		want = append(want, store.SessionEntry[string, int64]{Key: w, Value: s.now[k][0].value})
	}
	switch {
	case one && q.reverse:
		same(p, want, s.view.BackwardFind(q.span.From.V, q.from, q.to), "%v", q)
	case one:
		same(p, want, s.view.Find(q.span.From.V, q.from, q.to), "%v", q)
	case q.reverse:
		same(p, want, s.view.BackwardFindRange(q.span, q.from, q.to), "%v", q)
	default:
		same(p, want, s.view.FindRange(q.span, q.from, q.to), "%v", q)
	}
}
