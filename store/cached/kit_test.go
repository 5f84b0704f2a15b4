package cached_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/changelog"
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/cached"
	"github.com/millrace/millrace/store/memstore"
	"github.com/millrace/millrace/streams/serde"
)

var (
	tableSpec  = store.Spec{Name: "t", Kind: store.KindKeyValue, Timestamped: true}
	windowSpec = store.Spec{
		Name: "w", Kind: store.KindWindow, Timestamped: true, WindowSize: 10 * time.Second, Retention: 5 * time.Minute,
	}
	sessionSpec = store.Spec{Name: "s", Kind: store.KindSession, Retention: 5 * time.Minute}
)

// none is the window of a table's keys.
var none serde.Window

// rig is one cache over a memory engine with a changelog. What it sends on, the
// changelog's records and the store's writes are kept as text.
type rig[V any] struct {
	t      testing.TB
	c      *cached.Cache[string, V]
	engine store.Engine
	budget *cached.Budget
	now    int64
	sent   []string
	logged []string
	staged []string
	// keep has the values that were forwarded, as downstream would keep them.
	keep []V
	show func(V) string
}

// staging notes the order in which a store is written.
type staging struct {
	store.Engine
	put func(key []byte)
}

func (s staging) Put(key, value []byte) error {
	s.put(key)
	return s.Engine.Put(key, value)
}

func newRig[V any](t testing.TB, spec store.Spec, vs serde.Serde[V], budget int64) *rig[V] {
	t.Helper()
	e, err := memstore.New().Engine(spec)
	require.NoError(t, err)
	r := &rig[V]{t: t, budget: cached.NewBudget(budget), show: func(v V) string { return fmt.Sprint(v) }}
	r.engine = staging{e, func(key []byte) { r.staged = append(r.staged, fmt.Sprintf("%q", key)) }}
	log := changelog.Log(r.engine, spec, func() int64 { return r.now }, func(key, value []byte, ts int64) error {
		r.logged = append(r.logged, fmt.Sprintf("%q=%q@%d", key, value, ts))
		return nil
	})
	r.c, err = open(log, spec, cached.Options[string, V]{Keys: serde.String, Values: vs, Budget: r.budget})
	require.NoError(t, err)
	r.c.Own(r, true)
	return r
}

func open[V any](e store.Engine, spec store.Spec, o cached.Options[string, V]) (*cached.Cache[string, V], error) {
	switch spec.Kind {
	case store.KindWindow:
		return cached.NewWindow(e, spec, o)
	case store.KindSession:
		return cached.NewSession(e, spec, o)
	}
	return cached.NewTable(e, spec, o)
}

// Enter implements cached.Owner.
func (r *rig[V]) Enter(c *cached.Context) {
	if c != nil {
		r.now = c.Time
	}
}

// Forward implements cached.Owner.
func (r *rig[V]) Forward(u *cached.Update[string, V]) error {
	side := func(v V, there bool) string {
		if !there {
			return "-"
		}
		return r.show(v)
	}
	text := fmt.Sprintf("%s %s<-%s @%d", u.Key, side(u.New, u.Has), side(u.Old, u.Had), u.Time)
	if u.Window != none {
		text += fmt.Sprintf(" [%d,%d]", u.Window.Start, u.Window.End)
	}
	r.sent = append(r.sent, text)
	r.keep = append(r.keep, u.New)
	return nil
}

// put is what a blind writer such as a table's source does.
func (r *rig[V]) put(k string, v V, ts int64) {
	r.t.Helper()
	e, err := r.c.Cell(k, none)
	require.NoError(r.t, err)
	require.NoError(r.t, r.c.PutShared(e, v, ts, &cached.Context{Time: ts}))
}

// fold is what an aggregate does.
func (r *rig[V]) fold(k string, w serde.Window, ts int64, f func(acc V, had bool) V) {
	r.t.Helper()
	e, err := r.c.Load(k, w)
	require.NoError(r.t, err)
	acc, _, had, err := r.c.Take(e)
	require.NoError(r.t, err)
	require.NoError(r.t, r.c.Put(e, f(acc, had), ts, &cached.Context{Time: ts}))
}

func (r *rig[V]) delete(k string, ts int64) {
	r.t.Helper()
	e, err := r.c.Cell(k, none)
	require.NoError(r.t, err)
	require.NoError(r.t, r.c.Delete(e, &cached.Context{Time: ts}))
}

func (r *rig[V]) flush() (sent []string) {
	r.t.Helper()
	r.sent, r.logged, r.staged = nil, nil, nil
	require.NoError(r.t, r.c.Flush())
	require.Zero(r.t, r.c.Dirty())
	return r.sent
}

// get reads as a join would.
func (r *rig[V]) get(k string) string {
	r.t.Helper()
	v, ts, ok, err := r.c.Get(k, none)
	require.NoError(r.t, err)
	if !ok {
		return "-"
	}
	return fmt.Sprintf("%s@%d", r.show(v), ts)
}

// stored reads past the cache.
func (r *rig[V]) stored(k string, vs serde.Serde[V]) string {
	r.t.Helper()
	v, ts, ok, err := store.NewTimestampedKV(r.engine, serde.String, vs).Get(k)
	require.NoError(r.t, err)
	if !ok {
		return "-"
	}
	return fmt.Sprintf("%s@%d", r.show(v), ts)
}

func increment(n int64, _ bool) int64 { return n + 1 }
