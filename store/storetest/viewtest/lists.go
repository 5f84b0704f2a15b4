package viewtest

import (
	"maps"
	"slices"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store"
)

// lists is a list store.
type lists struct {
	view      *store.List[string, int64]
	now, kept map[string][]int64
}

func listStore() (store.Spec, subject) {
	return store.Spec{Name: "lists", Kind: store.KindList}, &lists{now: map[string][]int64{}}
}

func (s *lists) attach(p *program, e store.Engine) {
	view, err := store.NewList(e, p.spec, text{}, long{})
	require.NoError(p.t, err)
	s.view = view
}

func (s *lists) flush(*program) {}

// keep and recall share the lists, of which the model only ever appends to copies.
func (s *lists) keep()   { s.kept = maps.Clone(s.now) }
func (s *lists) recall() { s.now = maps.Clone(s.kept) }

func (s *lists) write(p *program) {
	key, v := p.key(), p.value()
	if p.one(4) {
		require.NoError(p.t, s.view.Delete(key))
		delete(s.now, key)
		return
	}
	require.NoError(p.t, s.view.Add(key, v))
	s.now[key] = append(slices.Clone(s.now[key]), v)
}

func (s *lists) read(p *program) {
	if p.one(2) {
		key := p.key()
		same(p, s.now[key], s.view.Get(key), "Get %q", key)
		return
	}
	span, reverse := p.span(), p.one(2)
	keys := slices.Sorted(maps.Keys(s.now))
	if reverse {
		slices.Reverse(keys)
	}
	var want []store.Entry[string, int64]
	for _, k := range keys {
		for _, v := range s.now[k] {
			if holds(span, k) {
				want = append(want, store.Entry[string, int64]{Key: k, Value: v})
			}
		}
	}
	same(p, want, s.view.Select(span, reverse), "span %v, reverse %t", span, reverse)
}
