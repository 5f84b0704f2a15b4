package streamstest

import (
	"bytes"
	"errors"
	"slices"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams/serde"
)

// KeyValue shows the store of a table or of an aggregate, all partitions of it,
// for reading. An unknown name ends the test and lists the stores that exist.
func KeyValue[K, V any](d *Driver, name string, ks serde.Serde[K], vs serde.Serde[V]) *store.TimestampedKV[K, V] {
	d.t.Helper()
	all, spec := d.spread(name, store.KindKeyValue)
	if spec.TTL == 0 {
		return store.NewTimestampedKV(all, ks, vs)
	}
	expiring, err := store.NewTTL(all, spec)
	d.check(err)
	return store.NewTimestampedKV(expiring, ks, vs)
}

// Window shows the store of a windowed aggregate, all partitions of it, for
// reading. Ask again after sending: the view remembers how far it has expired.
func Window[K, V any](d *Driver, name string, ks serde.Serde[K], vs serde.Serde[V]) *store.Window[K, V] {
	d.t.Helper()
	all, spec := d.spread(name, store.KindWindow)
	st, err := store.NewWindow(all, spec, ks, vs)
	d.check(err)
	return st
}

// Session shows the store of a session aggregate; see [Window].
func Session[K, V any](d *Driver, name string, ks serde.Serde[K], vs serde.Serde[V]) *store.Session[K, V] {
	d.t.Helper()
	all, spec := d.spread(name, store.KindSession)
	st, err := store.NewSession(all, spec, ks, vs)
	d.check(err)
	return st
}

// spread is the engine over all partitions of a store.
func (d *Driver) spread(name string, kind store.Kind) (spread, store.Spec) {
	d.t.Helper()
	decl, err := d.store(name)
	d.check(err)
	if decl.Spec.Kind != kind {
		d.t.Fatalf("streamstest: the store %q is a %v store, not a %v store", name, decl.Spec.Kind, kind)
	}
	var all spread
	for _, u := range slices.Concat(d.globals, d.units) {
		for _, s := range u.sub.Stores {
			if s.Spec.Name == name {
				e, err := u.db.Engine(s.Spec)
				d.check(err)
				all = append(all, e)
			}
		}
	}
	return all, decl.Spec
}

// spread reads the engines of all partitions as one. A key is in one of them.
type spread []store.Engine

var errReadOnly = errors.New("stores are for reading here: send records to change them")

func (s spread) Get(key []byte) (value []byte, ok bool, err error) {
	for _, e := range s {
		if value, ok, err = e.Get(key); ok || err != nil {
			return value, ok, err
		}
	}
	return nil, false, nil
}

// Scan reads everything first and merges by key: tests have little data, and this
// is the shortest way to one order.
func (s spread) Scan(lo, hi []byte, reverse bool, visit func(key, value []byte) bool) error {
	var all []store.Mutation
	for _, e := range s {
		err := e.Scan(lo, hi, reverse, func(key, value []byte) bool {
			all = append(all, store.Mutation{Key: keep(key), Value: keep(value)})
			return true
		})
		if err != nil {
			return err
		}
	}
	slices.SortFunc(all, func(a, b store.Mutation) int {
		if reverse {
			a, b = b, a
		}
		return bytes.Compare(a.Key, b.Key)
	})
	for _, m := range all {
		if !visit(m.Key, m.Value) {
			return nil
		}
	}
	return nil
}

func (spread) Put(_, _ []byte) error         { return errReadOnly }
func (spread) Delete(_ []byte) error         { return errReadOnly }
func (spread) DeleteRange(_, _ []byte) error { return errReadOnly }
