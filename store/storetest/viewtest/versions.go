package viewtest

import (
	"maps"
	"math"
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store"
)

const history = time.Minute

// versions is a versioned store: the model keeps everything that was ever put.
type versions struct {
	view             *store.Versioned[string, int64]
	now, kept        map[string]map[int64]*int64 // nil is a deletion
	observed, before int64
}

func versionedStore() (store.Spec, subject) {
	spec := store.Spec{Name: "versions", Kind: store.KindVersioned, History: history}
	return spec, &versions{now: map[string]map[int64]*int64{}, observed: math.MinInt64}
}

func (s *versions) attach(p *program, e store.Engine) {
	view, err := store.NewVersioned(e, p.spec, text{}, long{})
	require.NoError(p.t, err)
	s.view = view
}

func (s *versions) flush(*program) {}

func (s *versions) keep() { s.kept, s.before = deep(s.now), s.observed }

func (s *versions) recall() { s.now, s.observed = deep(s.kept), s.before }

func deep(m map[string]map[int64]*int64) map[string]map[int64]*int64 {
	out := map[string]map[int64]*int64{}
	for k, v := range m {
		out[k] = maps.Clone(v)
	}
	return out
}

func (s *versions) oldest() int64 {
	if s.observed == math.MinInt64 {
		return s.observed
	}
	return s.observed - history.Milliseconds()
}

// versions are those of a key, deletions left out, the oldest first.
func (s *versions) versions(key string) (out []store.Version[int64]) {
	times := slices.Sorted(maps.Keys(s.now[key]))
	for i, ts := range times {
		v := store.Version[int64]{From: ts, To: store.ValidToUndefined}
		if i+1 < len(times) {
			v.To = times[i+1]
		}
		if value := s.now[key][ts]; value != nil {
			v.Value = *value
			out = append(out, v)
		}
	}
	return out
}

func (s *versions) asOf(key string, at int64) (found store.Version[int64], ok bool) {
	for _, v := range s.versions(key) {
		if v.From <= at && (v.To == store.ValidToUndefined || at < v.To) {
			found, ok = v, v.To == store.ValidToUndefined || at >= s.oldest()
		}
	}
	if !ok {
		found = store.Version[int64]{}
	}
	return found, ok
}

func (s *versions) write(p *program) {
	key, value, ts := p.key(), p.value(), p.past(50_000)/1000*1000
	before, had := s.asOf(key, ts)
	validTo := store.NotPut
	if ts >= s.oldest() {
		validTo = store.ValidToUndefined
		for _, at := range slices.Sorted(maps.Keys(s.now[key])) {
			if at > ts {
				validTo = at
				break
			}
		}
		if s.now[key] == nil {
			s.now[key] = map[int64]*int64{}
		}
		s.observed = max(s.observed, ts)
		s.now[key][ts] = &value
	}
	var got int64
	var err error
	switch p.rng.IntN(8) {
	case 0:
		got, err = s.view.PutNull(key, ts)
	case 1:
		old, ok, err := s.view.Delete(key, ts)
		require.NoError(p.t, err)
		require.Equal(p.t, had && validTo != store.NotPut, ok)
		require.True(p.t, !ok || old == before, "Delete %q at %d: %v, not %v", key, ts, old, before)
		s.null(key, ts)
		return
	default:
		got, err = s.view.Put(key, value, ts)
		require.NoError(p.t, err)
		require.Equal(p.t, validTo, got, "Put %q at %d", key, ts)
		return
	}
	require.NoError(p.t, err)
	require.Equal(p.t, validTo, got, "PutNull %q at %d", key, ts)
	s.null(key, ts)
}

// null makes the version of just that time a deletion, if there is one.
func (s *versions) null(key string, ts int64) {
	if ts >= s.oldest() {
		s.now[key][ts] = nil
	}
}

func (s *versions) read(p *program) {
	key := p.key()
	switch p.rng.IntN(4) {
	case 0:
		got, ok, err := s.view.Get(key)
		require.NoError(p.t, err)
		want, there := s.asOf(key, math.MaxInt64)
		require.Equal(p.t, there, ok, "Get %q", key)
		require.True(p.t, !ok || got == want, "Get %q: %v, not %v", key, got, want)
	case 1:
		at := p.past(70_000)
		got, ok, err := s.view.GetAsOf(key, at)
		require.NoError(p.t, err)
		want, there := s.asOf(key, at)
		require.Equal(p.t, there, ok, "GetAsOf %q %d", key, at)
		require.Equal(p.t, want, got, "GetAsOf %q %d", key, at)
	case 2:
		s.history(p, key)
	default:
		var want []store.VersionEntry[string, int64]
		for _, k := range slices.Sorted(maps.Keys(s.now)) {
			if v, ok := s.asOf(k, math.MaxInt64); ok {
				want = append(want, store.VersionEntry[string, int64]{Key: k, Version: v})
			}
		}
		same(p, want, s.view.All(), "All")
	}
}

func (s *versions) history(p *program, key string) {
	from, to := p.past(100_000), p.past(100_000)
	var want []store.Version[int64]
	for _, v := range s.versions(key) {
		latest := v.To == store.ValidToUndefined
		if v.From <= to && (latest || v.To > from) && (latest || v.To > s.oldest()) {
			want = append(want, v)
		}
	}
	if p.one(2) {
		slices.Reverse(want)
		same(p, want, s.view.BackwardHistory(key, from, to), "BackwardHistory %q %d %d", key, from, to)
		return
	}
	same(p, want, s.view.History(key, from, to), "History %q %d %d", key, from, to)
}
