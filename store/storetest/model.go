package storetest

import (
	"maps"
	"slices"

	"github.com/millrace/millrace/store"
)

// state is the content of all stores and the position, as plain maps.
type state struct {
	stores   []map[string]string
	position store.Position
}

func (s state) clone() state {
	c := state{position: maps.Clone(s.position)}
	for _, m := range s.stores {
		c.stores = append(c.stores, maps.Clone(m))
	}
	return c
}

// model is what a DB should be: the state with what is staged, and every commit
// that a crash may still lead back to.
type model struct {
	now     state
	commits []state // the first is durable, the last the newest
}

func newModel() *model {
	m := &model{now: state{position: store.Position{}}}
	for range specs() {
		m.now.stores = append(m.now.stores, map[string]string{})
	}
	m.commits = []state{m.now.clone()}
	return m
}

func (m *model) committed() state { return m.commits[len(m.commits)-1] }

func (m *model) commit(pos store.Position) {
	maps.Copy(m.now.position, pos)
	m.commits = append(m.commits, m.now.clone())
}

func (m *model) rollback() { m.now = m.committed().clone() }

// flush makes the newest commit the only one that a crash leads to.
func (m *model) flush() { m.commits = m.commits[len(m.commits)-1:] }

// crashed takes the commit at which the DB was found for the newest. It reports
// whether there is such a commit.
func (m *model) crashed(found store.Position) bool {
	for i, c := range m.commits {
		if maps.Equal(c.position, found) {
			m.commits = m.commits[i : i+1]
			m.rollback()
			return true
		}
	}
	return false
}

func (m *model) deleteRange(i int, lo, hi string) {
	maps.DeleteFunc(m.now.stores[i], func(k, _ string) bool { return k >= lo && k < hi })
}

// scan is what an engine's Scan should visit. A nil bound is open.
func (m *model) scan(i int, lo, hi []byte, reverse bool, limit int) []pair {
	out := []pair{}
	for _, k := range slices.Sorted(maps.Keys(m.now.stores[i])) {
		if k >= string(lo) && (hi == nil || k < string(hi)) {
			out = append(out, pair{k, m.now.stores[i][k]})
		}
	}
	if reverse {
		slices.Reverse(out)
	}
	return out[:min(limit, len(out))]
}
