package streams

import (
	"time"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams/internal/node"
	"github.com/millrace/millrace/streams/internal/topo"
	"github.com/millrace/millrace/streams/serde"
)

// StoreRef is a state store for processors: its declaration, and the way to it. S
// is how it is read and written. A StoreRef is a value; make it once and use it
// with [Uses] in each operator that needs the store.
type StoreRef[S any] struct{ d *storeDecl }

// StateStore is any [StoreRef].
type StateStore interface{ declaration() *storeDecl }

// StoreContext is the context of any processor.
type StoreContext interface{ state(*storeDecl) any }

// storeDecl is what a StoreRef declares, without its type.
type storeDecl struct {
	spec     store.Spec
	where    string
	settings settings
	open     func(*linking, topo.StoreID) any
	// shared is set for the rows of a table, which are declared already.
	shared *Builder
	rows   []topo.StoreID
}

func (d *storeDecl) name() string {
	if d == nil || d.shared != nil {
		return "of a table"
	}
	return d.spec.Name
}

func (r StoreRef[S]) declaration() *storeDecl { return r.d }

// In is the store in one task. The processor must have declared the use of it, or
// the task does not start.
func (r StoreRef[S]) In(ctx StoreContext) S {
	s, _ := ctx.state(r.d).(S)
	return s
}

// Uses declares that a processor uses these stores. All operators that use a store
// belong to one sub-topology.
func Uses(stores ...StateStore) ProcessOption { return storeUse(stores) }

type storeUse []StateStore

func (u storeUse) processOption() {}

func (u storeUse) apply(s *settings) {
	for i, st := range u {
		if st == nil || st.declaration() == nil {
			s.fault("store %d of Uses is none; make it with KVStore or its kin", i+1)
			continue
		}
		s.uses = append(s.uses, st.declaration())
	}
}

// AddStateStore declares a store, and the processors that were added by
// [Builder.AddProcessor] and use it. For others [Uses] declares it as well, so that the
// call is needed only to have faults of the store reported where nobody uses it.
func (b *Builder) AddStateStore(st StateStore, processors ...string) {
	c := call{Call: topo.Call{Prefix: "ADD-STATE-STORE-", Where: caller()}, b: b}
	if st == nil || st.declaration() == nil {
		c.fail("it is none; make it with KVStore or its kin")
		return
	}
	c.connect(st.declaration(), b.state(&c, st.declaration()), processors)
}

// state is the store of a declaration in this builder, or the stores that the rows
// of a table are made of; none after a fault.
func (b *Builder) state(c *call, d *storeDecl) []topo.StoreID {
	if _, ok := b.globals[d]; ok {
		return nil // it is everybody's
	}
	if d.shared != nil {
		if d.shared != b {
			c.fail("the table whose rows are used belongs to another builder")
			return nil
		}
		return d.rows
	}
	if have, ok := b.stores[d.spec.Name]; ok {
		if have.d != d {
			c.fail("the store %s is declared twice, at %s and %s; make one StoreRef and use it in both places", d.name(), have.d.where, d.where)
			return nil
		}
		return []topo.StoreID{have.id}
	}
	b.checkState(d)
	id := b.graph.StateStore(topo.StoreDecl{Spec: d.spec, Where: d.where, NoCache: true})
	b.stores[d.spec.Name] = declared{d, id}
	return []topo.StoreID{id}
}

// checkState keeps the faults of a store's declaration.
func (b *Builder) checkState(d *storeDecl) {
	for _, fault := range d.settings.faults {
		b.fail(d.where, "the store %s: %w", d.name(), fault)
	}
	if err := topo.CheckName(d.spec.Name); err != nil {
		b.fail(d.where, "the store: %w", err)
	} else if err := d.spec.Validate(); err != nil {
		b.fail(d.where, "%w", err)
	}
}

// declared is a store that a builder knows.
type declared struct {
	d  *storeDecl
	id topo.StoreID
}

