package viewtest

import (
	"cmp"
	"encoding/binary"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store"
)

type timed struct{ value, ts int64 }

// values is a key-value store of any sort. In one of bounded size the order in which
// keys were touched counts.
type values struct {
	timed bool
	bound int // of entries; 0 is none
	aging *store.TTL
	plain *store.KV[string, int64]
	times *store.TimestampedKV[string, int64]

	now, kept map[string]timed
	order     []string // the key touched last at the end
}

func newValues(spec store.Spec) (store.Spec, subject) {
	return spec, &values{timed: spec.Timestamped, bound: spec.MaxEntries, now: map[string]timed{}}
}

func plainValues() (store.Spec, subject) {
	return newValues(store.Spec{Name: "plain", Kind: store.KindKeyValue})
}

func timedValues() (store.Spec, subject) {
	return newValues(store.Spec{Name: "timed", Kind: store.KindKeyValue, Timestamped: true})
}

func expiringValues() (store.Spec, subject) {
	return newValues(store.Spec{Name: "expiring", Kind: store.KindKeyValue, Timestamped: true, TTL: 40 * time.Second})
}

func plainLRU() (store.Spec, subject) {
	return newValues(store.Spec{Name: "lru", Kind: store.KindLRU, MaxEntries: 3})
}

func timedLRU() (store.Spec, subject) {
	return newValues(store.Spec{Name: "lru", Kind: store.KindLRU, MaxEntries: 3, Timestamped: true})
}

func (s *values) attach(p *program, e store.Engine) {
	if s.bound > 0 {
		bounded, err := store.NewLRU(e, p.spec)
		require.NoError(p.t, err)
		e = bounded
		s.order = slices.Sorted(maps.Keys(s.now))
		slices.SortStableFunc(s.order, func(a, b string) int { return cmp.Compare(s.now[a].ts, s.now[b].ts) })
	}
	if p.spec.TTL > 0 {
		aging, err := store.NewTTL(e, p.spec)
		require.NoError(p.t, err)
		e, s.aging = aging, aging
	}
	s.plain = store.NewKV(e, text{}, long{})
	s.times = store.NewTimestampedKV(e, text{}, long{})
}

func (s *values) flush(*program) {}
func (s *values) keep()          { s.kept = maps.Clone(s.now) }
func (s *values) recall()        { s.now = maps.Clone(s.kept) }

// touch moves a key to the end, and evicts the one in front if there are too many.
func (s *values) touch(key string, gone bool) {
	if s.bound == 0 {
		return
	}
	s.order = slices.DeleteFunc(s.order, func(k string) bool { return k == key })
	if !gone {
		s.order = append(s.order, key)
	}
	for len(s.order) > s.bound {
		delete(s.now, s.order[0])
		s.order = s.order[1:]
	}
}

func (s *values) write(p *program) {
	key, v := p.key(), timed{value: p.value()}
	if s.aging != nil && p.one(3) {
		s.sweep(p)
		return
	}
	if p.one(5) {
		err := s.plain.Delete(key)
		require.NoError(p.t, err)
		delete(s.now, key)
		s.touch(key, true)
		return
	}
	var err error
	if s.timed {
		s.get(p, key)
		// In a bounded store times tell the order again, so they are all different.
		p.clock++
		v.ts = p.clock
		if s.aging != nil {
			v.ts = p.past(60_000)
		}
		err = s.times.Put(key, v.value, v.ts)
	} else {
		err = s.plain.Put(key, v.value)
	}
	require.NoError(p.t, err)
	s.now[key] = v
	s.touch(key, false)
}

// sweep lets what is too old expire, a few entries at a time.
func (s *values) sweep(p *program) {
	interval := p.spec.TTLInterval()
	want, got := map[string]timed{}, map[string]timed{}
	for key, v := range s.now {
		if end := (v.ts/interval + 1) * interval; end-1+p.spec.TTL.Milliseconds() <= p.clock {
			want[key] = v
		}
	}
	for more := true; more; {
		var err error
		more, err = s.aging.Sweep(p.clock, 1+p.rng.IntN(3), func(key, value []byte) (bool, error) {
			require.Len(p.t, value, 16)
			got[string(key)] = timed{value: int64(binary.BigEndian.Uint64(value[8:])), ts: int64(binary.BigEndian.Uint64(value))}
			return false, nil
		})
		require.NoError(p.t, err)
	}
	require.Equal(p.t, want, got, "expired at %d", p.clock)
	for key := range got {
		delete(s.now, key)
	}
}

func (s *values) get(p *program, key string) {
	want, there := s.now[key]
	var got timed
	var ok bool
	var err error
	if s.timed {
		got.value, got.ts, ok, err = s.times.Get(key)
	} else {
		got.value, ok, err = s.plain.Get(key)
	}
	require.NoError(p.t, err)
	require.Equal(p.t, there, ok, "Get %q", key)
	require.Equal(p.t, want, got, "Get %q", key)
	if there && s.bound > 0 {
		s.touch(key, false)
	}
}

func (s *values) read(p *program) {
	reverse := p.one(2)
	switch p.rng.IntN(3) {
	case 0:
		// In a timestamped store of bounded size what is read becomes younger than its
		// time says, which is forgotten at a restart: there writes follow reads.
		if s.bound == 0 || !s.timed {
			s.get(p, p.key())
		}
	case 1:
		span := p.span()
		s.scan(p, func(k string) bool { return holds(span, k) }, reverse, span, "")
	default:
		prefix := p.key()
		s.scan(p, func(k string) bool { return strings.HasPrefix(k, prefix) }, reverse, store.Span[string]{}, prefix)
	}
}

// scan compares a scan by span, or by prefix if there is one.
func (s *values) scan(p *program, in func(string) bool, reverse bool, span store.Span[string], prefix string) {
	var plain []store.Entry[string, int64]
	var times []store.TimestampedEntry[string, int64]
	keys := slices.Sorted(maps.Keys(s.now))
	if reverse {
		slices.Reverse(keys)
	}
	for _, k := range keys {
		if in(k) {
			plain = append(plain, store.Entry[string, int64]{Key: k, Value: s.now[k].value})
			times = append(times, store.TimestampedEntry[string, int64]{Key: k, Value: s.now[k].value, Time: s.now[k].ts})
		}
	}
	switch {
	case s.timed && prefix != "" && reverse:
		same(p, times, s.times.ReversePrefix([]byte(prefix)), "reverse prefix %q", prefix)
	case s.timed && prefix != "":
		same(p, times, s.times.Prefix([]byte(prefix)), "prefix %q", prefix)
	case s.timed:
		same(p, times, s.times.Select(span, reverse), "span %v, reverse %t", span, reverse)
	case prefix != "" && reverse:
		same(p, plain, s.plain.ReversePrefix([]byte(prefix)), "reverse prefix %q", prefix)
	case prefix != "":
		same(p, plain, s.plain.Prefix([]byte(prefix)), "prefix %q", prefix)
	default:
		same(p, plain, s.plain.Select(span, reverse), "span %v, reverse %t", span, reverse)
	}
}