// newStore makes a reference out of a specification and options.
func newStore[S any](spec store.Spec, opts []StoreOption, view func(store.Engine, store.Spec) (S, error)) StoreRef[S] {
	d := &storeDecl{spec: spec, where: caller()}
	for _, o := range opts {
		if o != nil {
			o.apply(&d.settings)
		}
	}
	s := &d.settings
	if s.name != "" || s.operator != "" {
		s.fault("the name is the first argument; As and AsOperator are for operators")
	}
	d.spec.LoggingOff, d.spec.LogConfig, d.spec.RetainDuplicates = s.loggingOff, s.logConfig, s.duplicates
	if err := s.shape(&d.spec); err != nil {
		s.fault("%w", err)
	}
	d.open = func(l *linking, id topo.StoreID) any {
		s := open(l, id, view)
		l.sweepStore(id)
		return s
	}
	return StoreRef[S]{d}
}

// KVStore is a store of one value a key.
func KVStore[K, V any](name string, ks serde.Serde[K], vs serde.Serde[V], opts ...StoreOption) StoreRef[*store.KV[K, V]] {
	spec := store.Spec{Name: name, Kind: store.KindKeyValue}
	return newStore(spec, opts, func(e store.Engine, _ store.Spec) (*store.KV[K, V], error) {
		return store.NewKV(e, ks, vs), nil
	})
}

// TimestampedKVStore is a store of one value a key, with the value's time.
func TimestampedKVStore[K, V any](name string, ks serde.Serde[K], vs serde.Serde[V], opts ...StoreOption) StoreRef[*store.TimestampedKV[K, V]] {
	spec := store.Spec{Name: name, Kind: store.KindKeyValue, Timestamped: true}
	return newStore(spec, opts, func(e store.Engine, _ store.Spec) (*store.TimestampedKV[K, V], error) {
		return store.NewTimestampedKV(e, ks, vs), nil
	})
}

// WindowStore is a store of values by key and window. Windows are so long, and are
// kept for the retention behind the newest one.
func WindowStore[K, V any](name string, ks serde.Serde[K], vs serde.Serde[V], size, retention time.Duration, opts ...StoreOption) StoreRef[*store.Window[K, V]] {
	spec := store.Spec{Name: name, Kind: store.KindWindow, WindowSize: size, Retention: retention}
	return newStore(spec, opts, func(e store.Engine, s store.Spec) (*store.Window[K, V], error) {
		return store.NewWindow(e, s, ks, vs)
	})
}

// SessionStore is a store of values by key and session, which are kept for the
// retention behind the newest one.
func SessionStore[K, V any](name string, ks serde.Serde[K], vs serde.Serde[V], retention time.Duration, opts ...StoreOption) StoreRef[*store.Session[K, V]] {
	spec := store.Spec{Name: name, Kind: store.KindSession, Retention: retention}
	return newStore(spec, opts, func(e store.Engine, s store.Spec) (*store.Session[K, V], error) {
		return store.NewSession(e, s, ks, vs)
	})
}

// VersionedStore is a store of the values that each key had, for so long behind the
// newest one.
func VersionedStore[K, V any](name string, ks serde.Serde[K], vs serde.Serde[V], history time.Duration, opts ...StoreOption) StoreRef[*store.Versioned[K, V]] {
	spec := store.Spec{Name: name, Kind: store.KindVersioned, History: history}
	return newStore(spec, opts, func(e store.Engine, s store.Spec) (*store.Versioned[K, V], error) {
		return store.NewVersioned(e, s, ks, vs)
	})
}

// RetainDuplicates keeps all values that are put into one window of a
// [WindowStore], instead of the last one.
func RetainDuplicates() StoreOption { return storeSetting(func(s *settings) { s.duplicates = true }) }

// Rows reads the rows of a table in a processor; see [Table.Rows].
type Rows[K, V any] struct{ get node.Lookup[K, V] }

// Get returns the value of a key, its time in ms, and whether there is one.
func (r Rows[K, V]) Get(k K) (v V, ms int64, ok bool, err error) {
	if r.get == nil {
		return v, 0, false, nil
	}
	return r.get(k)
}

// Rows is the table for reading in processors, which declare it with [Uses]. It
// gives the table a store, if it has none.
func (t Table[K, V]) Rows() StoreRef[Rows[K, V]] {
	h := t.t.owned()
	get := h.get
	return StoreRef[Rows[K, V]]{&storeDecl{
		where: caller(), shared: h.h.b, rows: h.sts,
		open: func(l *linking, _ topo.StoreID) any { return Rows[K, V]{get(l)} },
	}}
}
